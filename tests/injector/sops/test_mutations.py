"""What was changed after encryption is refused wherever the real `sops` refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.sops.errors import SopsError
from tests.injector.sops import generated
from tests.injector.sops.oracle import Oracle, each

if TYPE_CHECKING:
    from random import Random

SOURCE = """\
# about a
a: first
b: second
number: 12
list: [one, two, {k: v}]
deep:
  # inside
  a: first
  c: {d: third}
empty: ""
plain_unencrypted: shown
"""
_VALUE = re.compile(rb"ENC\[[^\]]*\]")


@pytest.fixture(scope="module")
def document(sops: Oracle) -> bytes:
    """Give the document that is attacked."""
    return sops.encrypt(SOURCE.encode(), "yaml")


def _lines(document: bytes) -> tuple[list[bytes], bytes]:
    at = document.index(b"\nsops:\n") + 1
    return document[:at].splitlines(keepends=True), document[at:]


def _flip(random: Random, document: bytes) -> bytes:
    match = random.choice(list(_VALUE.finditer(document)))
    at = random.randrange(match.start(), match.end())
    return document[:at] + bytes([document[at] ^ 1 << random.randrange(6)]) + document[at + 1 :]


def _swap(random: Random, document: bytes) -> bytes:
    one, other = sorted(random.sample(list(_VALUE.finditer(document)), 2), key=lambda m: m.start())
    parts = document[: one.start()], document[one.end() : other.start()], document[other.end() :]
    return parts[0] + other[0] + parts[1] + one[0] + parts[2]


def _remove(random: Random, document: bytes) -> bytes:
    lines, rest = _lines(document)
    del lines[random.randrange(len(lines))]
    return b"".join(lines) + rest


def _move(random: Random, document: bytes) -> bytes:
    lines, rest = _lines(document)
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    return b"".join(lines) + rest


def _truncate(random: Random, document: bytes) -> bytes:
    return document[: random.randrange(len(document))]


MUTATIONS = (_flip, _flip, _swap, _remove, _move, _truncate)


def test_no_mutation_is_read_that_sops_refuses(sops: Oracle, document: bytes) -> None:
    """Bits, swapped values, lost and moved lines, and half documents, from seeds."""

    def slips(seed: int) -> bool:
        random = generated.seeded(seed)
        mutated = MUTATIONS[seed % len(MUTATIONS)](random, document)
        try:
            sops.ours(mutated, "yaml")
        except SopsError:
            return False
        return sops.decrypt(mutated, "yaml") is None

    assert [seed for seed, slipped in enumerate(each(slips, range(150))) if slipped] == []


def test_most_mutations_are_refused(sops: Oracle, document: bytes) -> None:
    """The test above is no formality: what remains readable is comments and trailing bytes."""
    refused = 0
    for seed in range(300):
        random = generated.seeded(seed)
        try:
            sops.ours(MUTATIONS[seed % len(MUTATIONS)](random, document), "yaml")
        except SopsError:
            refused += 1

    assert refused > 200


def _refusal(sops: Oracle, data: bytes, name: str = "yaml") -> SopsError:
    with pytest.raises(SopsError) as refused:
        sops.ours(data, name)
    return refused.value


def test_a_swap_of_two_values_is_refused_by_its_path(sops: Oracle, document: bytes) -> None:
    """A value is bound to the keys that lead to it."""
    lines, rest = _lines(document)
    a, b = (line.split(b": ", 1)[1] for line in lines[1:3])
    lines[1:3] = [b"a: " + b, b"b: " + a]
    refusal = _refusal(sops, b"".join(lines) + rest)

    assert refusal.reason is Reason.INTEGRITY_FAILED
    assert str(refusal).startswith("`a`: ")


def test_a_swap_inside_a_list_is_refused_by_the_mac(sops: Oracle, document: bytes) -> None:
    """Elements share their path; their order is the MAC's matter."""
    lines, rest = _lines(document)
    first = next(index for index, line in enumerate(lines) if line.startswith(b"    - ENC"))
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    swapped = b"".join(lines) + rest

    assert _refusal(sops, swapped).reason is Reason.INTEGRITY_FAILED
    assert sops.ours(swapped, "yaml", verify_mac=False).format == "yaml"


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (rb'lastmodified: "\d{4}', b'lastmodified: "1999'),
        (rb"\n    mac: .*", b""),
        (rb"\n    mac: .*", b'\n    mac: ""'),
        (rb"(?s)mac: ENC.*?type:str\]", b"mac: 00FF"),
        (rb"version: ", b"mac_only_encrypted: true\n    version: "),
        (rb"plain_unencrypted: shown", b"plain_unencrypted: changed"),
        (rb"plain_unencrypted: shown", b"plain_unencrypted: shown\nadded_unencrypted: x"),
    ],
    ids=["time", "no-mac", "empty-mac", "plain-mac", "mac-only", "plain-value", "added"],
)
def test_what_the_mac_is_about_cannot_be_changed(
    sops: Oracle, document: bytes, pattern: bytes, replacement: bytes
) -> None:
    """Not the time of the change, the MAC, its kind, or an unencrypted value."""
    changed = re.sub(pattern, replacement, document)
    assert changed != document

    assert sops.decrypt(changed, "yaml") is None
    assert _refusal(sops, changed).reason is Reason.INTEGRITY_FAILED


def test_a_rule_that_is_taken_back_reveals_nothing(sops: Oracle, document: bytes) -> None:
    """Metadata is not covered by the MAC, but values are: ciphertext is not what was hashed."""
    changed = document.replace(b"unencrypted_suffix: _unencrypted", b"unencrypted_suffix: a")

    assert _refusal(sops, changed).reason in {Reason.INTEGRITY_FAILED, Reason.INVALID_DOCUMENT}


def test_a_value_that_is_hidden_as_a_comment_is_refused(sops: Oracle, document: bytes) -> None:
    """`sops` reads it as a value of the list or as a comment, with the same MAC; we do not."""
    lines, rest = _lines(document)
    first = next(index for index, line in enumerate(lines) if line.startswith(b"    - ENC"))
    lines[first] = lines[first].replace(b"- ENC", b"#ENC", 1)
    refusal = _refusal(sops, b"".join(lines) + rest)

    assert "a value stands in a comment's place" in str(refusal)


@pytest.mark.parametrize("name", ["json", "dotenv", "ini"])
def test_other_formats_refuse_what_sops_refuses(sops: Oracle, name: str) -> None:
    """Bit flips, swaps and half documents."""
    source = {
        "json": b'{"a": "x", "b": {"c": [1, 2.5, true]}, "d_unencrypted": "y"}',
        "dotenv": b"# note\nA=x\nB=y\nC_unencrypted=z\n",
        "ini": b"; note\n[one]\na = x\nb = y\nc_unencrypted = z\n",
    }[name]
    encrypted = sops.encrypt(source, name)

    def slips(seed: int) -> bool:
        random = generated.seeded(seed)
        mutated = random.choice((_flip, _swap, _truncate))(random, encrypted)
        try:
            sops.ours(mutated, name)
        except SopsError:
            return False
        return sops.decrypt(mutated, name) is None

    assert [seed for seed, slipped in enumerate(each(slips, range(60))) if slipped] == []
