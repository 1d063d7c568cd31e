"""`decode: base64`: strict in both alphabets, lenient about padding and white space."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import decoding


@given(st.binary(max_size=80), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_what_was_encoded_is_decoded(data: bytes, encode: Any) -> None:  # noqa: ANN401 - either
    """In either alphabet, with padding or without, broken into lines or not."""
    text = encode(data)
    lines = b"\r\n".join(text[i : i + 7] for i in range(0, len(text), 7))

    assert decoding.base64_bytes(text) == data
    assert decoding.base64_bytes(text.rstrip(b"=")) == data
    assert decoding.base64_bytes(b"  " + lines + b"\n") == data


@given(st.binary(max_size=12))
def test_whatever_is_decoded_encodes_to_the_same(text: bytes) -> None:
    """Nothing is accepted that is the encoding of nothing."""
    decoded = decoding.base64_bytes(text)

    bare = text.translate(None, b" \t\r\n").rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    assert decoded is None or base64.b64encode(decoded).rstrip(b"=") == bare


@pytest.mark.parametrize(
    "text",
    [
        b"a",
        b"ab=",
        b"abc==",
        b"====",
        b"a b!",
        b"YQ===",
        b"YR==",
        b"Y=Q=",
        b"+_==",
        b"-/Aa",
        b"YQ==YQ==",
        b"\xff",
    ],
)
def test_what_is_no_base64_is_refused(text: bytes) -> None:
    """Wrong length, characters, padding, left-over bits, two alphabets at once."""
    with pytest.raises(RenderError, match=r"^ref: the value is not base64$") as caught:
        decoding.apply(text, "ref")

    assert caught.value.reason is Reason.DECODE_FAILED


def test_a_document_within_is_read() -> None:
    """What was encoded may be a mapping, text or binary."""
    assert decoding.apply(base64.b64encode(b'{"a": 1}'), "ref") == {"a": 1}
    assert decoding.apply("YQ==", "ref") == b"a"
    assert decoding.apply("_w", "ref") == b"\xff"


def test_each_value_of_a_mapping_is_decoded() -> None:
    """To text where it is UTF-8, to bytes where it is not."""
    assert decoding.apply({"a": "w6k=", "b": "/w=="}, "ref") == {"a": "é", "b": b"\xff"}


@pytest.mark.parametrize("value", ["c4nary!", 5, None, True, ["YQ=="], {"x": "YQ=="}, "é"])
def test_the_key_that_is_not_in_base64_is_named(value: object) -> None:
    """And its value is not; the name is cut and printable."""
    key = "k\n" + "x" * 100
    with pytest.raises(RenderError, match=r"^ref\.k\\nx+…: the value is not base64$") as caught:
        decoding.apply({"good": "YQ==", key: value}, "ref")

    assert "c4nary" not in str(caught.value)
    assert len(str(caught.value)) < 120
