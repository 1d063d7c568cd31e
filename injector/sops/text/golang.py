"""
Texts and numbers as Go writes them: `strconv`, `strings` and the JSON encoder.

A Go string is bytes. Here it travels as text in which each byte that is no UTF-8 is one lone
surrogate (PEP 383), which is also how Go's `range` sees it: one error per byte.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from injector.sops.tree import Time

if TYPE_CHECKING:
    from injector.sops.tree import Scalar

SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""`unicode.IsSpace`: without the separators U+001C to U+001F, which Python's `strip` takes."""
_FRACTION: Final = re.compile(r"\.[0-9]+")
_LEAST_FIXED, _LEAST_EXPONENT = -4, 6
"""Decimal exponents: `%g` writes what lies between without one (`strconv`, shortest form)."""


def string(value: str | bytes) -> str:
    """Make a Go string of either shape of `Scalar`."""
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value


def encoded(text: str) -> bytes:
    """Make bytes of a Go string, whatever was in it."""
    return text.encode(errors="surrogateescape")


def is_text(value: str) -> bool:
    """Say whether it has no lone surrogate, which no UTF-8 can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def float_fixed(value: float) -> str:
    """Format as `%f` with as few digits as tell the number: `1000000`, `0.5`, `-0`."""
    sign, digits, point = _shortest(value)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}" if digits != "0" else f"{sign}0"
    whole = digits[:point].ljust(point, "0")
    rest = digits[point:]
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def float_exponent(value: float) -> str:
    """Format as `%e` with as few digits as tell the number: `1.5e+06`, two digits at least."""
    sign, digits, point = _shortest(value)
    exponent = point - 1 if digits != "0" else 0
    mantissa = digits[0] + (f".{digits[1:]}" if digits[1:] else "")
    return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def float_general(value: float) -> str:
    """Format as `%g` with as few digits as tell the number: `1e+06`, `+Inf`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    _, digits, point = _shortest(value)
    exponent = point - 1 if digits != "0" else 0
    if _LEAST_FIXED <= exponent < _LEAST_EXPONENT:
        return float_fixed(value)
    return float_exponent(value)


def plain(scalar: Scalar) -> str:
    """Write a value as SOPS' `ValToString` does for dotenv and INI: floats show that they are."""
    match scalar.value:
        case None:
            return "<nil>"
        case bool(flag):
            return "true" if flag else "false"
        case int(number):
            return str(number)
        case float(number):
            result = float_general(number).replace("e", "E")
            whole = math.isfinite(number) and "." not in result and "E" not in result
            return f"{result}.0" if whole else result
        case Time(text):
            # RFC3339 without the fraction.
            return _FRACTION.sub("", text, count=1)
        case str(value) | bytes(value):
            return string(value)


def _shortest(value: float) -> tuple[str, str, int]:
    """Give the sign, the shortest digits without zeros around, and where the point stands."""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = whole + rest
    point = len(whole) + int(exponent or "0")
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    return sign, stripped.rstrip("0") or "0", point
