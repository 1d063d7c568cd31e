"""
The decision: parse → policy → plan → is it already ours? → operations → verdict.

Pure, total, deterministic and idempotent. What is wrong in any phase is reported together; a defect
of ours is a denial with the reason `internal`, that names where, and nothing of the pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from webhook.annotations import read
from webhook.errors import Problems, denial_message
from webhook.mutation import (
    clouds,
    documents,
    engines,
    injected,
    layout,
    patch,
    planning,
    policy,
    prefixes,
    support,
)
from webhook.mutation.additions import additions
from webhook.mutation.pod import MalformedPodError, Pod
from webhook.mutation.subject import Subject
from webhook.review import Allowed, Denied, Summary

if TYPE_CHECKING:
    from webhook.annotations.intent import Intent
    from webhook.context import Context
    from webhook.review import AdmissionRequest, Operation, Verdict
    from webhook.settings import Settings

MAX_REFERENCE: Final = 256  # characters of one in the audit
MAX_WARNINGS: Final = 30  # with their lengths, below the 4096 bytes that the API server keeps
MAX_WARNING: Final = 120  # characters; the API server cuts what is longer


def mutate(request: AdmissionRequest, context: Context, settings: Settings) -> Verdict:
    """Decide one admission request."""
    try:
        return _decide(request, context, settings)
    except Exception as exc:  # noqa: BLE001 - total: a defect must not let a pod in or take us down
        return Denied(Reason.INTERNAL, f"syrette: a defect of Syrette ({_place(exc)}); report it")


def _decide(request: AdmissionRequest, context: Context, settings: Settings) -> Verdict:
    if request.operation != "CREATE":
        return Allowed()
    if request.namespace in {settings.own_namespace, *settings.system_namespaces}:
        return Allowed(warnings=_left_alone(request))
    problems = Problems()
    intent = read(request, context, settings, problems)
    if intent is None:
        return _verdict(Allowed(warnings=_warnings(problems)), problems)
    summary = _summary(intent, settings)
    policy.check(intent, context, settings, problems)
    prefixes.check(intent, problems)
    engines.check(intent, problems)
    clouds.check(intent, problems)
    operations: tuple[Operation, ...] = ()
    try:
        subject = Subject(intent, Pod.of(request.pod), context, settings)
        operations = _operations(subject, problems)
    except MalformedPodError as exc:
        problems.add(Reason.UNSUPPORTED_POD, "", str(exc))
    return _verdict(Allowed(operations, _warnings(problems), summary), problems)


def _operations(subject: Subject, problems: Problems) -> tuple[Operation, ...]:
    """Lay the pod out and say what it lacks; nothing when there are problems."""
    support.check(subject.pod, subject.intent, problems)
    documents.check(subject.pod, subject.intent, problems)
    laid_out = layout.arrange(subject, problems)
    added = additions(subject, laid_out, planning.plan(subject, laid_out), problems)
    injected.check(subject.pod, added, problems)
    return () if problems else patch.operations(subject.pod, added)


def _verdict(allowed: Allowed, problems: Problems) -> Verdict:
    """What was found wrong denies what would have been allowed."""
    summary = replace(allowed.summary, violations=problems.violations)
    if not problems:
        return replace(allowed, summary=summary)
    message = denial_message(problems)
    return Denied(problems.found[0].reason, message, _warnings(problems), summary)


def _left_alone(request: AdmissionRequest) -> tuple[str, ...]:
    metadata = request.pod.get("metadata")
    keys = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not isinstance(keys, Mapping) or not any(key.startswith(f"{DOMAIN}/") for key in keys):
        return ()
    return (f"nothing is injected in the system namespace {request.namespace}"[:MAX_WARNING],)


def _warnings(problems: Problems) -> tuple[str, ...]:
    found = problems.warnings
    told = found[:MAX_WARNINGS]
    if len(found) > MAX_WARNINGS:
        told.append(f"and {len(found) - MAX_WARNINGS} more warnings")
    return tuple(
        text if len(text) <= MAX_WARNING else f"{text[: MAX_WARNING - 1]}…" for text in told
    )


def _summary(intent: Intent, settings: Settings) -> Summary:
    references = {
        f"{source.reference.store}:{prefixes.final(source.reference, intent)}"[:MAX_REFERENCE]
        for wanted in intent.secrets
        for source in wanted.sources
    }
    return Summary(
        secrets=len(intent.secrets),
        providers=tuple(sorted({item.store.provider for item in intent.stores.values()})),
        references=tuple(sorted(references)) if settings.audit_references else (),
    )


def _place(exc: Exception) -> str:
    """Type and place of a defect, without its text, which could hold the pod's."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace else ""
    return f"{type(exc).__name__}{where}"
