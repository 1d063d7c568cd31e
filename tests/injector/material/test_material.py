"""Material: secret bytes that no accident writes down."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.material import Material, RenderedFile
from injector.render.interface import Rendered, Value

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "c4nary-value"
MATERIAL = Material(CANARY.encode())
HOLDERS: list[object] = [
    MATERIAL,
    [MATERIAL],
    {"password": MATERIAL},
    RenderedFile("path", MATERIAL),
    Value(MATERIAL),
    Rendered((RenderedFile("path", MATERIAL),), (("NAME", MATERIAL),)),
]
WRITERS: list[Callable[[object], str]] = [
    str,
    repr,
    ascii,
    pprint.pformat,
    "{}".format,
    "{!s:>200}".format,
    "{!r}".format,
    lambda item: f"{item}",
    lambda item: f"{item!r:^80}",
    lambda item: "%s %r %a" % (item, item, item),  # noqa: UP031 - one more way to write it
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
@pytest.mark.parametrize("write", WRITERS)
def test_writing_it_gives_a_size(write: Callable[[object], str], holder: object) -> None:
    """However it is turned into text, and within whatever."""
    text = write(holder)

    assert "<Material 12 bytes>" in text
    assert CANARY not in text


def test_a_format_of_its_own_does_not_open_it() -> None:
    """A specification is not even looked at: there is no way to ask for the bytes."""
    assert f"{MATERIAL:s}" == f"{MATERIAL:>40}" == "<Material 12 bytes>"


@pytest.mark.parametrize(
    ("leak", "message"),
    [
        (bytes, "call reveal"),
        (list, "cannot be iterated"),
        (lambda material: b"".join([material]), "bytes-like"),
        (lambda material: b"x" + material, "can't concat|concat"),
        (memoryview, "bytes-like"),
        (hash, "not hashable"),
        (lambda material: {material: 1}, "not hashable"),
        (lambda material: {material}, "not hashable"),
        (lambda material: "c4" in material, "not iterable|cannot be iterated"),
        (lambda material: material[0], "not subscriptable"),
        (json.dumps, "not JSON serializable"),
        (pickle.dumps, "cannot be pickled"),
        (lambda material: pickle.dumps(material, protocol=0), "cannot be pickled"),
        (copy.copy, "cannot be pickled or copied"),
        (copy.deepcopy, "cannot be pickled or copied"),
        (lambda material: dataclasses.asdict(RenderedFile("p", material)), "or copied"),
        (lambda material: hash(RenderedFile("p", material)), "not hashable"),
        (lambda material: pickle.dumps(Value(material)), "cannot be pickled"),
        (vars, "__dict__"),
    ],
)
def test_every_other_way_out_is_closed(leak: Callable[[Any], object], message: str) -> None:
    """And the error that says so holds nothing either."""
    with pytest.raises(TypeError, match=message) as caught:
        leak(MATERIAL)

    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_log_line_gives_a_size() -> None:
    """Python's logging formats as late as it can, and finds nothing then."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.emit(logging.makeLogRecord({"msg": "read %s", "args": (MATERIAL,)}))

    assert stream.getvalue() == "read <Material 12 bytes>\n"


def test_a_traceback_with_its_variables_gives_a_size() -> None:
    """Tools that print the local variables of each frame print this."""
    try:
        json.dumps([MATERIAL])
    except TypeError as exc:
        found = "".join(
            traceback.TracebackException.from_exception(exc, capture_locals=True).format()
        )

    assert "<Material 12 bytes>" in found
    assert CANARY not in found


def test_the_one_way_out() -> None:
    """`reveal` gives the bytes."""
    assert MATERIAL.reveal() == CANARY.encode()


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_it_equals_what_holds_the_same_bytes(one: bytes, other: bytes) -> None:
    """And never the bytes themselves."""
    assert (Material(one) == Material(other)) == (one == other)
    assert Material(one) == Material(bytes(bytearray(one)))
    assert (Material(one) == one, Material(one) == one.decode("latin-1")) == (False, False)
    assert (Value(Material(one)) == Value(Material(other))) == (one == other)


def test_an_empty_secret_is_one() -> None:
    """Its truth is that it was read; its length says that it is empty."""
    assert Material(b"")
    assert len(Material(b"")) == 0


def test_what_it_was_made_of_can_change_without_it() -> None:
    """A buffer that is used again later does not change a secret."""
    buffer = bytearray(b"secret")
    material = Material(bytes(buffer))
    buffer[:] = b"zeroed"

    assert material.reveal() == b"secret"


def test_only_bytes_are_a_secret() -> None:
    """`bytes(5)` would be five NULs, and text has no bytes before somebody encodes it."""
    for wrong in ("text", 5, None, [1, 2]):
        with pytest.raises(TypeError, match="Material is made of bytes"):
            Material(wrong)  # type: ignore[arg-type]


def test_no_attribute_can_be_added() -> None:
    """There is no place beside the bytes where a copy could hide."""
    with pytest.raises(AttributeError, match="note"):
        MATERIAL.note = "x"  # type: ignore[attr-defined]
