"""When to do what: bounds that hold for every clock, interval and draw."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector import schedule

NOW = 1_764_000_000.0
moments = st.floats(0.0, 4e9)
seconds = st.floats(0.0, 1e8)
draws = st.floats(0.0, 1.0, exclude_max=True)
failures = st.integers(-1, 10**9)
SLACK = 1e-5
"""Seconds: an epoch in a float is good to less than a microsecond."""


@given(moments, st.floats(1.0, 1e8), draws)
def test_a_refresh_comes_within_its_jitter(now: float, interval: float, draw: float) -> None:
    """Ten per cent earlier or later, never more."""
    at = schedule.refresh_at(now, interval, draw)

    assert now + 0.9 * interval - SLACK <= at <= now + 1.1 * interval + SLACK


def test_refreshes_use_the_whole_jitter() -> None:
    """The smallest draw is the earliest moment, the middle one the interval itself."""
    found = [schedule.refresh_at(NOW, 1000.0, draw) - NOW for draw in (0.0, 0.5, 0.75, 1.0)]

    assert found == [900.0, 1000.0, 1050.0, 1100.0]


@given(moments, st.floats(-1e8, 0.0), draws)
def test_no_interval_is_never(now: float, interval: float, draw: float) -> None:
    """Neither zero nor less is an endless loop."""
    assert schedule.refresh_at(now, interval, draw) == schedule.NEVER


@given(moments, seconds, st.tuples(draws, draws))
def test_a_larger_draw_is_never_earlier(
    now: float, interval: float, drawn: tuple[float, float]
) -> None:
    """Monotone in the draw: refresh, lease, restart, first fetch, back-off."""
    less, more = sorted(drawn)

    assert schedule.refresh_at(now, interval, less) <= schedule.refresh_at(now, interval, more)
    assert schedule.restart_at(now, interval, less) <= schedule.restart_at(now, interval, more)
    assert schedule.first_fetch_delay(less) <= schedule.first_fetch_delay(more)
    assert schedule.back_off(3, less) <= schedule.back_off(3, more)
    for renewable in (True, False):
        later = schedule.lease_due(now, interval, less, renewable=renewable)
        assert schedule.lease_due(now, interval, more, renewable=renewable) <= later


@given(moments, st.floats(1.0, 1e8), draws, st.floats(0.0, 2.0))
def test_what_was_planned_is_due_then_and_not_long_before(
    now: float, interval: float, draw: float, share: float
) -> None:
    """From its moment on; before it only within the jitter, so that reads of one cycle join."""
    at = schedule.refresh_at(now, interval, draw)
    moment = now + share * interval
    due = schedule.is_due(moment, at, interval)

    assert due or moment < at
    assert not due or moment >= at - 0.1 * interval - SLACK
    assert not schedule.is_due(now, schedule.refresh_at(now, interval, 0.0), interval)


@given(moments, moments, seconds)
def test_due_stays_due(at: float, now: float, interval: float) -> None:
    """Time that passes makes nothing undue."""
    assert not schedule.is_due(now, at, interval) or schedule.is_due(now + 1.0, at, interval)
    assert not schedule.is_due(now, schedule.NEVER, interval)


@given(moments, st.floats(1.0, 1e8), draws, st.floats(0.0, 1e9))
def test_a_clock_that_is_put_back_does_not_put_refreshes_off(
    now: float, interval: float, draw: float, back: float
) -> None:
    """Either the refresh still comes within an interval, or it is seen that the clock was ahead."""
    at = schedule.refresh_at(now, interval, draw)
    moment = now - back
    longest = max(1.1 * interval, schedule.BACK_OFF_CAP)

    assert schedule.was_set_back(moment, at, interval) or at - moment <= longest + SLACK
    assert not schedule.was_set_back(now, at, interval)


@given(now=moments, count=failures, interval=seconds, draw=draws, renewable=st.booleans())
def test_no_plan_of_ours_looks_like_a_clock_put_back(
    *, now: float, count: int, interval: float, draw: float, renewable: bool
) -> None:
    """Neither a retry nor a lease nor what is never due."""
    retry = schedule.retry_at(now, count, interval, draw)
    lease = schedule.lease_due(now, interval, draw, renewable=renewable)

    assert not schedule.was_set_back(now, retry, interval)
    assert not schedule.was_set_back(now, lease, interval)
    assert not schedule.was_set_back(now, schedule.NEVER, interval)


@given(failures, draws)
def test_a_back_off_is_bounded(count: int, draw: float) -> None:
    """At least a second, at most the cap, however often something failed."""
    for base, cap in ((5.0, 300.0), (1.0, 15.0)):
        pause = schedule.back_off(count, draw, base=base, cap=cap)

        assert 1.0 <= pause <= cap


@given(draws)
def test_a_back_off_grows(draw: float) -> None:
    """With each failure, at the same draw."""
    pauses = [schedule.back_off(count, draw) for count in range(1, 20)]

    assert all(one <= other for one, other in pairwise(pauses))


def test_a_back_off_doubles_its_ceiling() -> None:
    """From the base up to the cap."""
    ceilings = [schedule.back_off(count, 1.0) for count in range(10)]
    init = [schedule.back_off(count, 1.0, base=1.0, cap=15.0) for count in range(1, 7)]

    assert ceilings == [5, 5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert init == [1, 2, 4, 8, 15, 15]
    assert schedule.back_off(9, 0.0) == 1.0


@given(moments, failures, st.floats(1.0, 1e8), draws)
def test_a_retry_is_never_later_than_the_refresh(
    now: float, count: int, interval: float, draw: float
) -> None:
    """Nor than five minutes, nor at once."""
    at = schedule.retry_at(now, count, interval, draw)

    assert now + 1.0 - SLACK <= at <= now + min(interval, schedule.BACK_OFF_CAP) + SLACK


def test_what_is_never_refreshed_is_retried_all_the_same() -> None:
    """A first read that fails has no interval to be bounded by."""
    assert schedule.retry_at(NOW, 30, 0.0, 1.0) == NOW + 300.0
    assert schedule.retry_at(NOW, 30, -5.0, 0.0) == NOW + 1.0


@given(moments, seconds, draws)
def test_a_lease_is_handled_before_it_ends(now: float, duration: float, draw: float) -> None:
    """Renewed at two thirds, read anew at nine tenths; earlier by a tenth, never later."""
    renewed = schedule.lease_due(now, duration, draw, renewable=True)
    read = schedule.lease_due(now, duration, draw, renewable=False)

    assert now + duration * (2 / 3 - 0.1) - SLACK <= renewed <= now + duration * 2 / 3 + SLACK
    assert now + duration * 0.8 - SLACK <= read <= now + duration * 0.9 + SLACK
    assert renewed <= read


def test_a_lease_without_a_life_is_due_when_it_is_issued() -> None:
    """A duration below zero is none."""
    assert schedule.lease_due(NOW, -30.0, 0.5, renewable=True) == NOW


@pytest.mark.parametrize(
    ("granted", "ending"), [(3600.0, False), (1800.0, False), (1799.0, True), (0.0, True)]
)
def test_a_renewal_that_grants_much_less_is_the_end(granted: float, *, ending: bool) -> None:
    """Below half of the first grant the lease has come to its maximum life."""
    assert schedule.is_ending(granted, 3600.0) is ending


def test_staleness_is_a_moment_that_is_known_beforehand() -> None:
    """What never succeeded is stale already; without a bound nothing ever is."""
    assert schedule.stale_at(NOW, 60.0) == NOW + 60.0
    assert schedule.stale_at(0.0, 60.0) < NOW
    assert schedule.stale_at(NOW, 0.0) == schedule.NEVER


def test_a_moment_that_has_passed_makes_nothing_negative() -> None:
    """A wake-up of yesterday is one of this moment."""
    assert schedule.next_wake(NOW, [NOW - 86400]) == 0.0


@given(moments, st.lists(st.one_of(moments, st.just(math.inf)), max_size=6))
def test_the_next_wake_is_the_first_moment(now: float, dues: list[float]) -> None:
    """Never in the past, and not at all when nothing is ever due."""
    wait = schedule.next_wake(now, dues)

    assert wait >= 0
    assert all(now + wait <= due + SLACK for due in dues if due >= now)
    assert (wait == math.inf) == all(due == math.inf for due in dues)


@given(moments, st.floats(-10.0, 1e6), draws)
def test_restarts_are_spread(now: float, spread: float, draw: float) -> None:
    """Over the spread, never before the change."""
    at = schedule.restart_at(now, spread, draw)

    assert now <= at <= now + max(spread, 0.0) + SLACK


def test_replicas_restart_one_after_another() -> None:
    """Each by its own draw: a tenth of them in a tenth of the time."""
    places = [schedule.restart_at(NOW, 100.0, n / 10) - NOW for n in range(10)]

    assert places == pytest.approx([0, 10, 20, 30, 40, 50, 60, 70, 80, 90])


@given(draws, st.floats(0.0, 60.0))
def test_first_fetches_are_spread(draw: float, spread: float) -> None:
    """Within the spread; a second unless somebody says otherwise."""
    assert 0 <= schedule.first_fetch_delay(draw, spread) <= spread
    assert 0 <= schedule.first_fetch_delay(draw) < 1.0


@given(moments, moments)
def test_a_worker_ends_at_its_deadline_or_before(now: float, until: float) -> None:
    """Whichever comes first; a session lives longer than that."""
    assert schedule.worker_deadline(now) == now + 90.0
    assert schedule.worker_deadline(now, until) == min(now + 90.0, until)
    assert schedule.WORKER_DEADLINE < schedule.WINDOW_MINIMUM
