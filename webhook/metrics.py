"""
The webhook's metrics: closed label lists, bound before the first request.

Keeps its own registry, so that two servers in one process do not meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from webhook.decisions import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.contract.reasons import Reason

# Around what is measured (0.2 ms) and what the API server waits (5 s).
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


WATCHED: Final = {
    "in_flight_requests": "Requests being decided.",
    "arriving_bytes": "Bodies that are arriving.",
    "connections": "Open TLS connections.",
    "dropped_log_lines": "Lines nobody read.",
    "cluster_facts_age_seconds": "Since the API server last spoke of the oldest facts.",
    "leader": "Whether this replica leads: 1 or 0; with a managed certificate.",
}
"""Numbers that are read where they are when somebody asks for the metrics."""


class Metrics:
    """Counters of one server, in the names that dashboards and alerts use."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        requests = Counter(
            "syrette_admission_requests",
            "Requests by verdict and reason.",
            ("verdict", "reason"),
            registry=self._registry,
        )
        self._bind = requests.labels
        self._requests: dict[tuple[Outcome, Reason | None], Counter] = {
            (verdict, None): requests.labels(verdict, "") for verdict in Outcome
        }
        duration = Histogram(
            "syrette_admission_duration_seconds",
            "From the last byte of a request to its encoded answer.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.observe: Callable[[float], None] = duration.observe
        self.shed: Callable[[], None] = self._counter(
            "syrette_shed_requests", "Requests answered 429."
        )
        self.warned: Callable[[float], None] = self._counter(
            "syrette_policy_warnings", "What rules with `enforce: warn` would have denied."
        )
        self.cut: Callable[[], None] = self._counter(
            "syrette_cut_connections", "Connections closed because a deadline passed or no room."
        )
        self.handshake_failed: Callable[[], None] = self._counter(
            "syrette_failed_handshakes", "TLS handshakes that did not complete."
        )
        self.reload_failed: Callable[[], None] = self._counter(
            "syrette_certificate_reload_failures", "Certificate files that could not be loaded."
        )
        expiry = Gauge(
            "syrette_certificate_expiry_timestamp_seconds",
            "End of the served certificate.",
            registry=self._registry,
        )
        self.certificate_expires: Callable[[float], None] = expiry.set

    def _counter(self, name: str, documentation: str) -> Callable[..., None]:
        counter = Counter(name, documentation, registry=self._registry)
        return counter.inc

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Show one of `WATCHED`."""
        gauge = Gauge(f"syrette_{name}", WATCHED[name], registry=self._registry)
        gauge.set_function(read)

    def count(self, verdict: Outcome, reason: Reason | None) -> None:
        """Count one request."""
        key = (verdict, reason)
        child = self._requests.get(key)
        if child is None:  # a reason's first time; the list of reasons is closed
            child = self._requests[key] = self._bind(verdict, reason or "")
        child.inc()

    def exposition(self) -> bytes:
        """Everything in the text format."""
        return generate_latest(self._registry)
