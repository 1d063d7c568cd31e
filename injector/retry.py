"""
How a call is repeated: bounded attempts, full jitter, one budget of time; a definite no ends it.

The clock, the sleep and the randomness are given, so that tests wait for nothing. It repeats only
what its reason calls retryable, and never past the deadline of the worker.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from injector.errors import InjectorError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def passing(error: InjectorError) -> bool:
    """Whether an error may be gone at the next attempt, by its reason."""
    return error.retryable


ATTEMPTS: Final = 4
BASE_SECONDS: Final = 0.25
"""Ceiling of the first pause; doubled for each that follows (AWS, exponential back-off, jitter)."""
CAP_SECONDS: Final = 5.0
BUDGET_SECONDS: Final = 20.0
"""Of one call with its repetitions."""
ATTEMPT_SECONDS: Final = 8.0
"""Of one attempt: less than half the budget, so that one lost reply still leaves another try."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A policy of repetition; `until` (monotonic seconds) is the worker's own deadline."""

    attempts: int = ATTEMPTS
    base: float = BASE_SECONDS
    cap: float = CAP_SECONDS
    budget: float = BUDGET_SECONDS
    until: float = float("inf")
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    """Uniform in [0, 1); full jitter is `jitter() * ceiling`."""

    def run(
        self,
        call: Callable[[float], T],
        *,
        again: Callable[[InjectorError], bool] = passing,
    ) -> T:
        """
        Call until it succeeds.

        Args:
            call: is given the moment (monotonic seconds) at which the attempt must end.
            again: whether another attempt makes sense after an error.

        Raises:
            InjectorError: the last failure, when it is definite or nothing is left to try with.
        """
        end = min(self.until, self.clock() + self.budget)
        for attempt in range(self.attempts):
            try:
                return call(min(end, self.clock() + ATTEMPT_SECONDS))
            except InjectorError as exc:
                pause = self.jitter() * min(self.cap, self.base * 2**attempt)
                pause += exc.pause
                last = attempt + 1 >= self.attempts
                if last or not again(exc) or self.clock() + pause >= end:
                    raise
            self.sleep(pause)
        raise AssertionError  # pragma: no cover - the loop returns or raises
