"""What the real `sops` encrypts, we decrypt to what it decrypts to."""

from __future__ import annotations

import json

import pytest

from injector.sops import plain
from injector.sops.errors import SopsError
from injector.sops.parse import yaml_format
from injector.sops.tree import Comment, Entry, Scalar
from tests.injector.sops import generated, trees
from tests.injector.sops.differences import RULES
from tests.injector.sops.oracle import Identity, Oracle, each, ssh, x25519


def _options(seed: int) -> tuple[str, ...]:
    only = ("--mac-only-encrypted",) if seed % 3 == 0 else ()
    return RULES[seed % len(RULES)] + only


def test_generated_json_decrypts_to_what_sops_says(sops: Oracle) -> None:
    """The same data under every rule, in the same order."""

    def differs(seed: int) -> bool:
        made = generated.tree(generated.seeded(seed))
        encrypted = sops.encrypt(generated.as_json(made), "json", *_options(seed))
        theirs = sops.decrypt(encrypted, "json")
        if theirs is None:
            return True
        ours = plain.mapping(sops.ours(encrypted, "json"))
        return json.dumps(ours) != json.dumps(json.loads(theirs, parse_float=_whole))

    assert [seed for seed, differing in enumerate(each(differs, range(21))) if differing] == []


def _whole(literal: str) -> float | int:
    number = float(literal)
    return int(number) if number.is_integer() else number


def test_generated_dotenv_decrypts_to_what_sops_says(sops: Oracle) -> None:
    """The lines come back byte by byte, comments and blanks at their places."""

    def text(seed: int) -> tuple[bytes | None, bytes]:
        source = generated.as_dotenv(generated.seeded(seed))
        encrypted = sops.encrypt(source, "dotenv", *_options(seed))
        lines = []
        for item in sops.ours(encrypted, "dotenv").documents[0].items:
            match item:
                case Comment(text=comment):
                    lines.append(f"#{comment}\n")
                case Entry(key=key, value=Scalar(value=str() as value)):
                    escaped = value.replace("\n", "\\n")
                    lines.append(f"{key}={escaped}\n")
        return sops.decrypt(encrypted, "dotenv"), "".join(lines).encode()

    pairs = each(text, [seed for seed in range(28) if "comment" not in str(_options(seed))])
    assert [theirs for theirs, _ in pairs] == [ours for _, ours in pairs]


def test_generated_ini_decrypts_to_what_sops_says(sops: Oracle) -> None:
    """Sections and values are those that sops shows as JSON."""

    def both(seed: int) -> tuple[object, object]:
        encrypted = sops.encrypt(generated.as_ini(generated.seeded(seed)), "ini", *_options(seed))
        theirs = sops.decrypt(encrypted, "ini", "--output-type", "json")
        assert theirs is not None
        ours = sops.ours(encrypted, "ini").documents
        return json.loads(theirs, object_pairs_hook=_pairs), trees.pairs(ours[0])

    pairs = each(both, [seed for seed in range(28) if "comment" not in str(_options(seed))])
    assert [theirs for theirs, _ in pairs] == [ours for _, ours in pairs]


def _pairs(pairs: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Keep sections of one name apart."""
    return pairs


def test_an_ini_file_of_the_other_form_has_its_line_breaks_in_quotes(sops: Oracle) -> None:
    """SOPS 3.13.0 wrote metadata of several lines as such; both forms are read."""
    encrypted = sops.encrypt(b"[one]\na = b\n", "ini").decode()
    lines = [
        line.replace(" = ", ' = """').replace("\\n", "\n") + '"""' if "\\n" in line else line
        for line in encrypted.split("\n")
    ]

    assert plain.mapping(sops.ours("\n".join(lines).encode(), "ini")) == {
        "DEFAULT": {},
        "one": {"a": "b"},
    }


@pytest.mark.parametrize(
    "content", [b"text\n", b"\x00\xff\xfe\x80 no text", "ü".encode(), b"x" * 100_000, b'{"a": 1}']
)
def test_a_binary_file_comes_back_byte_by_byte(sops: Oracle, content: bytes) -> None:
    """Whatever the bytes are."""
    encrypted = sops.encrypt(content, "binary")

    assert plain.binary(sops.ours(encrypted, "binary")).reveal() == content


def test_unencrypted_scalars_are_what_sops_takes_them_for(sops: Oracle) -> None:
    """Every spelling of numbers, truth, null, times and texts, for the MAC covers the result."""
    lines = [f"k{number}: {text}" for number, text in enumerate(generated.SPELLINGS)]
    source = ("\n".join(lines) + "\n").encode()
    # Written by hand into a file that sops made: it would spell them its own way.
    encrypted = sops.encrypt(b"x: y\n" + source, "yaml", "--encrypted-regex", "^x$")
    metadata = encrypted[encrypted.index(b"\nsops:") + 1 :]
    by_hand = encrypted.split(b"\n", 1)[0] + b"\n" + source + metadata
    ours = sops.ours(by_hand, "yaml")
    theirs = sops.decrypt(by_hand, "yaml")
    assert theirs is not None

    assert trees.content(ours.documents) == trees.content(yaml_format.read_tree(theirs))


def test_several_documents_merge_keys_and_aliases_are_read(sops: Oracle) -> None:
    """`<<` is a key like others; an alias is a copy; empty documents are empty."""
    source = b"""\
# first
base: &base {user: u, list: [1, two]}
other:
  <<: *base
  more: *base
---
---
# second
x: 1
t: 2021-01-02
"""
    encrypted = sops.encrypt(source, "yaml")
    theirs = sops.decrypt(encrypted, "yaml")
    assert theirs is not None
    ours = sops.ours(encrypted, "yaml")

    assert len(ours.documents) == 3
    assert trees.content(ours.documents) == trees.content(yaml_format.read_tree(theirs))
    with pytest.raises(SopsError, match="3 YAML documents"):
        plain.mapping(ours)


def test_aliases_by_hand_are_expanded_as_sops_does(sops: Oracle) -> None:
    """An unencrypted part may be written with anchors; the MAC counts every copy."""
    encrypted = sops.encrypt(
        b"sec: s\na: {k: v}\nb: {k: v}\nc: [{k: v}]\n", "yaml", "--encrypted-regex", "^sec$"
    )
    by_hand = encrypted.replace(b"a:\n    k: v\n", b"a: &x\n    k: v\n", 1)
    by_hand = by_hand.replace(b"b:\n    k: v\n", b"b: *x\n", 1)
    by_hand = by_hand.replace(b"- k: v\n", b"- *x\n", 1)

    assert sops.decrypt(by_hand, "yaml") is not None
    assert plain.mapping(sops.ours(by_hand, "yaml"))["c"] == [{"k": "v"}]


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_recipient_may_be_a_key_of_ssh(
    tmp_path_factory: pytest.TempPathFactory, sops: Oracle, kind: str
) -> None:
    """The private key is the identity."""
    identity = ssh(kind)
    encrypted = sops.encrypt(b'{"a": "b"}', "json", keys=("--age", identity.recipient))
    ours = Oracle(tmp_path_factory.mktemp(kind), identity).ours(encrypted, "json")

    assert plain.mapping(ours) == {"a": "b"}


@pytest.mark.parametrize("name", ["yaml", "json", "dotenv", "ini"])
def test_two_of_three_groups_give_the_data_key(
    tmp_path_factory: pytest.TempPathFactory, sops: Oracle, name: str
) -> None:
    """Shamir's parts come from age and from SSH; one group alone is not enough."""
    groups = [x25519(), ssh("ed25519"), x25519()]
    config = tmp_path_factory.mktemp("shamir") / ".sops.yaml"
    listed = [{"age": [group.recipient]} for group in groups]
    rule = {"key_groups": listed, "shamir_threshold": 2}
    config.write_text(json.dumps({"creation_rules": [rule]}))
    source = {
        "yaml": b"a: b\n",
        "json": b'{"a": "b"}',
        "dotenv": b"a=b\n",
        "ini": b"[DEFAULT]\na = b\n",
    }[name]
    encrypted = sops.encrypt(source, name, keys=("--config", str(config)))

    def found(*identities: Identity) -> object:
        secret = "\n".join(identity.secret for identity in identities)
        oracle = Oracle(tmp_path_factory.mktemp("one"), Identity(secret, ""))
        data = plain.mapping(oracle.ours(encrypted, name))
        return data["DEFAULT"] if name == "ini" else data

    assert found(groups[0], groups[2]) == {"a": "b"}
    assert found(groups[2], groups[0]) == {"a": "b"}
    with pytest.raises(SopsError, match="1 of 2 key groups") as refused:
        found(groups[0])
    assert groups[2].recipient in str(refused.value)


def test_integers_of_json_beyond_floats_have_two_macs(sops: Oracle) -> None:
    """SOPS before 3.13.2 hashed them as floats: what it has made is read as it was meant."""
    source = b'{"n": 9007199254740993, "x": "y"}'
    encrypted = sops.encrypt(source, "json", "--encrypted-regex", "^x$")
    by_hand = encrypted.replace(b"9007199254740992", b"9007199254740993", 1)

    assert plain.mapping(sops.ours(by_hand, "json")) == {"n": 9007199254740992, "x": "y"}


def test_an_encrypted_comment_between_elements_ends_no_rule(sops: Oracle) -> None:
    """What SOPS up to 3.13.3 writes and cannot read again (getsops/sops issue 2281)."""
    source = b"items:\n  # sops:enc\n  # trigger\n  - real\n  - shown\n"
    encrypted = sops.encrypt(source, "yaml", "--encrypted-comment-regex", "sops:enc")
    ours = sops.ours(encrypted, "yaml")

    assert b"type:comment" in encrypted
    assert plain.mapping(ours) == {"items": ["real", "shown"]}
    assert trees.comments(ours.documents) == [" sops:enc", " trigger"]
