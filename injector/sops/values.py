"""
Go's ways to read and to write numbers, truth and time: SOPS hashes and encrypts these texts.

Sources: Go's `strconv` and `time` packages, as getsops/sops `sops.go` (ToBytes) and
`aes/cipher.go` use them.
"""

from __future__ import annotations

import math
import re
from datetime import date
from decimal import Decimal
from typing import Final

from injector.sops.tree import Time

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
_INT = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(?:\.[0-9]{1,800}|[0-9]{1,800}(?:\.[0-9]{0,800})?)(?:[eE][+-]?[0-9]{1,9})?"
)
_NOT_FINITE: Final = {
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "nan": math.nan,
}
_BOOLEANS: Final = dict.fromkeys(("1", "t", "T", "true", "True", "TRUE"), True) | dict.fromkeys(
    ("0", "f", "F", "false", "False", "FALSE"), False
)
# RFC 3339 with the liberties that Go's parser takes: short hours, commas before fractions.
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]{1,40}))?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_LAST_HOUR: Final = 23
_LAST_MINUTE: Final = 59
_LAST_OFFSET_HOUR: Final = 24
_NANOSECOND_DIGITS: Final = 9


def read_int(text: str) -> int | None:
    """Read as `strconv.Atoi` does: decimal, of 64 bits; `None` when it is no such thing."""
    if not _INT.fullmatch(text):
        return None
    number = int(text)
    return number if MIN_INT <= number <= MAX_INT else None


def read_float(text: str) -> float | None:
    """Read as `strconv.ParseFloat` does, without its hexadecimal form; out of range is `None`."""
    if text.lower() in _NOT_FINITE:
        return _NOT_FINITE[text.lower()]
    if not _FLOAT.fullmatch(text):
        return None
    number = float(text)
    return None if math.isinf(number) else number


def read_bool(text: str) -> bool | None:
    """Read as `strconv.ParseBool` does."""
    return _BOOLEANS.get(text)


def write_float(number: float) -> str:
    """Write as `strconv.FormatFloat(number, 'f', -1, 64)` does: shortest, without exponent."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def write_bool(value: bool) -> str:  # noqa: FBT001 - the value itself
    """Write as SOPS does since it was written in Python."""
    return "True" if value else "False"


def read_time(text: str) -> Time | None:
    """Read RFC 3339 and write it again as Go's RFC3339Nano."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = parts.groups()
    return write_time(
        (int(year), int(month), int(day)),
        (int(hour), int(minute), int(second)),
        fraction or "",
        zone,
    )


def write_time(
    day: tuple[int, int, int], clock: tuple[int, int, int], fraction: str, zone: str
) -> Time | None:
    """
    Write a point in time as Go's RFC3339Nano, or `None` when there is no such time.

    Args:
        day: year, month, day.
        clock: hour, minute, second.
        fraction: digits of the second's fraction.
        zone: `Z` or `+hh:mm`.
    """
    year, month, number = day
    try:
        date(year or 4, month, number)  # Go has a year 0, which leaps as the year 4 does
    except ValueError:
        return None
    hour, minute, second = clock
    if hour > _LAST_HOUR or minute > _LAST_MINUTE or second > _LAST_MINUTE:
        return None
    offset = _zone(zone)
    if offset is None:
        return None
    digits = fraction[:_NANOSECOND_DIGITS].rstrip("0")
    return Time(
        f"{year:04}-{month:02}-{number:02}T{hour:02}:{minute:02}:{second:02}"
        f"{'.' + digits if digits else ''}{offset}"
    )


def _zone(zone: str) -> str | None:
    if zone == "Z":
        return zone
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > _LAST_OFFSET_HOUR or minutes > _LAST_MINUTE:
        return None
    return zone if hours or minutes else "Z"


def whole_seconds(time: Time) -> str:
    """Write without the fraction, as Go's RFC3339: what the MAC is bound to."""
    return re.sub(r"\.[0-9]+", "", time.text)
