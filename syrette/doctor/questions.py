"""
Everything that the doctor asks the API server, each question by itself.

One that is refused is an answer, too: the caller lacks a permission, and what depends on it is
unknown. Only an API server that does not answer at all ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from syrette.doctor import probe
from webhook.cluster import server
from webhook.cluster.api import METADATA_LIST, Api, ApiError
from webhook.cluster.objects import Version, oldest
from webhook.context import KubernetesVersion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from syrette.doctor.probe import Probed
    from webhook.context import Kubelet

CONFIGURATION: Final = "injection.syrette.dev"
PODS: Final = "pods.injection.syrette.dev"
"""Name of the webhook entry, of the policy and of its binding."""
WORKLOADS: Final = "workloads.injection.syrette.dev"
DEPLOYMENT: Final = "syrette"
_REGISTRATION: Final = "/apis/admissionregistration.k8s.io/v1"
_LIVING: Final = "fieldSelector=status.phase!=Succeeded,status.phase!=Failed"

Document: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, slots=True)
class Unasked:
    """A question that was refused."""

    verb: str
    resource: str

    @property
    def said(self) -> str:
        """What is missing."""
        return f"you may not {self.verb} {self.resource}"


Answer: TypeAlias = "Document | Unasked | None"
"""One object; None when it is not there."""
Listing: TypeAlias = "list[Document] | Unasked"


@dataclass(frozen=True, slots=True)
class Answers:
    """All that is known."""

    namespace: str
    version: KubernetesVersion
    configuration: Answer
    policies: Mapping[str, Answer]
    """By name; policies and bindings have the same names."""
    bindings: Mapping[str, Answer]
    deployment: Answer
    secret: Answer
    """With the served certificate."""
    lease: Answer
    """None also where no lease is needed."""
    namespaces: Listing
    """Metadata only."""
    pods: Listing
    """Metadata only, without those that have ended."""
    oldest_kubelet: Kubelet | Unasked | None
    probed: Probed


async def ask(api: Api, namespace: str, probe_namespace: str | None) -> Answers:
    """
    Ask everything.

    Raises:
        ApiError: when the API server does not answer.
    """
    version = msgspec.json.decode(await api.get("/version"), type=Version)
    configuration = await _get(
        api, f"{_REGISTRATION}/mutatingwebhookconfigurations/{CONFIGURATION}"
    )
    home = f"/api/v1/namespaces/{namespace}"
    deployment = await _get(api, f"/apis/apps/v1/namespaces/{namespace}/deployments/{DEPLOYMENT}")
    lease = option(deployment, "lease")
    namespaces = await _list(api, "namespaces")
    chosen = [probe_namespace] if probe_namespace else probe.candidates(namespaces, configuration)
    return Answers(
        namespace=namespace,
        version=KubernetesVersion.parse(version.git_version),
        configuration=configuration,
        policies=await _both(api, "validatingadmissionpolicies"),
        bindings=await _both(api, "validatingadmissionpolicybindings"),
        deployment=deployment,
        secret=await _get(api, f"{home}/secrets/{certificate_secret(deployment)}"),
        lease=await _get(api, f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{lease}")
        if lease
        else None,
        namespaces=namespaces,
        pods=await _list(api, "pods", _LIVING),
        oldest_kubelet=await _oldest(api),
        probed=await probe.probe(api, chosen),
    )


def option(deployment: Answer, name: str) -> str:
    """Give what the webhook is told by `--name=`, empty when it is told nothing."""
    for container in _template(deployment).get("containers") or []:
        for word in container.get("args") or []:
            if word.startswith(f"--{name}="):
                return str(word.partition("=")[2])
    return ""


def certificate_secret(deployment: Answer) -> str:
    """Name the Secret that the webhook serves from."""
    if managed := option(deployment, "certificate-secret"):
        return managed
    for volume in _template(deployment).get("volumes") or []:
        if volume.get("name") == "tls" and "secret" in volume:
            return str(volume["secret"]["secretName"])
    return "syrette-certificate"


def _template(deployment: Answer) -> Document:
    if not isinstance(deployment, dict):
        return {}
    spec: Document = deployment["spec"]["template"]["spec"]
    return spec


async def _get(api: Api, path: str) -> Answer:
    try:
        return msgspec.json.decode(await api.get(path), type=dict[str, Any])
    except ApiError as exc:
        if exc.absent:
            return None
        if exc.forbidden:
            words = path.split("/")
            return Unasked("get", f"{words[-2]}/{words[-1]}")
        raise


async def _both(api: Api, plural: str) -> dict[str, Answer]:
    return {name: await _get(api, f"{_REGISTRATION}/{plural}/{name}") for name in (PODS, WORKLOADS)}


async def _list(api: Api, plural: str, query: str = "") -> Listing:
    """Read all objects of a kind, metadata only."""
    found: list[Document] = []
    try:
        async for data in api.pages(f"/api/v1/{plural}", METADATA_LIST, query):
            found += msgspec.json.decode(data, type=dict[str, Any]).get("items") or []
    except ApiError as exc:
        if exc.forbidden:
            return Unasked("list", plural)
        raise
    return found


async def _oldest(api: Api) -> Kubelet | Unasked | None:
    try:
        return oldest(await server.nodes(api))
    except ApiError as exc:
        if exc.forbidden:
            return Unasked("list", "nodes")
        raise
