"""
When to do what: pure arithmetic over `now` (epoch seconds) and `draw` (uniform in [0, 1)).

No clock, no randomness and no sleep in here. A moment of `math.inf` is never.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NEVER: Final = math.inf

JITTER: Final = 0.1
"""Share of an interval by which a refresh may come earlier or later (annotations: ±10 %)."""
FIRST_FETCH_SPREAD: Final = 1.0
"""Seconds over which the first fetches of pods that start together are spread."""
BACK_OFF_BASE: Final = 5.0
"""Seconds: ceiling of the first pause after a failed refresh; doubled by each further failure."""
BACK_OFF_CAP: Final = 300.0
"""Seconds: an outage that ends is noticed within five minutes."""
BACK_OFF_FLOOR: Final = 1.0
"""Seconds: full jitter may draw 0, and a loop without any pause would be an attack."""
INIT_BACK_OFF_BASE: Final = 1.0
INIT_BACK_OFF_CAP: Final = 15.0
"""Seconds: somebody waits for the pod."""
RENEWAL_POINT: Final = 2 / 3
"""Share of a lease's life after which it is renewed, or a certificate replaced."""
REREAD_POINT: Final = 0.9
"""Share of the life of a lease that cannot be renewed after which it is read anew."""
LEASE_JITTER: Final = 0.1
"""Share of the life by which a lease is handled earlier, never later."""
CLOCK_TOLERANCE: Final = 60.0
"""Seconds by which a clock may be put back without anything being done about it."""
WINDOW_FRACTION: Final = 1 / 6
WINDOW_MINIMUM: Final = 120.0
"""Seconds; longer than a cycle, so that a session never ends while one reads with it."""
WINDOW_MAXIMUM: Final = 600.0
WORKER_DEADLINE: Final = 90.0
"""Seconds that a worker may take; shorter than a session's safety window (120 s)."""


def refresh_at(now: float, interval: float, draw: float) -> float:
    """When to read again; an interval of 0 is never. Draw once a cycle: reads stay together."""
    if interval <= 0:
        return NEVER
    return now + interval * (1 - JITTER + 2 * JITTER * draw)


def is_due(now: float, due_at: float, interval: float) -> bool:
    """
    Whether a read belongs to the cycle of `now`.

    One that would be due within its own jitter joins: a worker costs more than an early read, and
    reads of one batch are one call.
    """
    return due_at <= now + max(interval, 0.0) * JITTER


def was_set_back(now: float, due_at: float, longest: float) -> bool:
    """
    Whether a moment is farther off than any plan of ours, as when the clock was put back since.

    Args:
        now: epoch seconds.
        due_at: the moment.
        longest: seconds of the interval or lease that it was made of.
    """
    return now + max(longest * (1 + JITTER), BACK_OFF_CAP) < due_at < NEVER


def is_ahead(now: float, happened_at: float) -> bool:
    """
    Whether what happened lies in the future: the clock was put back since.

    Nobody can say then how much is left of a life that began at that moment.
    """
    return happened_at > now + CLOCK_TOLERANCE


def first_fetch_delay(draw: float, spread: float = FIRST_FETCH_SPREAD) -> float:
    """Seconds to wait before the first fetch, so that many pods do not ask at once."""
    return spread * draw


def back_off(
    failures: int, draw: float, *, base: float = BACK_OFF_BASE, cap: float = BACK_OFF_CAP
) -> float:
    """Seconds until the next try after `failures` (≥ 1) in a row, with full jitter."""
    doublings = min(max(failures, 1) - 1, 32)  # 2**32 s is beyond any cap
    return max(BACK_OFF_FLOOR, draw * min(cap, math.ldexp(base, doublings)))


def retry_at(now: float, failures: int, interval: float, draw: float) -> float:
    """When to try a failed refresh again: never later than the refresh would have come."""
    cap = min(BACK_OFF_CAP, interval) if interval > 0 else BACK_OFF_CAP
    return now + back_off(failures, draw, cap=cap)


def lease_due(issued_at: float, duration: float, draw: float, *, renewable: bool) -> float:
    """When to renew a lease, or to read anew what cannot be renewed; earlier by jitter only."""
    point = RENEWAL_POINT if renewable else REREAD_POINT
    return issued_at + max(duration, 0.0) * (point - LEASE_JITTER * draw)


def window(issued_at: float, expires_at: float) -> float:
    """Seconds before its end in which a session is not handed out any more."""
    life = max(0.0, expires_at - issued_at)
    return min(max(life * WINDOW_FRACTION, WINDOW_MINIMUM), WINDOW_MAXIMUM, life / 2)


def session_until(issued_at: float, expires_at: float, *, renewable: bool) -> float:
    """From when on a session is renewed or replaced, in seconds since the epoch."""
    end = expires_at - window(issued_at, expires_at)
    if not renewable:
        return end
    return min(end, issued_at + (expires_at - issued_at) * RENEWAL_POINT)


def is_ending(granted: float, original: float) -> bool:
    """Whether a renewal came to the lease's maximum life: then read anew, not renew again."""
    return granted < original / 2


def stale_at(succeeded_at: float, max_stale: float) -> float:
    """From when on it is stale, unless a read succeeds before."""
    return succeeded_at + max_stale if max_stale > 0 else NEVER


def next_wake(now: float, dues: Iterable[float]) -> float:
    """Seconds to sleep until the first moment of `dues`; infinite when nothing is ever due."""
    return max(0.0, min(dues, default=NEVER) - now)


def restart_at(now: float, spread: float, draw: float) -> float:
    """When this replica restarts its containers, so that not all do so at once."""
    return now + max(spread, 0.0) * draw


def worker_deadline(now: float, until: float = NEVER) -> float:
    """When a worker that started now is ended, or earlier where the caller has an end (init)."""
    return min(now + WORKER_DEADLINE, until)
