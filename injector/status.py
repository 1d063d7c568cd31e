"""
The status document and the Prometheus text that a worker leaves for the supervisor to serve.

Moments instead of ages, so that what was written long ago is still true. References, versions,
regions and reasons are in them, never a value. An absent moment is null, or has no sample.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from injector import reads, schedule
from injector.state import ReadState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from injector.contract.plan import Plan, Secret
    from injector.contract.reasons import Reason
    from injector.cycle import CycleReport
    from injector.state import State

STATUS_FILE: Final = "status.json"
METRICS_FILE: Final = "metrics.prom"
"""Names within the session volume; the supervisor serves them whole."""
VERSION: Final = 1
_UNKNOWN: Final = ReadState()
_PREFIX: Final = "syrette_sidecar"


def stale_at(plan: Plan, state: State) -> float:
    """Give the moment (epoch seconds) from which on some secret is stale if nothing succeeds."""
    return min((_stale_at(secret, plan, state) for secret in plan.secrets), default=math.inf)


def document(plan: Plan, report: CycleReport, now: float) -> bytes:
    """Write the status as JSON."""
    state, wanted = report.state, reads.demands(plan)
    failed = {failure.index: failure.error.reason for failure in report.failures}
    content = {
        "version": VERSION,
        "written_at": now,
        "published_at": _moment(state.published_at),
        "next_cycle_at": _moment(now + report.next),
        "stale_at": _moment(stale_at(plan, state)),
        "complete": report.complete,
        "secrets": [
            {
                "target": secret.target,
                "kind": secret.kind,
                "optional": secret.optional,
                "present": index in state.rendered,
                "reason": failed.get(index) or _reason(secret, state),
                "stale_at": _moment(_stale_at(secret, plan, state)),
                "action_pending": index in state.pending,
                "reads": [str(source.reference.read) for source in secret.sources],
            }
            for index, secret in enumerate(plan.secrets)
        ],
        "reads": {str(ref): _read(state.reads.get(ref, _UNKNOWN)) for ref in wanted},
        "volumes": {
            name: {"reason": None if error is None else error.reason}
            for name in plan.volumes
            for error in [_volume_error(report, name)]
        },
        "actions": [
            {"kind": action.kind, "reason": error.reason, "cause": str(error)}
            for action, error in (report.untold or {}).items()
        ],
    }
    return json.dumps(content, indent=1).encode() + b"\n"


def metrics(plan: Plan, report: CycleReport, now: float) -> bytes:
    """Write the metrics as Prometheus text (version 0.0.4)."""
    state = report.state
    failed = {name: int(_volume_error(report, name) is not None) for name in plan.volumes}
    lines = [
        *_gauge("cycle_timestamp_seconds", "Last cycle.", [({}, now)]),
        *_gauge("next_cycle_timestamp_seconds", "Next cycle.", [({}, now + report.next)]),
        *_gauge(
            "publication_timestamp_seconds",
            "Last publication that changed something.",
            [({}, state.published_at or math.inf)],
        ),
        *_gauge(
            "stale_timestamp_seconds",
            "From when on a secret is older than max-stale.",
            [({}, stale_at(plan, state))],
        ),
        *_read_metrics(plan, state),
        *_gauge(
            "volume_failed",
            "Whether a volume could not be written.",
            [({"volume": name}, value) for name, value in failed.items()],
        ),
        *_gauge(
            "actions_pending",
            "Secrets whose on-change is to be done.",
            [({}, len(state.pending))],
        ),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _read_metrics(plan: Plan, state: State) -> list[str]:
    known = [(str(ref), state.reads.get(ref, _UNKNOWN)) for ref in reads.demands(plan)]
    return [
        *_gauge(
            "read_success_timestamp_seconds",
            "Last read that succeeded.",
            [({"reference": ref}, read.succeeded_at or math.inf) for ref, read in known],
        ),
        *_gauge(
            "read_change_timestamp_seconds",
            "Last read that brought another value.",
            [({"reference": ref}, read.changed_at or math.inf) for ref, read in known],
        ),
        *_gauge(
            "lease_end_timestamp_seconds",
            "End of the lease that is held, if it is not renewed or replaced before.",
            [({"reference": ref}, _lease_ends_at(read)) for ref, read in known],
        ),
        *_gauge(
            "read_failures",
            "Failures in a row, with the reason of the last.",
            [
                ({"reference": ref, "reason": read.reason or ""}, read.failures)
                for ref, read in known
            ],
        ),
        *_gauge(
            "read_region",
            "Region that served a read last.",
            [
                ({"reference": ref, "region": read.served_by}, 1)
                for ref, read in known
                if read.served_by
            ],
        ),
    ]


def _stale_at(secret: Secret, plan: Plan, state: State) -> float:
    """Only what is read again can become stale."""
    return min(
        (
            _read_stale_at(read, plan.max_stale)
            for source in secret.sources
            for read in [state.reads.get(source.reference.read, _UNKNOWN)]
            if secret.refresh > 0 or read.lease is not None
        ),
        default=math.inf,
    )


def _read_stale_at(read: ReadState, max_stale: float) -> float:
    """What has a lease is fresh until that ends, however long it is left alone."""
    life = 0.0 if read.lease is None else read.lease.duration
    return schedule.stale_at(read.succeeded_at, max(max_stale, life) if max_stale else 0.0)


def _lease_ends_at(read: ReadState) -> float:
    return math.inf if read.lease is None else read.lease.issued_at + read.lease.duration


def _reason(secret: Secret, state: State) -> Reason | None:
    return next(
        (
            read.reason
            for source in secret.sources
            for read in [state.reads.get(source.reference.read, _UNKNOWN)]
            if read.reason is not None
        ),
        None,
    )


def _volume_error(report: CycleReport, name: str) -> Any:  # noqa: ANN401 - an error or None
    unpublished = report.unpublished or {}
    return unpublished.get(name) or unpublished.get("")


def _read(read: ReadState) -> dict[str, object]:
    return {
        "version": read.version,
        "region": read.served_by,
        "succeeded_at": _moment(read.succeeded_at),
        "changed_at": _moment(read.changed_at),
        "due_at": _moment(read.due_at),
        "lease_ends_at": _moment(_lease_ends_at(read)),
        "failures": read.failures,
        "reason": read.reason,
    }


def _moment(seconds: float) -> float | None:
    return round(seconds, 3) if 0 < seconds < math.inf else None


def _gauge(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> list[str]:
    """Write one metric; a sample without a moment is left out, and a metric without samples."""
    written = [
        f"{_PREFIX}_{name}{_labels(labels)} {_number(value)}"
        for labels, value in samples
        if math.isfinite(value)
    ]
    head = [f"# HELP {_PREFIX}_{name} {text}", f"# TYPE {_PREFIX}_{name} gauge"]
    return [*head, *written] if written else []


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    # https://prometheus.io/docs/instrumenting/exposition_formats/: these three are escaped.
    table = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
    inner = ",".join(f'{name}="{value.translate(table)}"' for name, value in labels.items())
    return f"{{{inner}}}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
