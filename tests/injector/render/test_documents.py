"""Secrets as data: JSON objects and lists are read, and everything else stays the bytes it is."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
containers: Any = st.lists(values, max_size=4) | st.dictionaries(texts, values, max_size=4)


@given(containers)
def test_what_is_read_is_written_again(document: Any) -> None:  # noqa: ANN401 - JSON
    """Python's own reader finds the same data in what we write as in what there was."""
    parsed = documents.parse(json.dumps(document).encode())

    assert json.loads(documents.to_json(parsed)) == document
    assert documents.to_bytes(parsed) == documents.to_json(parsed).encode()


@given(st.binary(max_size=60))
def test_any_bytes_are_survived(data: bytes) -> None:
    """They come back as they are, unless they are a JSON object or list."""
    parsed = documents.parse(data)

    assert isinstance(parsed, dict | list) or parsed == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain",
        b"5432",
        b'"text"',
        b"true",
        b"null",
        b"{",
        b"[1,",
        b"{'a': 1}",
        b"{a: 1}",
        b'{"a": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b'{"a": 1} trailing',
        b'{"a": 1}{"b": 2}',
        b'\xff\xfe{"a": 1}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\n"}',
        b"[" * 100_000,
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" + b"9" * 5000 + b"]",
    ],
    ids=lambda data: repr(data[:16]),
)
def test_what_is_no_document_is_bytes(data: bytes) -> None:
    """Scalars, other text, binary, what RFC 8259 does not allow, and what nests too deep."""
    assert documents.parse(data) == data


@pytest.mark.parametrize("data", [b"[" * 64 + b"]" * 64, b' \r\n\t{"a": 1}\n'])
def test_white_space_and_64_levels_are_read(data: bytes) -> None:
    """The limit itself is allowed."""
    assert documents.parse(data) == json.loads(data)


def test_the_last_of_two_equal_keys_counts() -> None:
    """As every reader of JSON in the field has it; the text itself stays as it was stored."""
    assert documents.parse(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "literal",
    [
        "1.10",
        "1e5",
        "1E+5",
        "-0.0",
        "1e999",
        "0.1000000000000000055511151231257827",
        "12345678901234567890123",
        "-0.10e-10",
    ],
)
def test_a_number_keeps_its_digits(literal: str) -> None:
    """`1.10` is a version more often than a quantity."""
    parsed = documents.parse(f'{{"n": {literal}}}'.encode())

    assert documents.scalar(parsed["n"]) == literal
    assert documents.to_json(parsed) == f'{{"n":{literal}}}'


def test_a_number_is_a_number_all_the_same() -> None:
    """Expressions compare and add it."""
    assert documents.parse(b"[1.5]")[0] + 1 == 2.5


@pytest.mark.parametrize(
    ("data", "text"),
    [("x y", "x y"), (None, ""), (True, "true"), (False, "false"), (5432, "5432"), (2.5, "2.5")],
)
def test_scalars_are_text_without_quotes(data: object, text: str) -> None:
    """As they stand in a file."""
    assert documents.scalar(data) == text
    assert documents.to_bytes(data) == text.encode()


def test_bytes_stay_bytes() -> None:
    """Binary is touched by nothing."""
    assert documents.to_bytes(b"\x00\xff") == b"\x00\xff"


@pytest.mark.parametrize("write", [documents.to_bytes, documents.to_json])
def test_binary_within_a_document_is_an_error(write: Any) -> None:  # noqa: ANN401 - either
    """JSON is text, and the error holds no byte of it."""
    with pytest.raises(RenderError, match="the value is binary, and this format is text") as caught:
        write({"a": b"\xffc4nary"})

    assert "c4nary" not in str(caught.value)
    assert documents.to_json({"a": "é".encode()}) == '{"a":"é"}'


def test_a_lone_surrogate_is_an_error() -> None:
    """JSON can escape it, and no file can hold it."""
    with pytest.raises(RenderError, match="a lone surrogate") as caught:
        documents.to_bytes(documents.parse(rb'{"a": "\ud800"}'))

    assert caught.value.reason is Reason.DECODE_FAILED


def test_what_is_no_data_is_an_error() -> None:
    """Python's text for it has an address."""
    with pytest.raises(RenderError, match="is no value"):
        documents.to_json([len])


def _shared(levels: int) -> list[Any]:
    data: list[Any] = ["x"]
    for _ in range(levels):
        data = [data, data]
    return data


def test_shared_parts_are_measured_each_time() -> None:
    """A structure of fifty lists is as large as what it is written as."""
    with pytest.raises(RenderError, match="larger than 1048576 bytes") as caught:
        documents.size(_shared(50))
    with pytest.raises(RenderError, match="larger than 1048576 bytes"):
        documents.to_json(_shared(50))

    assert caught.value.reason is Reason.OUTPUT_TOO_LARGE


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=20,
    )
)
def test_a_size_is_about_what_is_written(document: object) -> None:
    """Never less than a sixth of it: a character that is escaped takes six."""
    written = documents.to_json([document])

    assert 6 * documents.size([document]) >= len(written)
    assert documents.size([document]) <= 3 * len(written)


@pytest.mark.parametrize(("data", "levels"), [("x", 0), ([], 1), ({"a": [1]}, 2), ([[], [[]]], 3)])
def test_levels_are_counted(data: object, levels: int) -> None:
    """A scalar has none."""
    assert documents.depth(data) == levels


def test_a_huge_number_is_measured() -> None:
    """By its digits."""
    assert documents.size(10**4000) > 4000
    assert not math.isfinite(float(documents.Number("1e999")))


def test_names_in_messages_are_printable_and_short() -> None:
    """A key of a secret is whatever somebody wrote."""
    assert documents.printable("a\nb\x1b[1m\u202e") == r"a\nb\x1b[1m\u202e"
    assert documents.printable("x" * 100) == "x" * 60 + "…"
    assert documents.name_list(["b", "a"]) == "`a`, `b`"
    assert documents.name_list([]) == "none"
