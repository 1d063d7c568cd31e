"""
What the server asks of an admission and what it gets back: the seam between HTTP and deciding.

Knows neither pods nor HTTP. A decision holds names and counts, never a pod or a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from injector.contract.reasons import Reason


class Outcome(StrEnum):
    """How a request ended, as the decision line and the metric say it."""

    ALLOWED = "allowed"
    DENIED = "denied"
    PASSED = "passed"
    """Not ours to decide: another kind or operation, or a pod that asks for nothing."""
    REFUSED = "refused"
    """No decision: the request was none, or came at a bad time."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The fields of one decision line; the server adds time and duration."""

    verdict: Outcome
    reason: Reason | None = None
    uid: str = ""
    namespace: str = ""
    pod: str = ""
    """Its name, or its generateName."""
    owner_kind: str = ""
    service_account: str = ""
    secrets: int = 0
    providers: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    """`store:path` each, where the operator audits references."""
    warnings: int = 0
    violations: int = 0
    """What a rule of the policy only warned of."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One encoded answer and what to note of it."""

    status: int
    body: bytes
    """An AdmissionReview as JSON."""
    decision: Decision


class Admission(Protocol):
    """Decides admission reviews."""

    async def mutate(self, body: bytes) -> Answer:
        """
        Decide one pod.

        Raises:
            RequestError: if `body` is no admission review.
        """

    async def review_workload(self, body: bytes) -> Answer:
        """
        Warn of the problems of a workload's template; never deny.

        Raises:
            RequestError: if `body` is no admission review.
        """
