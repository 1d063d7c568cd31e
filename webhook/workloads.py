"""
A review of a workload: bytes to the pod that its template would become. Pure.

Decodes the template and the names around it, nothing else. Refuses bodies that are no admission
review; a kind without a template is no error but nothing to say.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from injector.contract.reasons import Reason
from webhook.errors import RequestError
from webhook.review import AdmissionRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEMPLATE: Final = ("spec", "template")
_TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Deployment": _TEMPLATE,
        "StatefulSet": _TEMPLATE,
        "DaemonSet": _TEMPLATE,
        "ReplicaSet": _TEMPLATE,
        "ReplicationController": _TEMPLATE,
        "Job": _TEMPLATE,
        "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    }
)


class _Kind(msgspec.Struct):
    kind: str = ""


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    kind: _Kind = msgspec.field(default_factory=_Kind)
    operation: str = ""
    namespace: str = ""
    object: dict[str, Any] | None = None
    dry_run: bool | None = None


class _Review(msgspec.Struct):
    request: _Request


_decode = msgspec.json.Decoder(_Review).decode


def decode(body: bytes) -> tuple[str, AdmissionRequest | None]:
    """
    Give the uid to answer to, and the template as a pod; None where there is no template.

    Raises:
        RequestError: if `body` is no admission review.
    """
    try:
        request = _decode(body).request
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        msg = "the body is no admission.k8s.io/v1 AdmissionReview with a request"
        raise RequestError(Reason.MALFORMED_REVIEW, msg) from None
    node: Any = request.object
    for step in _TEMPLATES.get(request.kind.kind, ("",)):
        node = node.get(step) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return request.uid, None
    metadata, spec = _mapping(node, "metadata"), _mapping(node, "spec")
    account = spec.get("serviceAccountName")
    return request.uid, AdmissionRequest(
        uid=request.uid,
        operation="CREATE",
        namespace=request.namespace,
        service_account=account if isinstance(account, str) and account else "default",
        pod={
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": _name(request.object), **metadata},
            "spec": spec,
        },
        dry_run=bool(request.dry_run),
    )


def _mapping(node: dict[str, Any], key: str) -> dict[str, Any]:
    value = node.get(key)
    return value if isinstance(value, dict) else {}


def _name(workload: dict[str, Any] | None) -> str:
    name = _mapping(workload or {}, "metadata").get("name")
    return f"{name}-" if isinstance(name, str) else ""
