"""Hostile documents, each attack by its name."""

from __future__ import annotations

import json
import resource
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.sops import limits, parse, plain
from injector.sops.errors import SopsError
from injector.sops.metadata import Rule
from injector.sops.selectors import Selection
from tests.injector.sops.hostile import METADATA, document, refusal

if TYPE_CHECKING:
    from tests.injector.sops.oracle import Oracle


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    """A billion laughs: ten aliases of ten aliases, nine times."""
    lines = [f'a0: &a0 ["{"x" * 10}"]']
    for level in range(1, 10):
        copies = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{copies}]")

    assert "aliases expanded" in str(refusal("\n".join(lines).encode()))


def test_an_alias_bomb_of_one_long_text_is_refused() -> None:
    """Few nodes, but gigabytes of text to hash."""
    bomb = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 10_000)}]\n"

    assert "characters, aliases expanded" in str(refusal(bomb.encode()))


def test_a_chain_of_aliases_is_as_deep_as_it_unfolds() -> None:
    """Each line is flat, all of them are a thousand levels."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{level}: &a{level} {{k: *a{level - 1}}}" for level in range(1, 1000)]

    assert "deeper than 64" in str(refusal("\n".join(lines).encode()))


def test_an_alias_of_what_it_stands_in_is_refused() -> None:
    """A tree that contains itself has no end."""
    assert "stands inside of it" in str(refusal(b"a: &a {b: *a}\n"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("yaml", b"a: " + b"[" * 100_000),
        ("yaml", b"a: " + b"{b: " * 100_000),
        ("yaml", b"a:\n" + b"".join(b" " * depth + b"- \n" for depth in range(1, 500))),
        ("json", b'{"a": ' + b"[" * 400_000),
        ("json", b'{"a":' * 100_000),
        ("binary", b'{"data": ' + b"[" * 400_000),
    ],
)
def test_deep_nesting_ends_in_a_refusal(name: str, data: bytes) -> None:
    """No recursion error, whatever the format."""
    assert refusal(data, name).reason is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize("name", list(parse.READERS))
def test_what_is_too_large_is_not_even_looked_at(name: str) -> None:
    """One byte more than a ConfigMap holds."""
    assert "at most 1048576" in str(refusal(b"x" * (limits.MAX_DOCUMENT + 1), name))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("json", b'{"a": [' + b"1," * 500_000 + b"1]}"),
        ("yaml", b"a: [" + b"1," * 500_000 + b"]"),
        ("yaml", b"a: b\n" + b"#\n" * 500_000),
        ("yaml", b"---\n" * 200_000),
        ("dotenv", b"=\n" * 500_000),
        ("ini", b"[a]\n" * 200_000),
    ],
)
def test_too_many_values_are_refused(name: str, data: bytes) -> None:
    """A megabyte can hold half a million of them."""
    assert "more than 50000" in str(refusal(data, name))


def test_a_pattern_that_explodes_elsewhere_takes_linear_time() -> None:
    """ReDoS: nested quantifiers against what nearly matches, with RE2 in bounded memory."""
    selection = Selection(Rule("encrypted_regex", "^(a+)+$"))
    assert not selection.key_hits("a" * 1000 + "!")  # an exponential match would never end


@pytest.mark.parametrize(
    "pattern",
    ["(", "(?<=a)b", r"(a)\1", "a{1001}", "((a{100}){100}){100}", "x" * 1025, r"\p{Nope}"],
)
def test_a_pattern_that_re2_does_not_take_is_refused(pattern: str) -> None:
    """Go ignores a wrong pattern and encrypts everything, or nothing: we do not guess."""
    told = str(refusal(document(encrypted_regex=pattern)))

    assert told.startswith("`sops.encrypted_regex`: ")
    assert "(a)" not in told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json", '{"n": %s}' % ("9" * 100_000)),
        ("json", '{"n": 1e999999}'),
        ("json", '{"n": -%s.5}' % ("9" * 10_000)),
        ("json", '{"n": NaN}'),
        ("yaml", "n: 18446744073709551615"),
        ("yaml", "n: 0x" + "f" * 16),
    ],
)
def test_huge_numbers_are_refused(name: str, text: str) -> None:
    """No number that Go cannot hold, and no time spent on its digits."""
    assert refusal(text.encode(), name).reason is Reason.INVALID_DOCUMENT


def test_a_huge_integer_of_yaml_is_a_float_or_a_text() -> None:
    """As go-yaml has it; a million digits take no time."""
    assert "no `sops` metadata" in str(refusal(b"n: " + b"9" * 1_000_000))
    assert "no `sops` metadata" in str(refusal(b"n: " + b"1_" * 500_000))


@pytest.mark.parametrize("first", [b"", b"a: &x\n  - "], ids=["at once", "inside"])
@pytest.mark.parametrize(
    "bomb",
    [
        b"#" * 1_000_000,
        (b" " * 511 + b"#\n") * 1900,
        (b"\n" * 600 + b"#\n") * 1700,
        b" " * 1_000_000 + b"#",
        b"\n" * 1_000_000 + b"#",
        b"# x\n\n" * 24_000,
        b"".join(b" " * (depth % 40) + b"#\n" for depth in range(40_000)),
    ],
    ids=["one", "far right", "far apart", "a line", "lines", "parted", "ragged"],
)
def test_a_bomb_of_comments_ends_in_a_refusal(first: bytes, bomb: bytes) -> None:
    """A megabyte of them is read once, not once for each comment: that would take hours."""
    assert refusal(first + bomb + b"\nb: c\n").reason is Reason.INVALID_DOCUMENT


def test_a_mac_of_another_document_is_refused(sops: Oracle) -> None:
    """Not even with its time, and both of one data key's owner."""
    ours = json.loads(sops.encrypt(b'{"a": "b"}', "json"))
    other = json.loads(sops.encrypt(b'{"a": "c"}', "json"))
    for names in (("mac",), ("mac", "lastmodified"), ("mac", "lastmodified", "age")):
        mixed = ours["sops"] | {name: other["sops"][name] for name in names}
        error = sops_refusal(sops, json.dumps(ours | {"sops": mixed}).encode())
        assert error.reason is Reason.INTEGRITY_FAILED


def test_an_older_version_of_a_value_is_refused(sops: Oracle) -> None:
    """`sops set` keeps the data key, so an old value fits its place; the MAC tells."""
    before = sops.encrypt(b'{"a": "old", "b": "x"}', "json")
    after = json.loads(sops.changed(before, "json", '["a"]', '"new"'))
    replayed = after | {"a": json.loads(before)["a"]}

    assert plain.mapping(sops.ours(json.dumps(after).encode(), "json"))["a"] == "new"
    assert sops_refusal(sops, json.dumps(replayed).encode()).reason is Reason.INTEGRITY_FAILED


def sops_refusal(sops: Oracle, data: bytes) -> SopsError:
    """Open JSON that is refused."""
    with pytest.raises(SopsError) as refused:
        sops.ours(data, "json")
    return refused.value


def test_a_missing_mac_is_refused_unless_asked_for(sops: Oracle) -> None:
    """Without it, values could be missing or old."""
    encrypted = json.loads(sops.encrypt(b'{"a": "b"}', "json"))
    del encrypted["sops"]["mac"]
    data = json.dumps(encrypted).encode()
    with pytest.raises(SopsError, match="has no MAC") as refused:
        sops.ours(data, "json")

    assert refused.value.reason is Reason.INTEGRITY_FAILED
    assert plain.mapping(sops.ours(data, "json", verify_mac=False)) == {"a": "b"}


def test_a_value_does_not_move_to_another_path(sops: Oracle) -> None:
    """Path confusion: not up, not down, not to a key that ends alike."""
    encrypted = json.loads(sops.encrypt(b'{"db": {"pw": "x"}, "pw": "y"}', "json"))
    value = encrypted["db"]["pw"]
    for moved in (
        {"pw": value},
        {"db": value},
        {"db": {"db": {"pw": value}}},
        {"xdb": {"pw": value}},
    ):
        data = json.dumps(moved | {"sops": encrypted["sops"]}).encode()
        with pytest.raises(SopsError, match="moved from another key"):
            sops.ours(data, "json", verify_mac=False)


def test_a_colon_in_a_key_is_a_limit_of_the_format(sops: Oracle) -> None:
    """SOPS joins keys with colons, so `a:b` is bound like `b` in `a`: known, and as in sops."""
    encrypted = json.loads(sops.encrypt(b'{"a": {"b": "x"}}', "json"))
    moved = {"a:b": encrypted["a"]["b"], "sops": encrypted["sops"]}
    data = json.dumps(moved).encode()

    assert sops.decrypt(data, "json") is not None
    assert plain.mapping(sops.ours(data, "json")) == {"a:b": "x"}


def test_endless_keys_are_refused() -> None:
    """The cipher is fed with all keys of a path for each value below."""
    data = json.dumps({"k" * 5000: ["ENC[AES256_GCM,x]"] * 10, "sops": METADATA}).encode()

    assert "4096 characters" in str(refusal(data, "json"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("json", b'{"a": "1", "a": "2"}'),
        ("yaml", b"a: 1\na: 2\n"),
        ("yaml", b'a: 1\n"a": 2\n'),
        ("dotenv", b"sops_mac=a\nsops_mac=b\n"),
    ],
)
def test_a_key_that_is_there_twice_is_refused(name: str, data: bytes) -> None:
    """Readers disagree about which one counts."""
    assert "is there twice" in str(refusal(data, name))


def test_a_flat_list_with_gaps_is_refused() -> None:
    """An index of a billion would be a billion entries in Go."""
    for key in ("age__list_1__map_enc", "age__list_999999999__map_enc", "age__list_x__map_enc"):
        assert refusal(f"sops_{key}=x\n".encode(), "dotenv").reason is Reason.INVALID_DOCUMENT


def test_no_error_repeats_what_the_document_holds() -> None:
    """Neither values, comments, patterns nor the wrapped data key."""
    secret = "hunter2-do-not-show"
    texts = [
        f"{secret}",
        f"a: {secret}\n\tb: {secret}",
        f"a: !{secret} {secret}",
        f"# {secret}\n? [{secret}]\n: x",
        f"a: *{secret}",
        f'a: {secret}\nsops: "{secret}"',
        document(mac=[secret], lastmodified=secret).decode(),
        document(encrypted_regex=f"({secret}", lastmodified=secret).decode(),
        document(shamir_threshold=secret, age=[{"recipient": "r", "enc": secret}]).decode(),
        f'{{"a": "{secret}", "b": }}',
        f"[{secret}",
        f'x = """{secret}',
    ]
    for text in texts:
        for name in parse.READERS:
            assert secret not in str(refusal(text.encode(), name))


def test_the_worst_document_stays_within_the_sidecars_memory() -> None:
    """Peak memory of this process does not grow by 64 MiB for what is read at the limits."""
    documents = [
        ("json", b'{"a": [' + b'"' + b'","'.join([b"x" * 15] * 49_000) + b'"]}'),
        ("yaml", b"a: [" + b", ".join([b"x" * 15] * 49_000) + b"]"),
        ("yaml", b"".join(b"k%05d: {a: b}\n" % number for number in range(12_000))),
        ("yaml", b"# a long comment\n" * 49_000 + b"a: b\n"),
        ("json", b'{"a": "' + b"x" * 1_000_000 + b'"}'),
        ("dotenv", b"".join(b"K%05d=value of it\n" % number for number in range(49_000))),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in documents:
        refusal(data, name)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert grown < 64 * 1024, f"{grown} KiB"
