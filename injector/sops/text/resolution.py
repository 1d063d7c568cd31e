"""
What an unquoted YAML text would be taken for, by go-yaml v3 and by readers of YAML 1.1.

go-yaml resolves with Go's number parsers after taking out every underscore, and with Go's layouts
of time, which allow one digit where RFC 3339 wants two. Strings of YAML 1.1's booleans and base 60
numbers are quoted too, though go-yaml itself reads them as strings.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

_WORDS: Final = frozenset(
    [
        *("", "~", "null", "Null", "NULL"),
        *("true", "True", "TRUE", "false", "False", "FALSE"),
        *(".nan", ".NaN", ".NAN"),
        *(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")),
        # Booleans of YAML 1.1.
        *("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"),
        *("n", "N", "no", "No", "NO", "off", "Off", "OFF"),
    ]
)
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_FROM_POINT: Final = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
"""`strconv.ParseFloat` of what begins with a point: an underscore only between digits."""
_INTEGERS: Final = tuple(
    (re.compile(pattern), base)
    for pattern, base in (
        (r"([-+]?)0[xX]([0-9a-fA-F]+)", 16),
        (r"([-+]?)0[bB]([01]+)", 2),
        (r"([-+]?)0[oO]?([0-7]+)", 8),
        (r"([-+]?)(0|[1-9][0-9]*)", 10),
        # A second look of go-yaml lets a sign stand behind these two.
        (r"0b([-+])([01]+)", 2),
        (r"0o([-+])([0-7]+)", 8),
    )
)
_TIME: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?:[Tt]|(?P<blank>\x20+))(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):"
    r"(?P<second>[0-9]{1,2})(?:[.,][0-9]+)?"
    r"(?P<zone>Z|[-+](?P<ahead>[0-9]{2}):(?P<minutes>[0-9]{2}))?)?"
)
_LEAP_YEAR: Final = 2000
"""Stands in for the year 0, which Python has not."""
_MOST_HOURS, _MOST_MINUTES = 24, 60
"""Of an offset; Go lets both ends pass."""
_MOST_SIGNED, _MOST_UNSIGNED = 2**63, 2**64 - 1


def stays_text(text: str) -> bool:
    """Say whether a text may stand without quotes and is read as a string again."""
    if text in _WORDS:
        return False
    first = text[0]
    if first == ".":
        return not (_FROM_POINT.fullmatch(text) and _is_finite(text.replace("_", "")))
    if first in "+-0123456789":
        return not (_BASE_60.fullmatch(text) or _is_time(text) or _is_number(text))
    return True


def _is_finite(number: str) -> bool:
    # Go's parser fails where Python's gives infinity.
    return math.isfinite(float(number))


def _is_number(text: str) -> bool:
    plain = text.replace("_", "")
    for pattern, base in _INTEGERS:
        if (match := pattern.fullmatch(plain)) and _fits(match[1], match[2], base):
            return True
    return bool(_FLOAT.fullmatch(plain)) and _is_finite(plain)


def _fits(sign: str, digits: str, base: int) -> bool:
    """Say whether it is an int64, or without a sign an uint64."""
    digits = digits.lstrip("0")
    if len(digits) > _MOST_UNSIGNED.bit_length():
        return False  # No need to compute what is longer than the longest.
    number = int(digits or "0", base)
    if sign == "-":
        return number <= _MOST_SIGNED
    return number <= (_MOST_SIGNED - 1 if sign else _MOST_UNSIGNED)


def _is_time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    names = ("month", "day", "hour", "minute", "second")
    month, day, hour, minute, second = (int(match[name] or 0) for name in names)
    try:
        datetime(int(match["year"]) or _LEAP_YEAR, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return False
    if match["hour"] is None:
        return True
    if bool(match["blank"]) == bool(match["zone"]):
        return False  # A blank goes without a zone, a T with one.
    return int(match["ahead"] or 0) <= _MOST_HOURS and int(match["minutes"] or 0) <= _MOST_MINUTES
