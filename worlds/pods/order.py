"""
Which containers may start, and when a pod is over: pure rules over what its containers do.

Init containers start one after the other; a sidecar among them lets the next one start once it has
started; regular containers start together behind all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from worlds.pods.spec import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.pods.spec import Container, PodSpec


class Phase(StrEnum):
    """Of one container."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    """For good."""


class PodPhase(StrEnum):
    """Of the pod, in Kubernetes' words."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Status:
    """What one container does."""

    phase: Phase = Phase.WAITING
    exit_code: int | None = None
    """Of its last end."""
    started: bool = False
    """Whether it has started once, its startup probe included."""


def startable(pod: PodSpec, statuses: Mapping[str, Status]) -> tuple[Container, ...]:
    """Give the containers that wait and may start, in order; a back-off is not looked at."""
    found = []
    for container in pod.of(Kind.INIT, Kind.SIDECAR):
        status = statuses[container.name]
        if status.phase is Phase.WAITING:
            found.append(container)
        done = status.started if container.kind is Kind.SIDECAR else _succeeded(status)
        if not done:
            return tuple(found)
    regular = pod.of(Kind.REGULAR)
    found += [c for c in regular if statuses[c.name].phase is Phase.WAITING]
    return tuple(found)


def failed_init(pod: PodSpec, statuses: Mapping[str, Status]) -> Container | None:
    """Give the init container that failed for good, if one did."""
    for container in pod.of(Kind.INIT):
        status = statuses[container.name]
        if status.phase is Phase.ENDED and status.exit_code:
            return container
    return None


def phase(pod: PodSpec, statuses: Mapping[str, Status]) -> PodPhase:
    """Say where the pod is; sidecars do not count."""
    if failed_init(pod, statuses) is not None:
        return PodPhase.FAILED
    regular = [statuses[container.name] for container in pod.of(Kind.REGULAR)]
    if all(status.phase is Phase.ENDED for status in regular):
        ended_well = all(status.exit_code == 0 for status in regular)
        return PodPhase.SUCCEEDED if ended_well else PodPhase.FAILED
    if all(status.started for status in regular):
        return PodPhase.RUNNING
    return PodPhase.PENDING


def _succeeded(status: Status) -> bool:
    return status.phase is Phase.ENDED and status.exit_code == 0
