"""How a call is repeated, by a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.retry import ATTEMPT_SECONDS, ATTEMPTS, BUDGET_SECONDS, Retry

DOWN = InjectorError(Reason.UNAVAILABLE, "down")
DENIED = InjectorError(Reason.ACCESS_DENIED, "denied")


@dataclass(slots=True)
class Calls:
    """Fails with what it is given, in order, then succeeds; its clock moves with each call."""

    failures: list[InjectorError]
    cost: float = 0.0
    now: float = 100.0
    pauses: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    def __call__(self, until: float) -> str:
        """Fail or succeed."""
        self.ends.append(until)
        self.now += self.cost
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    def sleep(self, seconds: float) -> None:
        """Sleep virtually."""
        self.pauses.append(seconds)
        self.now += seconds

    def retry(self, *, until: float = float("inf")) -> Retry:
        """A policy on this clock, with the longest pauses that jitter allows."""
        return Retry(until=until, clock=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0)


def test_passing_failures_are_repeated_with_growing_pauses() -> None:
    """Full jitter below a ceiling that doubles."""
    calls = Calls([DOWN] * 3)

    assert calls.retry().run(calls) == "done"
    assert calls.pauses == [0.25, 0.5, 1.0]


def test_definite_no_is_not_repeated() -> None:
    """A denial costs one call."""
    calls = Calls([DENIED])

    with pytest.raises(InjectorError, match="denied"):
        calls.retry().run(calls)
    assert len(calls.ends) == 1


def test_attempts_are_bounded() -> None:
    """Whatever is down, it is asked a few times only."""
    calls = Calls([DOWN] * 10)

    with pytest.raises(InjectorError, match="down"):
        calls.retry().run(calls)
    assert len(calls.ends) == ATTEMPTS


def test_budget_bounds_the_attempts_and_each_attempt_ends_within_it() -> None:
    """Slow failures use up the time of the call."""
    calls = Calls([DOWN] * 10, cost=8.0)

    with pytest.raises(InjectorError, match="down"):
        calls.retry().run(calls)
    assert calls.ends[0] == 100.0 + ATTEMPT_SECONDS
    assert max(calls.ends) <= 100.0 + BUDGET_SECONDS


def test_nothing_is_tried_after_the_workers_deadline() -> None:
    """The worker's own end comes before the budget's."""
    calls = Calls([DOWN] * 10, cost=1.0)

    with pytest.raises(InjectorError, match="down"):
        calls.retry(until=102.0).run(calls)
    assert max(calls.ends) <= 102.0
    assert len(calls.ends) == 2
