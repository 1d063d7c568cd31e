"""Trees that a format cannot hold: refused with the path of the key, never with a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.sops.text import SopsTextError, emit
from injector.sops.text.output import LIMIT, Output
from injector.sops.tree import Branch, Comment, Entry, Listing, Scalar

if TYPE_CHECKING:
    from injector.sops.tree import Documents, Format, Node

FORMATS: tuple[Format, ...] = ("yaml", "json", "dotenv", "ini", "binary")
SECRET = Scalar("c4nary")


def under(*path: str, value: Node = SECRET) -> Branch:
    """Put a value below keys."""
    for key in reversed(path):
        value = Branch((Entry(key, value),))
    assert isinstance(value, Branch)
    return value


def refused(documents: Documents, format_name: Format) -> SopsTextError:
    """Emit what must be refused."""
    with pytest.raises(SopsTextError) as caught:
        emit(documents, format_name)
    assert "c4nary" not in repr(caught.value)
    return caught.value


CASES: list[tuple[Format, Branch, str]] = [
    ("dotenv", under("A", "B"), "the key A is a mapping, which dotenv cannot hold"),
    ("dotenv", under("A", value=Listing((SECRET,))), "the key A is a list, which dotenv"),
    ("dotenv", under("A", value=Scalar("c4nary\0")), "the key A holds a NUL"),
    ("dotenv", under("A=B"), "the key A=B is no name that a line of dotenv can begin with"),
    ("dotenv", under("A\nB"), r"the key A\nB is no name"),
    ("dotenv", under("#A"), "the key #A is no name"),
    ("dotenv", Branch((Comment("c4nary\nA=B"),)), "the document has a comment with a new line"),
    ("ini", under("a"), "the key a is a value outside of a section"),
    ("ini", under("s", "a", "b"), "the key s.a is a mapping, which INI cannot hold"),
    ("ini", under("s", "a", value=Listing((SECRET,))), "the key s.a is a list, which INI"),
    ("ini", under("s", "a", value=Scalar(b"c4nary\xff\0")), "the key s.a holds a NUL"),
    ("ini", under("s", "a\n[t]"), r"the key s.a\n[t] is no name that INI can hold"),
    ("ini", under("s", ""), "the key s. is no name that INI can hold"),
    ("ini", under("", "a"), "the key  is no name that INI can hold"),
    ("ini", under("s", value=Branch((Comment("c4nary\n\n"),))), "the key s has a comment with an"),
    ("json", under("a", value=Listing((SECRET, Scalar(float("nan"))))), "the key a[1] is a number"),
    ("json", under("a", "b", value=Scalar(float("inf"))), "the key a.b is a number that JSON"),
    ("binary", under("date"), "the key data is missing"),
    ("binary", under("data", value=Scalar(1)), "the key data is no text"),
    ("binary", under("data", "a"), "the key data is a mapping, which a binary file"),
]


@pytest.mark.parametrize(("format_name", "document", "message"), CASES)
def test_what_a_format_cannot_hold_names_the_key(
    format_name: Format, document: Branch, message: str
) -> None:
    """The error is the injector's, so that whoever calls needs no new rule."""
    error = refused((document,), format_name)

    assert str(error).startswith(message)
    assert isinstance(error, InjectorError)
    assert error.reason in {Reason.DECODE_FAILED, Reason.NOT_A_MAPPING}


@pytest.mark.parametrize("format_name", ["json", "dotenv", "ini", "binary"])
@pytest.mark.parametrize("documents", [(), (Branch(), Branch())])
def test_only_yaml_holds_several_documents(format_name: Format, documents: Documents) -> None:
    """SOPS would print the first and forget the others."""
    assert "only YAML" in str(refused(documents, format_name))


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("lone", ["a\ud800", "\udc80b", "\udfff"])
def test_half_of_a_surrogate_pair_is_no_text(format_name: Format, lone: str) -> None:
    """Neither as key nor as value: it would come out as a byte, or stop the encoder."""
    error = refused((under("s", "a", value=Scalar(lone)),), format_name)
    assert error.where == "the key s.a"
    assert error.reason is Reason.DECODE_FAILED
    assert refused((under("s", lone),), format_name).reason is Reason.DECODE_FAILED


@pytest.mark.parametrize("format_name", FORMATS)
def test_half_of_a_surrogate_pair_is_no_comment(format_name: Format) -> None:
    """Bytes that are no UTF-8 are kept in a comment; this is no byte either."""
    comment = Branch((Comment("a\ud800"),))
    assert refused((under("s", value=comment),), format_name).where == "the key s"


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_document_deeper_than_the_limit_is_refused(format_name: Format) -> None:
    """An attack by depth ends before anything recurses far, and the message stays short."""
    node: Node = SECRET
    for _ in range(600):
        node = Listing((Branch((Entry("a" * 50, node),)),))
    error = refused((under("a", value=node),), format_name)

    assert error.reason is Reason.OUTPUT_TOO_LARGE
    assert len(str(error)) < 300


@pytest.mark.parametrize("format_name", ["yaml", "json", "dotenv", "binary"])
def test_more_than_a_mebibyte_is_refused(format_name: Format) -> None:
    """Counted in bytes; one character less goes through."""
    value = Scalar("é" * (512 * 1024))

    assert refused((under("data", value=Scalar("a" * 2**20 + "é")),), format_name).reason is (
        Reason.OUTPUT_TOO_LARGE
    )
    if format_name == "binary":
        assert len(emit((under("data", value=value),), format_name)) == 2**20
    else:
        assert refused((under("data", value=value),), format_name).where == "the document"


@pytest.mark.parametrize("format_name", ["yaml", "json"])
def test_indentation_cannot_blow_a_document_up(format_name: Format) -> None:
    """An attack by growth: short lines, deep below, stop at the limit."""
    node: Node = Listing(tuple(Listing((SECRET,)) for _ in range(20_000)))
    for _ in range(60):
        node = Listing((node,))

    assert refused((under("a", value=node),), format_name).reason is Reason.OUTPUT_TOO_LARGE


def test_a_text_that_grows_ends_before_it_is_whole() -> None:
    """The limit holds for what is collected, not only for what is given away."""
    output = Output()
    output.add("x" * LIMIT)

    with pytest.raises(SopsTextError, match="decrypts to more than 1048576 bytes"):
        output.add("x")


def test_nothing_shows_a_value() -> None:
    """A tree in a log tells keys only."""
    assert "c4nary" not in repr(under("a")) + repr(Comment("c4nary"))
