"""
One admission from bytes to bytes: decode, look up the facts, decide, encode.

The only place where the pure decision meets the cluster. A defect below becomes a denial with the
reason `internal` as soon as there is a uid to answer to; what is no admission review is not
answered here but refused with a `RequestError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from webhook import replicas, review, workloads
from webhook.context import Context
from webhook.decisions import Answer, Decision, Outcome
from webhook.errors import ContextUnavailableError
from webhook.mutation import mutate
from webhook.replicas import Replicas
from webhook.review import Allowed, Denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.cluster import Cluster
    from webhook.log import Log
    from webhook.replicas import Replica
    from webhook.review import AdmissionRequest, Verdict
    from webhook.settings import Settings

_OK: Final = 200
_NAME_LENGTH: Final = 253  # of an object; it is checked after us, and may be anything yet
_WARNING_LENGTH: Final = 120  # what kubectl and the API server show whole
_WARNINGS: Final = 30  # with their lengths, below the 4096 bytes that the API server keeps


class PodAdmission:
    """
    Decides with the operator's settings and the cluster's facts.

    Args:
        settings: the operator's.
        cluster: where facts come from.
        log: is told of defects.
        decide: the pure decision.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        *,
        log: Log,
        decide: Callable[[AdmissionRequest, Context, Settings], Verdict] = mutate,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._log = log
        self._decide = decide
        self._replicas = Replicas()

    async def mutate(self, body: bytes) -> Answer:
        """
        Decide one pod.

        Raises:
            RequestError: if `body` is no admission review.
        """
        replica = replicas.read(body)
        if replica is not None:
            again = await self._again(replica)
            if again is not None:
                return again
        request = review.decode(body)
        if isinstance(request, review.Passed):
            decision = Decision(Outcome.PASSED, uid=request.uid)
            return Answer(_OK, review.encode(request.uid, Allowed()), decision)
        context, verdict = await self._verdict(request)
        answer = review.encode(request.uid, verdict)
        decision = self._decision(request, verdict)
        if replica is not None and context is not None:
            self._replicas.keep(replica, context, answer, decision)
        return Answer(_OK, answer, decision)

    async def _again(self, replica: Replica) -> Answer | None:
        """Answer for a pod whose template is known, on the facts of now."""
        service_account = self._replicas.service_account(replica)
        if service_account is None:
            return None
        try:
            context = await self._context(replica.template[0], service_account)
        except ContextUnavailableError:
            return None
        known = self._replicas.answer(replica, context)
        return None if known is None else Answer(_OK, *known)

    async def review_workload(self, body: bytes) -> Answer:
        """
        Warn of what would be wrong with the pods of a workload; never deny.

        Raises:
            RequestError: if `body` is no admission review.
        """
        uid, request = workloads.decode(body)
        if request is None:
            answer = review.encode(uid, Allowed())
            return Answer(_OK, answer, Decision(Outcome.PASSED, uid=uid))
        _, verdict = await self._verdict(request)
        advice = Allowed(warnings=_advice(verdict), summary=verdict.summary)
        return Answer(_OK, review.encode(uid, advice), self._decision(request, advice))

    async def _verdict(self, request: AdmissionRequest) -> tuple[Context | None, Verdict]:
        """Decide, and give the facts that it was decided on; None where there are none."""
        context = None
        try:
            context = await self._context(request.namespace, request.service_account)
            return context, self._decide(request, context, self._settings)
        except ContextUnavailableError as exc:
            return None, Denied(Reason.CONTEXT_UNAVAILABLE, f"syrette: {exc}; try again")
        except Exception as exc:  # noqa: BLE001 - a pod that asks for secrets never starts without
            self._log.failure("a decision failed", exc, uid=request.uid)
            return context, Denied(Reason.INTERNAL, "syrette: a defect; see the webhook's log")

    async def _context(self, namespace: str, service_account: str) -> Context:
        """Look the facts up, but not for namespaces that are left alone anyway."""
        excluded = (*self._settings.system_namespaces, self._settings.own_namespace)
        if namespace in excluded:
            return Context(namespace=namespace, service_account=service_account)
        return await self._cluster.context(namespace, service_account)

    def _decision(self, request: AdmissionRequest, verdict: Verdict) -> Decision:
        metadata = _mapping(request.pod.get("metadata"))
        summary = verdict.summary
        return Decision(
            verdict=_outcome(verdict),
            reason=verdict.reason if isinstance(verdict, Denied) else None,
            uid=request.uid,
            namespace=request.namespace,
            pod=_text(metadata.get("name")) or _text(metadata.get("generateName")),
            owner_kind=_owner_kind(metadata.get("ownerReferences")),
            service_account=request.service_account,
            secrets=summary.secrets,
            providers=summary.providers,
            references=summary.references if self._settings.audit_references else (),
            warnings=len(verdict.warnings),
            violations=summary.violations,
            dry_run=request.dry_run,
        )


def _outcome(verdict: Verdict) -> Outcome:
    if isinstance(verdict, Denied):
        return Outcome.DENIED
    untouched = not verdict.operations and not verdict.summary.secrets
    return Outcome.PASSED if untouched else Outcome.ALLOWED


def _advice(verdict: Verdict) -> tuple[str, ...]:
    """Turn a denial's lines into warnings, each as short as the API server wants it."""
    lines = verdict.message.splitlines() if isinstance(verdict, Denied) else []
    found = [line for line in (*lines, *verdict.warnings) if line.strip()]
    return tuple(
        line if len(line) <= _WARNING_LENGTH else f"{line[: _WARNING_LENGTH - 1]}…"
        for line in found[:_WARNINGS]
    )


def _owner_kind(owners: object) -> str:
    first = owners[0] if isinstance(owners, list) and owners else None
    return _text(_mapping(first).get("kind"))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Give a name; whatever a pod has in its place is not logged."""
    return value[:_NAME_LENGTH] if isinstance(value, str) else ""
