"""Shamir's secret sharing against a definition of the field, and against itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.sops.errors import SopsError
from injector.sops.shamir import combine, divide, multiply


def _slowly(a: int, b: int) -> int:
    """Multiply as FIPS 197, section 4.2, says: shift, and reduce by 0x11b."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def _split(secret: bytes, coefficients: list[bytes], xs: list[int]) -> list[bytes]:
    """Give the parts: polynomials whose lowest coefficients are the secret's bytes."""
    parts = []
    for x in xs:
        ys = bytearray()
        for position, byte in enumerate(secret):
            y, power = byte, 1
            for row in coefficients:
                power = _slowly(power, x)
                y ^= _slowly(row[position], power)
            ys.append(y)
        parts.append(bytes([*ys, x]))
    return parts


def test_products_are_those_of_the_definition() -> None:
    """All of them, and FIPS 197's example."""
    assert multiply(0x57, 0x83) == 0xC1
    assert all(multiply(a, b) == _slowly(a, b) for a in range(256) for b in range(256))


def test_division_undoes_multiplication() -> None:
    """For every pair with a divisor."""
    assert all(divide(multiply(a, b), b) == a for a in range(256) for b in range(1, 256))


@given(data=st.data(), secret=st.binary(min_size=1, max_size=32), threshold=st.integers(2, 4))
def test_as_many_parts_as_the_threshold_give_the_secret(
    data: st.DataObject, secret: bytes, threshold: int
) -> None:
    """Whichever they are and in whatever order; more do no harm."""
    size = len(secret)
    rows = [data.draw(st.binary(min_size=size, max_size=size)) for _ in range(threshold - 1)]
    xs = data.draw(
        st.lists(st.integers(1, 255), min_size=threshold, max_size=threshold + 2, unique=True)
    )
    parts = data.draw(st.permutations(_split(secret, rows, xs)))

    assert combine(parts) == secret
    assert combine(parts[:threshold]) == secret


def test_a_vector_by_hand_is_met() -> None:
    """The line 0x2a + 3x: at 1 it is 0x29, at 2 it is 0x2c."""
    assert combine([b"\x29\x01", b"\x2c\x02"]) == b"\x2a"


@pytest.mark.parametrize("parts", [[], [b"\x01\x01"], [b"\x01\x01", b"\x01\x01\x02"], [b"", b""]])
def test_parts_that_do_not_belong_together_are_refused(parts: list[bytes]) -> None:
    """One is not enough, and lengths are the same."""
    with pytest.raises(SopsError):
        combine(parts)
