"""
What Google's replies say of tokens and their lives, if it can be kept.

A token goes into a header, so it must be printable. A life is bounded: what is missing or makes no
sense counts as short, so that the next login comes soon.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from injector.material import Material
from injector.rest import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_LIFE: Final = 300.0
"""Seconds of a token whose life is not said."""
LONGEST_LIFE: Final = 12 * 3600.0
"""Seconds: the longest that Google grants to an access token, where a policy lets it."""
_LARGEST_TOKEN: Final = 32 * 1024
"""Characters; Google says of tokens that they may have 2 KiB, federated ones are larger."""
_DECIMAL: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def token(reply: Mapping[str, object], name: str, step: str) -> Material:
    """
    Take the token out of a reply.

    Raises:
        ProviderError: when there is none that a header can carry.
    """
    raw = reply.get(name)
    if not is_token(raw):
        raise unreadable(step)
    return Material(str(raw).encode("ascii"))


def is_token(raw: object) -> bool:
    """Whether this can be sent in a header as a bearer token."""
    return (
        isinstance(raw, str)
        and 0 < len(raw) <= _LARGEST_TOKEN
        and raw.isascii()
        and raw.isprintable()
        and " " not in raw
    )


def life(raw: object) -> float:
    """Seconds of an `expires_in`: a number, or a text with one."""
    if isinstance(raw, str):
        raw = float(raw) if _DECIMAL.fullmatch(raw) else None
    # Of NaN nothing is true, and of a whole number of 400 digits no float can be made.
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not raw >= 0:
        return UNKNOWN_LIFE
    return float(min(raw, LONGEST_LIFE))


def end(raw: object, now: float) -> float:
    """Seconds since the epoch of an `expireTime` (RFC 3339), bounded as a life from `now` on."""
    if not isinstance(raw, str) or len(raw) > 64:  # noqa: PLR2004 - no time is written so long
        return now + UNKNOWN_LIFE
    try:
        moment = datetime.fromisoformat(raw)
        seconds = moment.timestamp() if moment.tzinfo is not None else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    return now + life(max(0.0, seconds - now) if math.isfinite(seconds) else None)
