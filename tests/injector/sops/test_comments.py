"""Comments come out where the real `sops` has them, and what it loses is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.sops import plain

if TYPE_CHECKING:
    from tests.injector.sops.oracle import Oracle

SOURCE = b"""\
a: b
list:
  - one
  - k: v
    l: {}
  - - deep
last: c
"""
BY_HAND = {
    "above the first key": (b"a: ", b"# x\n\n# y\na: "),
    "behind a value": (b"last: c", b"last: c # x"),
    "behind a key": (b"list:", b"list: # x"),
    "behind a dash": (b"    - - deep", b"    - # x\n      - deep"),
    "between brackets": (b"l: {}", b"l: {\n      # x\n      }"),
    "below a mapping of a list": (b"l: {}\n", b"l: {}\n      # x\n\n    # y\n"),
    "below a list": (b"last", b"    # x\n\n# y\n\n# z\nlast"),
    "too far left": (b"    - one\n", b"    - one\n# x\n  # y\n      # z\n"),
    "at the end": (b"last: c\n", b"last: c\n# x\n\n    # y\n"),
    "with Windows' line ends": (b"last: c\n", b"last: c\r\n# x\r\n\r\n# y\r\n"),
    "behind a dash and apart": (b"    - - deep", b"    - # x\n\n      - deep"),
    "apart from both": (b"list:", b"\n# x\n\nlist:"),
    "behind the mark of a block": (b"last: c\n", b"last: |- # x\n    c\n"),
    "far to the right": (b"last", b"# x\n" + b" " * 600 + b"# y\nlast"),
    "far below": (b"last", b"# x\n" + b"\n" * 600 + b"# y\nlast"),
}


@pytest.mark.parametrize("place", list(BY_HAND))
def test_a_comment_by_hand_is_printed_where_sops_prints_it(sops: Oracle, place: str) -> None:
    """Go-yaml has rules of its own for each place, and so have we."""
    encrypted = sops.encrypt(SOURCE, "yaml", "--encrypted-regex", "^secret$")
    found, replaced = BY_HAND[place]
    assert found in encrypted
    edited = encrypted.replace(found, replaced, 1)

    theirs = sops.decrypt(edited, "yaml")
    assert theirs is not None
    assert sops.opened(edited, "yaml").text().reveal() == theirs


@pytest.mark.parametrize(
    "list_by_hand",
    [
        b"[x, # y\n  z]",
        b"[x,\n  z\n  # y\n  ]",
        b"[x,\n  # y\n  z]",
        b"[ # y\n  x, z]",
        b"[x,\n  # y\n\n  z]",
    ],
)
def test_a_comment_in_brackets_belongs_to_an_element_or_is_lost(
    sops: Oracle, list_by_hand: bytes
) -> None:
    """SOPS writes no brackets around elements, but reads them."""
    encrypted = sops.encrypt(b"s: t\na: [x, z]\nb: c\n", "yaml", "--encrypted-regex", "^s$")
    edited = encrypted.replace(b"a:\n    - x\n    - z", b"a: " + list_by_hand, 1)
    assert edited != encrypted

    assert sops.decrypt(edited, "yaml") == sops.opened(edited, "yaml").text().reveal()


@pytest.mark.parametrize("above", [b"", b"# y\n", b"# y\n\n# z\n"])
def test_a_comment_between_documents_belongs_to_one_of_them(sops: Oracle, above: bytes) -> None:
    """One before the line of dashes is the next document's, as with sops."""
    encrypted = sops.encrypt(b"a: b\n---\nc: d\n", "yaml")
    edited = encrypted.replace(b"---\nc:", b"# x\n---\n" + above + b"c:", 1)
    assert edited != encrypted

    assert sops.decrypt(edited, "yaml") == sops.opened(edited, "yaml").text().reveal()


def test_an_empty_comment_between_elements_becomes_an_empty_text(sops: Oracle) -> None:
    """SOPS takes it for an encrypted text; whoever reads the list finds one more, as with sops."""
    encrypted = sops.encrypt(b"a: [x, {k: v}]\n", "yaml").replace(b"    - k", b"    #\n    - k", 1)
    document = sops.opened(encrypted, "yaml")

    assert sops.decrypt(encrypted, "yaml") == document.text().reveal()
    assert document.mapping() == {"a": ["x", "", {"k": "v"}]}


@pytest.mark.parametrize("behind", [" and more", "] and more"])
def test_what_stands_behind_an_encrypted_comment(sops: Oracle, behind: str) -> None:
    """It falls away, or SOPS does not see that the comment is encrypted."""
    encrypted = sops.encrypt(b"# note\na: b\n", "yaml")
    edited = encrypted.replace(b",type:comment]", f",type:comment]{behind}".encode(), 1)
    text = sops.opened(edited, "yaml").text().reveal()

    assert sops.decrypt(edited, "yaml") == text
    assert (b"# note\n" in text) == (behind == " and more")


@pytest.mark.parametrize(("name", "mark"), [("dotenv", b"#"), ("ini", b"; ")])
def test_a_comment_may_be_no_text(sops: Oracle, name: str, mark: bytes) -> None:
    """An old file in Latin-1: its bytes come back, and its secrets with them."""
    head = b"[DEFAULT]\n" if name == "ini" else b""
    encrypted = sops.encrypt(head + mark + b"caf\xe9\na=b\n", name)
    document = sops.opened(encrypted, name)

    assert sops.decrypt(encrypted, name) == document.text().reveal()
    assert b"caf\xe9" in document.text().reveal()


def test_comments_change_no_value(sops: Oracle) -> None:
    """The data is the same, whatever was written around it."""
    encrypted = sops.encrypt(SOURCE, "yaml", "--encrypted-regex", "^secret$")
    expected = plain.mapping(sops.ours(encrypted, "yaml"))
    for found, replaced in BY_HAND.values():
        edited = encrypted.replace(found, replaced, 1)
        assert plain.mapping(sops.ours(edited, "yaml")) == expected
