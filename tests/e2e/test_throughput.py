"""A thousand pods as fast as the API server takes them, timed by the API server itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.e2e.kubectl import raw
from tests.e2e.load import at_once

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

PODS: Final = 1000
_BUCKET: Final = re.compile(
    r"apiserver_admission_webhook_admission_duration_seconds_bucket\{([^}]*)\} (\S+)"
)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


def _buckets() -> dict[float, float]:
    """Calls of our webhook so far that took at most so many seconds."""
    found: dict[float, float] = {}
    for text, count in _BUCKET.findall(raw("/metrics")):
        labels = dict(_LABEL.findall(text))
        if labels["name"] == "pods.injection.syrette.dev" and labels["operation"] == "CREATE":
            bound = float(labels["le"])
            found[bound] = found.get(bound, 0.0) + float(count)
    return found


def _quantile(buckets: dict[float, float], q: float) -> float:
    """Seconds below which that part of the calls is, as Prometheus estimates it."""
    wanted, lower, below = q * max(buckets.values()), 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= wanted:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (wanted - below) / (count - below)
        lower, below = bound, count
    return lower


def test_a_thousand_pods_at_once_are_all_admitted(place: Place) -> None:
    """None is lost, and the API server's own histogram has every one of them."""
    before = _buckets()
    load = at_once(place.namespace, PODS, workers=16)
    calls = {bound: count - before.get(bound, 0.0) for bound, count in _buckets().items()}
    p50, p99 = (_quantile(calls, q) * 1000 for q in (0.5, 0.99))
    print(f"\nadmission by our webhook, from the API server: p50 {p50:.1f} ms, p99 {p99:.1f} ms")

    assert load.refused == []
    assert len(load.created) == PODS
    assert max(calls.values()) >= PODS
