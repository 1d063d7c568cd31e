"""
Wire shapes of admission.k8s.io/v1: bytes to an `AdmissionRequest`, a `Verdict` to bytes.

Decodes only what is needed and refuses nothing that Kubernetes may add later. Whatever is no
admission review is refused without a word of it in the message.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from injector.contract.reasons import CONSEQUENCES, Reason
from webhook.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"
MAX_MESSAGE: Final = 32 * 1024  # characters of a denial; events and terminals have bounds


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
    violations: int = 0
    """What the policy only warned of."""


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


@dataclass(frozen=True, slots=True)
class Passed:
    """Not ours to decide: to be allowed as it is."""

    uid: str
    why: str
    """For the decision line."""


class _GroupKind(msgspec.Struct):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    kind: _GroupKind
    operation: str
    namespace: str = ""
    sub_resource: str = ""
    dry_run: bool | None = None
    object: msgspec.Raw = msgspec.Raw(b"null")


class _Review(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    request: _Request


_REVIEWS: Final = msgspec.json.Decoder(_Review)
_OBJECTS: Final = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder()


def decode(body: bytes) -> AdmissionRequest | Passed:
    """
    Decode the review of a pod's creation; everything else is passed.

    Raises:
        RequestError: if the body is no admission review.
    """
    request = _request(body)
    kind = request.kind
    if (kind.group, kind.kind) != ("", "Pod"):
        return Passed(request.uid, "not a pod")
    if request.operation != "CREATE" or request.sub_resource:
        return Passed(request.uid, "not a creation")
    pod = _pod(request)
    spec = pod.get("spec")
    account = spec.get("serviceAccountName") if isinstance(spec, dict) else None
    return AdmissionRequest(
        uid=request.uid,
        operation=request.operation,
        namespace=request.namespace,
        service_account=account if isinstance(account, str) and account else "default",
        pod=pod,
        dry_run=bool(request.dry_run),
    )


def encode(uid: str, verdict: Verdict | Passed) -> bytes:
    """Encode an answer; `uid` is the request's."""
    response: dict[str, Any] = {"uid": uid, "allowed": not isinstance(verdict, Denied)}
    if not isinstance(verdict, Passed):
        if verdict.warnings:
            response["warnings"] = verdict.warnings
        if verdict.summary.references:
            response["auditAnnotations"] = {"references": " ".join(verdict.summary.references)}
    if isinstance(verdict, Denied):
        response["status"] = {
            "status": "Failure",
            "code": CONSEQUENCES[verdict.reason].status,
            "reason": verdict.reason,
            "message": verdict.message[:MAX_MESSAGE],
        }
    elif isinstance(verdict, Allowed) and verdict.operations:
        response["patchType"] = "JSONPatch"
        response["patch"] = b64encode(_ENCODER.encode(verdict.operations)).decode()
    return _ENCODER.encode({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _request(body: bytes) -> _Request:
    try:
        review = _REVIEWS.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # The error's text quotes the body.
        msg = "the body is no AdmissionReview with a request"
        raise RequestError(Reason.MALFORMED_REVIEW, msg) from None
    if review.api_version != API_VERSION or review.kind != KIND or not review.request.uid:
        msg = f"only {KIND} of {API_VERSION} with a uid is understood"
        raise RequestError(Reason.MALFORMED_REVIEW, msg)
    return review.request


def _pod(request: _Request) -> dict[str, Any]:
    try:
        return _OBJECTS.decode(request.object)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        msg = "the request has no object, or one that is nested too deep"
        raise RequestError(Reason.MALFORMED_REVIEW, msg) from None
