"""Waits for what processes do, with an end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_POLL_SECONDS: Final = 0.02


class StepError(Exception):
    """A step of the demonstration that did not come out as it should; the text says what."""


def eventually(found: Callable[[], T], seconds: float, otherwise: str) -> T:
    """
    Look until there is something.

    Raises:
        StepError: with `otherwise`, after `seconds`.
    """
    until = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() >= until:
            raise StepError(f"{otherwise} within {seconds:g} s")
        time.sleep(_POLL_SECONDS)
    return result
