"""
What an unencrypted YAML scalar is: go-yaml v3's rules, for the MAC covers what SOPS resolved.

They are neither YAML 1.1 nor 1.2: `yes` and `1:30` are texts, `1e3` is a float, `017` is octal,
`2021-01-02` is a time. Source: go-yaml v3 `resolve.go`, checked against the real `sops`.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass, field
from typing import Final

from injector.sops.errors import invalid
from injector.sops.tree import Scalar, Time
from injector.sops.values import MAX_INT, MIN_INT, read_float, write_time

Value = str | bytes | bool | int | float | Time | None

_PREFIX: Final = "tag:yaml.org,2002:"
_WORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_MAX_DIGITS: Final = 80
"""An integer of 64 bits has 64 digits at most, in base 2; what is longer may be a float."""
_BASES: Final = (
    (re.compile(r"([+-]?)0[xX]([0-9a-fA-F]+)", re.ASCII), 16),
    (re.compile(r"([+-]?)0[bB]([01]+)", re.ASCII), 2),
    (re.compile(r"([+-]?)0[oO]?([0-7]+)", re.ASCII), 8),
    (re.compile(r"([+-]?)(0|[1-9][0-9]*)", re.ASCII), 10),
)
_MAX_UINT: Final = 2**64 - 1
_STYLE_OF_FLOATS = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_POINTED = re.compile(r"\.[0-9]+([eE][-+]?[0-9]+)?", re.ASCII)
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,40}))?(Z|[+-][0-9]{2}:[0-9]{2}))"
    r"|(?: ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,40}))?))?",
    re.ASCII,
)
_TAGS_OF_TYPES: Final[tuple[tuple[str, type | tuple[type, ...]], ...]] = (
    ("bool", bool),
    ("int", int),
    ("float", float),
    ("timestamp", Time),
    ("null", type(None)),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A scalar as it stands in the document."""

    text: str = field(repr=False)
    tag: str | None
    """Resolved; `None` without one, `!` for "no guess"."""
    plain: bool
    """Without quotes and no block scalar."""
    line: int
    """From 1."""


def resolve(written: Written) -> Scalar:
    """
    Say what a scalar's value is.

    Raises:
        SopsError: for a tag that does not fit or is none of YAML's own, or too large an integer.
    """
    tag = written.tag
    if tag in {"!", f"{_PREFIX}str"} or (tag is None and not written.plain):
        return Scalar(written.text)
    if tag is None:
        return Scalar(_untagged(written))
    return Scalar(_tagged(written, tag.removeprefix(_PREFIX)))


def _tagged(written: Written, tag: str) -> Value:
    if tag == "merge":
        return written.text
    if tag == "binary":
        return _binary(written)
    value = _untagged(written)
    for name, kind in _TAGS_OF_TYPES:
        if tag == name:
            if tag == "float" and type(value) is int:
                return float(value)
            if isinstance(value, kind) and (tag != "int" or type(value) is int):
                return value
    msg = "a scalar's tag is not one of YAML's own, or does not fit what is written"
    raise invalid(msg, line=written.line)


def _binary(written: Written) -> Value:
    try:
        data = base64.b64decode("".join(written.text.split()), validate=True)
    except (binascii.Error, ValueError):
        msg = "a `!!binary` scalar is no base64"
        raise invalid(msg, line=written.line) from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _untagged(written: Written) -> Value:
    text = written.text
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isascii():
        return text
    if text[0] == ".":
        number = read_float(text) if _POINTED.fullmatch(text) else None
        return text if number is None else number
    if not (text[0].isdigit() or text[0] in "+-"):
        return text
    time = _time(text)
    if time is not None:
        return time
    return _number(written)


def _time(text: str) -> Time | None:
    parts = _TIME.fullmatch(text)
    if parts is None:
        return None
    year, month, day, h1, m1, s1, f1, zone, h2, m2, s2, f2 = parts.groups()
    clock = (int(h1 or h2 or 0), int(m1 or m2 or 0), int(s1 or s2 or 0))
    return write_time((int(year), int(month), int(day)), clock, f1 or f2 or "", zone or "Z")


def _number(written: Written) -> Value:
    plain = written.text.replace("_", "")
    if len(plain) <= _MAX_DIGITS:
        for pattern, base in _BASES:
            match = pattern.fullmatch(plain)
            if match is None:
                continue
            number = int(match[1] + match[2], base)
            if MIN_INT <= number <= MAX_INT:
                return number
            if 0 <= number <= _MAX_UINT and not match[1]:
                msg = "an integer is larger than SOPS can hold (64 bits, signed)"
                raise invalid(msg, line=written.line)
    fraction = read_float(plain) if _STYLE_OF_FLOATS.fullmatch(plain) else None
    return written.text if fraction is None else fraction
