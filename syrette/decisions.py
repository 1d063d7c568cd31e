"""
From manifests to what the webhook would decide, without a server or a cluster.

Cluster facts come from the manifests themselves (Namespace, ServiceAccount), from a file of facts,
or are absent; then the newest Kubernetes that the design knows is assumed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import jsonpatch

from injector.contract import codec, names
from injector.contract.reasons import Reason
from syrette import manifests
from webhook.context import Context, KubernetesVersion
from webhook.mutation import mutate
from webhook.review import AdmissionRequest, Allowed, Denied

if TYPE_CHECKING:
    from injector.contract.plan import Plan
    from webhook.review import Verdict
    from webhook.settings import Settings

_HEAD: Final = "syrette: "
_MARK: Final = "- "
_PREFIX: Final = f"{names.DOMAIN}/"


@dataclass(frozen=True, slots=True)
class Decision:
    """What would happen to the pods of one workload."""

    workload: manifests.Workload
    request: AdmissionRequest
    verdict: Allowed | Denied
    patched: dict[str, Any] | None
    """The pod with the patch applied; None when it is denied."""

    @property
    def problems(self) -> list[str]:
        """A line for each problem of a denial; empty when the pod is allowed."""
        return _problems(self.verdict)

    @property
    def plan(self) -> Plan | None:
        """The plan in the patched pod, None when nothing is injected."""
        containers = ((self.patched or {}).get("spec") or {}).get("initContainers") or []
        for container in containers:
            if container.get("name") == names.INIT_CONTAINER:
                for variable in container["env"]:
                    if variable["name"] == names.PLAN_VARIABLE:
                        return codec.load(variable["value"])
        return None

    @property
    def document(self) -> dict[str, Any]:
        """The whole manifest with the patched pod in it; the original is not changed."""
        document = copy.deepcopy(self.workload.document)
        if self.patched is not None and self.patched != self.request.pod:
            template = manifests.Workload(document, self.workload.location).template
            template["metadata"] = _metadata(self.patched["metadata"], template)
            template["spec"] = self.patched["spec"]
        return document


def decide(
    documents: list[dict[str, Any]],
    settings: Settings,
    *,
    namespace: str = "default",
    version: KubernetesVersion | None = None,
) -> list[Decision]:
    """
    Decide on every workload of the documents.

    Args:
        documents: as `manifests.load` gives them.
        settings: the operator's.
        namespace: for documents that name none.
        version: of the cluster's server and kubelets; None is the newest known.

    Raises:
        InputError: for a workload whose shape no API server would take.
    """
    return [
        decide_one(workload, settings, _context(workload, documents, namespace, version))
        for workload in manifests.workloads(documents)
    ]


def decide_one(
    workload: manifests.Workload,
    settings: Settings,
    context: Context,
) -> Decision:
    """Decide on one workload where this is known of its surroundings."""
    template = workload.template
    metadata = dict(template.get("metadata") or {})
    metadata.setdefault("namespace", context.namespace)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    request = AdmissionRequest(
        uid=workload.name,
        operation="CREATE",
        namespace=context.namespace,
        service_account=context.service_account,
        pod=pod,
    )
    verdict = _well_placed(workload, mutate(request, context, settings))
    patched = None
    if isinstance(verdict, Allowed):
        operations = [
            {"op": operation.op, "path": operation.path, "value": operation.value}
            for operation in verdict.operations
        ]
        patched = jsonpatch.apply_patch(pod, operations)
    return Decision(workload, request, verdict, patched)


def _well_placed(workload: manifests.Workload, verdict: Verdict) -> Verdict:
    """
    Deny what a cluster's admission policy denies: keys of ours beside the pod template.

    On both they pass, as tools that annotate everything write them (design: annotations, 1).
    """
    own = _texts(workload.document.get("metadata") or {}, "annotations")
    inner = _texts(workload.template.get("metadata") or {}, "annotations")
    beside = sorted(key for key in own if key.startswith(_PREFIX) and key not in inner)
    if not beside or own.get(f"{_PREFIX}inject") == "false":
        return verdict
    where = ".".join((*workload.location, "metadata", "annotations"))
    kind = workload.document["kind"]
    lines = [f"{key}: stands on the {kind} itself; it counts only in `{where}`" for key in beside]
    lines += _problems(verdict)
    message = "\n".join([f"{_HEAD}{len(lines)} problems", *(f"{_MARK}{line}" for line in lines)])
    return Denied(Reason.INVALID_ANNOTATION, message, verdict.warnings)


def _problems(verdict: Verdict) -> list[str]:
    """Take a denial's message apart, without its heading and marks."""
    if isinstance(verdict, Allowed):
        return []
    lines = verdict.message.removeprefix(_HEAD).splitlines()
    return [line.removeprefix(_MARK) for line in lines[1:] or lines]


def _context(
    workload: manifests.Workload,
    documents: list[dict[str, Any]],
    namespace: str,
    version: KubernetesVersion | None,
) -> Context:
    namespace = workload.namespace or namespace
    account = str(workload.template["spec"].get("serviceAccountName") or "default")
    space = manifests.find(documents, "Namespace", namespace, "")
    owner = manifests.find(documents, "ServiceAccount", account, namespace)
    context = Context(
        namespace=namespace,
        namespace_labels=_texts(space, "labels"),
        namespace_annotations=_texts(space, "annotations"),
        service_account=account,
        service_account_annotations=_texts(owner, "annotations"),
    )
    return replace(context, server_version=version) if version else context


def _texts(metadata: dict[str, Any], key: str) -> dict[str, str]:
    """Labels or annotations; what an API server would refuse is left out."""
    found = metadata.get(key)
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _metadata(patched: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    metadata = dict(patched)
    if "namespace" not in (template.get("metadata") or {}):
        metadata.pop("namespace", None)
    return metadata
