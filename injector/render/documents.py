"""
Secrets as data: JSON objects and lists with their literals kept, and everything else as bytes.

A value that is no JSON object or list stays what it is: bytes. Numbers keep the digits they were
written with, since `1.10` is a version more often than a quantity.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render.interface import MAX_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

MAX_DEPTH: Final = 64
"""Levels; a deeper document is treated as plain bytes, so that nothing here recurses far."""
_SHOWN_KEYS: Final = 20
_SHOWN_CHARACTERS: Final = 60


class Number(float):
    """A JSON number with a fraction or an exponent, which prints as it was written."""

    __slots__ = ("literal",)

    literal: str

    def __new__(cls, literal: str) -> Self:
        """Read the number and keep its text."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __str__(self) -> str:
        return self.literal


class Text:
    """
    Text that is put together up to a limit.

    Results of expressions share their parts, so a few bytes of a selector can stand for gigabytes.
    """

    def __init__(self, limit: int = MAX_OUTPUT) -> None:
        self._limit = limit
        self._size = 0
        self._parts: list[str] = []

    def write(self, part: str) -> int:
        """Append; the name is what a YAML writer calls."""
        self._size += len(part)
        check_size(self._size, self._limit)
        self._parts.append(part)
        return len(part)

    def __str__(self) -> str:
        return "".join(self._parts)


def too_large(limit: int = MAX_OUTPUT) -> RenderError:
    """Say that a result grows out of bounds."""
    return RenderError(Reason.OUTPUT_TOO_LARGE, f"the result is larger than {limit} bytes")


def parse(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read a JSON object or list; anything else comes back as the bytes that it is."""
    if data.lstrip(b" \t\r\n")[:1] not in {b"{", b"["}:
        return data
    try:
        document = json.loads(data.decode(), parse_float=Number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return data
    return document if depth(document) <= MAX_DEPTH else data


def _refuse(constant: str) -> NoReturn:
    # Python's reader takes NaN and Infinity, RFC 8259 §6 does not.
    raise ValueError(constant)


def depth(document: object) -> int:
    """Count the levels of objects and lists."""
    levels, level = 0, [document]
    while level := [item for item in level if isinstance(item, dict | list)]:
        levels += 1
        level = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]
    return levels


def size(data: object) -> int:
    """
    Measure how large data is when it is written, about; parts that are shared count each time.

    Raises:
        RenderError: `output-too-large`, as soon as it is known.
    """
    total, left = 0, [data]
    while left:
        item = left.pop()
        total += 1
        if isinstance(item, str | bytes | dict | list | tuple):
            total += len(item)
        elif isinstance(item, int):
            total += item.bit_length() // 3
        check_size(total)
        if isinstance(item, dict):
            left.extend(item)
            left.extend(item.values())
        elif isinstance(item, list | tuple):
            left.extend(item)
    return total


def check_size(total: int, limit: int = MAX_OUTPUT) -> None:
    """
    Refuse what would be larger than any file.

    Raises:
        RenderError: `output-too-large`.
    """
    if total > limit:
        raise too_large(limit)


def scalar(data: object) -> str:
    """
    Write one JSON scalar: strings without quotes, null as nothing.

    Raises:
        RenderError: for what is no data, which only a template can come to.
    """
    if isinstance(data, str):
        return data
    if data is None:
        return ""
    if isinstance(data, bool):
        return "true" if data else "false"
    text = str(data)  # raises for a name that a template does not have
    if isinstance(data, int | float):
        return text
    # What Python says of other objects has an address in it, another one each time.
    msg = "a function or a generator is no value; in a template, `| list` or `| join` makes one"
    raise RenderError(Reason.TEMPLATE_FAILED, msg)


def is_pem(data: object) -> bool:
    """Whether a value is a list of PEM texts (RFC 7468), as a chain of certificates is."""
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(item, str) and item.startswith("-----BEGIN ") for item in data)
    )


def to_bytes(data: object) -> bytes:
    """
    Turn a value into bytes: bytes as they are, text in UTF-8, objects and lists as JSON.

    A list of PEM texts becomes what every TLS library reads as a chain: one after the other.

    Raises:
        RenderError: for text that UTF-8 cannot write (a lone surrogate).
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, list) and is_pem(data):
        return encode("".join(f"{item.rstrip()}\n" for item in data))
    text = to_json(data) if isinstance(data, dict | list) else scalar(data)
    return encode(text)


def encode(text: str) -> bytes:
    r"""
    Write text in UTF-8.

    Raises:
        RenderError: for a lone surrogate, which JSON can escape (`"\ud800"`) and nobody can write.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        msg = "the text has a character that UTF-8 cannot write (a lone surrogate)"
        raise RenderError(Reason.DECODE_FAILED, msg) from None


def to_json(data: object) -> str:
    """
    Write compact JSON, numbers as they were read.

    Raises:
        RenderError: for bytes that are no text, and for a result that grows out of bounds.
    """
    text = Text()
    _write_json(data, text)
    return str(text)


def _write_json(data: object, text: Text) -> None:
    if isinstance(data, dict):
        text.write("{")
        for index, (key, item) in enumerate(data.items()):
            text.write(f"{',' if index else ''}{json.dumps(key, ensure_ascii=False)}:")
            _write_json(item, text)
        text.write("}")
    elif isinstance(data, list | tuple):
        text.write("[")
        for index, item in enumerate(data):
            text.write("," if index else "")
            _write_json(item, text)
        text.write("]")
    elif isinstance(data, str):
        text.write(json.dumps(data, ensure_ascii=False))
    elif isinstance(data, bytes):
        text.write(json.dumps(to_text(data), ensure_ascii=False))
    else:
        text.write(scalar(data) if data is not None else "null")


def to_text(data: bytes) -> str:
    """
    Read UTF-8.

    Raises:
        RenderError: for binary data.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        msg = "the value is binary, and this format is text; use `format: raw`"
        raise RenderError(Reason.DECODE_FAILED, msg) from None


def name_list(names: Iterable[object]) -> str:
    """Name keys for a message: sorted, bounded, printable; never a value."""
    everything = sorted(str(name) for name in names)
    shown = ", ".join(f"`{printable(name)}`" for name in everything[:_SHOWN_KEYS])
    if len(everything) > _SHOWN_KEYS:
        shown += f" and {len(everything) - _SHOWN_KEYS} more"
    return shown or "none"


def printable(name: str) -> str:
    """Cut a name, and escape what could pretend to be another line of a log."""
    cut = name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
