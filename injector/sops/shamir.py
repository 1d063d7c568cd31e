"""
Shamir's secret sharing as SOPS does it: byte by byte in GF(2^8) modulo 0x11b, AES' field.

A part is one y value for each byte of the secret, and its x as the last byte. Source:
getsops/sops `shamir/shamir.go` (after HashiCorp Vault); Shamir, "How to share a secret", 1979.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLYNOMIAL: Final = 0x11B
_ORDER: Final = 255
_MIN_PARTS: Final = 2


def _tables() -> tuple[bytes, bytes]:
    """Powers and logarithms to the generator 3."""
    powers, logarithms = bytearray(2 * _ORDER), bytearray(_ORDER + 1)
    value = 1
    for exponent in range(_ORDER):
        powers[exponent] = powers[exponent + _ORDER] = value
        logarithms[value] = exponent
        value ^= value << 1
        if value > _ORDER:
            value ^= _POLYNOMIAL
    return bytes(powers), bytes(logarithms)


_POWERS, _LOGARITHMS = _tables()


def multiply(a: int, b: int) -> int:
    """Multiply in the field."""
    return _POWERS[_LOGARITHMS[a] + _LOGARITHMS[b]] if a and b else 0


def divide(a: int, b: int) -> int:
    """Divide in the field; `b` is not 0."""
    return _POWERS[_LOGARITHMS[a] + _ORDER - _LOGARITHMS[b]] if a else 0


def combine(parts: Sequence[bytes]) -> bytes:
    """
    Find the secret that parts make: the value at x = 0.

    Raises:
        SopsError: for fewer than two parts, parts of different length, and an x that is 0 (it
            would be the secret itself) or there twice.
    """
    if len(parts) < _MIN_PARTS or len({len(part) for part in parts}) != 1:
        msg = "parts of a data key are fewer than two or of different lengths"
        raise invalid(msg)
    xs = [part[-1] for part in parts if part]
    if 0 in xs or len(set(xs)) != len(parts):
        msg = "two parts of the data key are the same part, or one is none"
        raise invalid(msg)
    weights = [_weight(xs, index) for index in range(len(xs))]
    secret = bytearray(len(parts[0]) - 1)
    for part, weight in zip(parts, weights, strict=True):
        for position, y in enumerate(part[:-1]):
            secret[position] ^= multiply(y, weight)
    return bytes(secret)


def _weight(xs: Sequence[int], index: int) -> int:
    """Lagrange's basis polynomial of one x, at 0."""
    weight = 1
    for other, x in enumerate(xs):
        if other != index:
            weight = multiply(weight, divide(x, x ^ xs[index]))
    return weight
