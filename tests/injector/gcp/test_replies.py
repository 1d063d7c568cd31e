"""Lives and tokens of replies, whatever they hold."""

from __future__ import annotations

import math

import pytest

from injector.errors import ProviderError
from injector.gcp import replies
from injector.gcp.replies import LONGEST_LIFE, UNKNOWN_LIFE

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (3599, 3599.0),
        ("3599", 3599.0),
        (0, 0.0),
        (10**400, LONGEST_LIFE),
        (math.inf, LONGEST_LIFE),
        ("999999999999", LONGEST_LIFE),
        (math.nan, UNKNOWN_LIFE),
        (-1, UNKNOWN_LIFE),
        ("-1", UNKNOWN_LIFE),
        ("nan", UNKNOWN_LIFE),
        ("1" * 5000, UNKNOWN_LIFE),
        (None, UNKNOWN_LIFE),
        (True, UNKNOWN_LIFE),
        ([], UNKNOWN_LIFE),
    ],
)
def test_a_life_is_bounded(raw: object, seconds: float) -> None:
    """What makes no sense is short, what is too long is cut."""
    assert replies.life(raw) == seconds


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("2023-11-14T23:13:20Z", 3600.0),
        ("2023-11-14T23:13:20.123456789Z", 3600.123456),
        ("9999-12-31T23:59:59Z", LONGEST_LIFE),
        ("1970-01-01T00:00:00Z", 0.0),
        ("2023-11-14T23:13:20", UNKNOWN_LIFE),
        ("0001-01-01T00:00:00+14:00", 0.0),
        ("tomorrow", UNKNOWN_LIFE),
        (1, UNKNOWN_LIFE),
        ("2" * 5000, UNKNOWN_LIFE),
    ],
)
def test_an_end_is_bounded(raw: object, seconds: float) -> None:
    """RFC 3339 with a zone; all else counts as soon."""
    assert replies.end(raw, NOW) - NOW == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize("raw", [None, "", "a b", "a\r\nX: y", "\u00e4", 3, "x" * 40_000])
def test_a_token_that_no_header_carries_is_refused(raw: object) -> None:
    """It would split the request or fail in the middle of it."""
    with pytest.raises(ProviderError) as raised:
        replies.token({"access_token": raw}, "access_token", "login")

    assert str(raw or "-") not in str(raised.value)
