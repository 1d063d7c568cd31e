"""
What replies say of lives and names, if it can be kept; what cannot counts as not said.

A life of NaN or a name that is no Unicode would make the state that a worker leaves unreadable for
the next one, which would then take every lease again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 100 * 365 * 86400.0
"""Seconds: whoever grants more means for ever."""


def life(told: Mapping[str, object]) -> float:
    """Seconds of a `lease_duration`, of a lease or a token; 0 where there are none."""
    raw = told.get("lease_duration")
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return 0.0
    # Of NaN nothing is true, and of a whole number of 400 digits no float can be made.
    return float(min(raw, _LONGEST)) if raw > 0 else 0.0


def text(raw: object) -> str:
    """A name, such as a lease's or a token's accessor; empty for anything else."""
    if not isinstance(raw, str):
        return ""
    try:
        raw.encode()
    except UnicodeEncodeError:
        return ""
    return raw


def is_token(raw: object) -> bool:
    """Whether this can be sent in a header as Vault's token."""
    return isinstance(raw, str) and raw.isascii() and raw.isprintable() and raw.strip() == raw != ""
