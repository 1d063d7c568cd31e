"""
What short-lived workers leave to the next one: versions, due times, leases, last good material.

The state lies on the private volume (0600, replaced by rename) and belongs to one pod and one
plan. A damaged or foreign state is ignored with a reason, never trusted in part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from injector.contract.reasons import Reason
    from injector.contract.references import Reference
    from injector.render.interface import Rendered, Value


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A time-bound right that a read carries."""

    id: str
    duration: float
    """Seconds, as last granted."""
    renewable: bool
    issued_at: float
    """Seconds since the epoch, of the last grant or renewal."""
    original: float
    """Seconds of the first grant: a renewal that grants much less is the end of the lease."""


@dataclass(frozen=True, slots=True)
class ReadState:
    """What is known of one read. Times are seconds since the epoch; 0 is never."""

    version: str = ""
    served_by: str = ""
    value: Value | None = None
    """Last good bytes."""
    succeeded_at: float = 0.0
    """Last read that was not an error, `unchanged` included."""
    changed_at: float = 0.0
    due_at: float = 0.0
    failures: int = 0
    """Errors since the last success."""
    reason: Reason | None = None
    """Of the last failure; None after a success."""
    lease: HeldLease | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything that outlives a worker."""

    reads: Mapping[Reference, ReadState] = field(default_factory=dict)
    """By reference without selector."""
    denied: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """API actions that were found to be denied, by store."""
    rendered: Mapping[int, Rendered] = field(default_factory=dict)
    """Last good content of each secret, by its index in the plan."""
    pending: frozenset[int] = frozenset()
    """Secrets whose `on-change` is still to be carried out, by index in the plan."""
    published_at: float = 0.0
    """Last publication that changed something."""


def load(path: Path, pod_uid: str, plan_hash: str) -> tuple[State, Reason | None]:
    """
    Read the state of this pod and plan.

    Returns:
        The state, empty when there is none to use, and why one that is there was ignored.
    """
    raise NotImplementedError


def save(path: Path, state: State, pod_uid: str, plan_hash: str) -> None:
    """
    Write the state (0600, by rename).

    Raises:
        PublicationError: when the volume cannot be written.
    """
    raise NotImplementedError
