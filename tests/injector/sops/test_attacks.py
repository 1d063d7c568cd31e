"""Hostile documents, each attack by its name."""

from __future__ import annotations

import json
import resource
import time
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.material import Material
from injector.sops import limits, parse, plain, shamir
from injector.sops.datakey import data_key
from injector.sops.decrypt import decrypt
from injector.sops.errors import SopsError
from injector.sops.metadata import Rule
from injector.sops.selectors import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.sops.master_keys import MasterKey
    from tests.injector.sops.oracle import Oracle

METADATA = {
    "age": [{"recipient": "age1x", "enc": "x"}],
    "lastmodified": "2026-01-02T03:04:05Z",
    "mac": "ENC[x]",
    "version": "3.11.0",
}


class Fixed:
    """A key service that gives the same bytes for every key."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def decrypt(self, key: MasterKey) -> Material:
        """Give them."""
        del key
        return Material(self._data)


def fixed(data: bytes) -> Callable[[MasterKey], Fixed]:
    """Give the service for any key."""
    return lambda _: Fixed(data)


def document(**metadata: object) -> bytes:
    """Write a document with this metadata, which JSON and YAML both read."""
    return json.dumps({"a": "b", "sops": METADATA | metadata}).encode()


def refusal(data: bytes, name: str = "yaml", key: bytes = bytes(32)) -> SopsError:
    """Decrypt what cannot be."""
    with pytest.raises(SopsError) as refused:
        decrypt(data, name, fixed(key))
    return refused.value


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
    begun = time.process_time()

    assert not selection.key_hits("a" * 1000 + "!")
    assert time.process_time() - begun < 5, "an exponential match would never end"


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


def test_a_shamir_part_that_is_there_twice_is_refused() -> None:
    """Two parts of one x divide by zero."""
    part = bytes(32) + b"\x05"
    with pytest.raises(SopsError, match="the same part"):
        shamir.combine([part, part])


def test_a_shamir_part_at_zero_is_refused() -> None:
    """At x = 0 stands the secret itself: whoever gives that part chooses the data key."""
    with pytest.raises(SopsError, match="or one is none"):
        shamir.combine([bytes(32) + b"\x05", bytes(32) + b"\x00"])


def test_parts_of_groups_that_repeat_are_refused_as_a_document() -> None:
    """The attack by way of metadata: two groups with the same part."""
    groups = [{"age": METADATA["age"]}, {"age": METADATA["age"]}]
    data = document(age=[], key_groups=groups, shamir_threshold=2)

    assert "the same part" in str(refusal(data, key=bytes(32) + b"\x07"))


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33, 64])
def test_a_data_key_of_the_wrong_size_is_refused(size: int) -> None:
    """AES takes 16 and 24 bytes, too: a service may not weaken the cipher."""
    told = str(refusal(document(), key=bytes(size)))

    assert f"gave {size} bytes, and 32 are expected" in told


@pytest.mark.parametrize("threshold", [-1, 2, 10**30, "x", [], {}])
def test_a_threshold_that_makes_no_sense_is_refused(threshold: object) -> None:
    """More than there are groups, negative, or no number."""
    assert "shamir_threshold" in str(refusal(document(shamir_threshold=threshold)))


def test_too_many_master_keys_are_refused() -> None:
    """Each would cost a call."""
    many = [{"recipient": "age1x", "enc": "x"}] * 65
    groups = [{"age": many[:10]}] * 7

    assert "at most 64 mappings" in str(refusal(document(age=many)))
    assert "or 64 keys" in str(refusal(document(age=[], key_groups=groups)))


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


def test_a_failure_names_every_key_with_its_cause() -> None:
    """Ids are no secrets; what was tried and what was not is what a person needs."""
    data = document(
        kms=[{"arn": "arn:aws:kms:eu-west-1:1:key/k", "enc": "x"}],
        pgp=[{"fp": "FBC7\x1b[2J", "enc": "x"}],
    )
    metadata = parse.read(data, "json").metadata
    with pytest.raises(SopsError) as refused:
        data_key(metadata, lambda key: Fixed(b"") if key.kind == "kms" else None)

    told = str(refused.value)
    assert "age age1x: nothing here may decrypt with it" in told
    assert "pgp FBC7?[2J: keys of this kind are not supported" in told
    assert "kms arn:aws:kms:eu-west-1:1:key/k: gave 0 bytes" in told


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
