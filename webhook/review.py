"""
Wire shapes of admission.k8s.io/v1: bytes to an `AdmissionRequest`, a `Verdict` to bytes.

Decodes only what is needed and refuses nothing that Kubernetes may add later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.reasons import Reason


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """The decoded half of an admission review."""

    uid: str
    operation: str
    namespace: str
    service_account: str
    pod: Mapping[str, Any]
    """The pod as decoded JSON; read, never changed."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One RFC 6902 operation; only `add` leaves this program."""

    path: str
    value: Any
    op: str = "add"


@dataclass(frozen=True, slots=True)
class Summary:
    """What the decision line and the metrics say of a plan; no annotation's value."""

    secrets: int = 0
    providers: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    """`store:path` each, for the audit."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The pod may be created, with these operations applied."""

    operations: tuple[Operation, ...] = ()
    warnings: tuple[str, ...] = ()
    summary: Summary = field(default_factory=Summary)


@dataclass(frozen=True, slots=True)
class Denied:
    """The pod may not be created; the message is for the person who reads the event."""

    reason: Reason
    message: str
    warnings: tuple[str, ...] = ()
    summary: Summary = field(default_factory=Summary)


Verdict = Allowed | Denied
