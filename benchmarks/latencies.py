"""What a series of answers says: percentiles, and when service was normal again. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """
    Give the nearest-rank percentile: the smallest value that `share` of all do not exceed.

    Raises:
        ValueError: without any value.
    """
    if not values:
        msg = "no answers"
        raise ValueError(msg)
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def recovery(
    moments: Sequence[float], latencies: Sequence[float], *, normal: float, in_a_row: int
) -> float | None:
    """
    Say when service was normal again.

    Args:
        moments: when each good answer's request was due, in seconds after the load went away.
        latencies: of the same answers, in seconds.
        normal: a latency that counts as normal.
        in_a_row: how many normal answers it takes.

    Returns:
        The moment of the first of them; None if there never were so many.
    """
    since, count = 0.0, 0
    for moment, latency in sorted(zip(moments, latencies, strict=True)):
        if latency > normal:
            count = 0
            continue
        if not count:
            since = moment
        count += 1
        if count == in_a_row:
            return since
    return None
