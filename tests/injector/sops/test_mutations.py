"""What was changed after encryption is refused wherever the real `sops` refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.sops.errors import SopsError
from tests.injector.sops import mutations

if TYPE_CHECKING:
    from injector.sops.tree import Format
    from tests.injector.sops.oracle import Oracle

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


@pytest.fixture(scope="module")
def document(sops: Oracle) -> bytes:
    """Give the document that is attacked."""
    return sops.encrypt(SOURCE.encode(), "yaml")


def _lines(document: bytes) -> tuple[list[bytes], bytes]:
    at = document.index(b"\nsops:\n") + 1
    return document[:at].splitlines(keepends=True), document[at:]


@pytest.mark.parametrize("name", list(mutations.SOURCES))
def test_no_mutation_is_read_otherwise_than_by_sops(sops: Oracle, name: Format) -> None:
    """Bits, swaps, lost, moved and repeated lines, halves, marks: refused, or of no meaning."""
    found = mutations.outcomes(sops, name, range(64))

    assert set(found.values()) <= {"refused", "read alike"}, found
    assert list(found.values()).count("refused") > 32


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
