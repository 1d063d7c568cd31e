"""Wishes to end a command, so that what it has begun is ended or taken away on the way out."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Make every such wish an exception, but those that the caller ignores (`nohup`, a job)."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _leave)
    try:
        yield
    except _Wish:
        raise  # what is left of this process goes on ignoring further wishes
    except BaseException:
        _restore(before)
        raise
    _restore(before)


@contextmanager
def undisturbed_end() -> Iterator[None]:
    """Let no second Ctrl-C disturb what ends after this: it must be bounded by itself."""
    try:
        yield
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


class _Wish(SystemExit):
    """A wish that is followed: nothing but the process's end comes after it."""


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    # One wish is enough: on a busy machine a Ctrl-C right behind it would win, with its own code.
    for further in _SIGNALS:
        signal.signal(further, signal.SIG_IGN)
    raise _Wish(128 + number)
