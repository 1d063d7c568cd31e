"""Percentiles, and the moment at which service is normal again."""

from __future__ import annotations

import pytest

from benchmarks.latencies import percentile, recovery


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50.0), (0.99, 99.0), (0.999, 100.0), (1.0, 100.0), (0.0, 1.0)]
)
def test_percentiles_are_of_the_nearest_rank(share: float, value: float) -> None:
    """No interpolation: a percentile is a latency that somebody had."""
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


def test_no_answers_have_no_percentile() -> None:
    """A server that answered nothing is not a fast one."""
    with pytest.raises(ValueError, match="no answers"):
        percentile([], 0.5)


def test_recovery_starts_with_the_first_of_enough_normal_answers() -> None:
    """A single fast answer in between does not count; order is that of the moments."""
    moments = [0.4, 0.0, 0.1, 0.2, 0.3]
    latencies = [0.01, 0.9, 0.01, 0.9, 0.01]

    assert recovery(moments, latencies, normal=0.05, in_a_row=2) == 0.3
    assert recovery(moments, latencies, normal=0.05, in_a_row=3) is None
