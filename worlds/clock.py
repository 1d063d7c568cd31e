"""The time of a world: the machine's, moved on by the test."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class WorldClock:
    """
    Seconds since the epoch, with an offset.

    Args:
        source: the machine's clock, or a virtual one.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0

    def now(self) -> float:
        """World time: what expires, expires by it."""
        return self._source() + self._offset

    def wall(self) -> float:
        """
        Time without the offset.

        Request signatures are checked against it: the clients of a test sign with the machine's
        clock, and moving a world by an hour should expire credentials, not break signatures.
        """
        return self._source()

    def advance(self, seconds: float) -> None:
        """Move the world on (or back, when negative)."""
        self._offset += seconds
