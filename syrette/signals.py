"""Wishes to end a command, so that what it has begun is ended or taken away on the way out."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Make every such wish an exception; SIGINT is one already."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS[1:]:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed_end() -> Iterator[None]:
    """Let no second Ctrl-C disturb what ends after this: it must be bounded by itself."""
    try:
        yield
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _leave(number: int, _frame: FrameType | None) -> None:
    # One wish is enough: on a busy machine a Ctrl-C right behind it would win, with its own code.
    for further in _SIGNALS:
        signal.signal(further, signal.SIG_IGN)
    raise SystemExit(128 + number)
