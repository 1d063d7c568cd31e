"""
What `check` asks of the API server: one pod's surroundings, and what one account logs in with.

Everything is read once, under the caller's own rights. What only refines a decision may be denied
to a tenant and is then left out, with a note; what decides it may not.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from injector.contract import names
from syrette.errors import InputError
from webhook.cluster import server
from webhook.cluster.api import JSON, METADATA, Api, ApiError
from webhook.cluster.objects import Groups, Object, ObjectList, Version, kept, limit_range, oldest
from webhook.context import Context, KubernetesVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webhook.context import Kubelet, LimitRange

TOKEN_SECONDS: Final = 600
"""The shortest life that the API server gives to a token (authentication.k8s.io/v1)."""
EXAMPLE: Final = "examples/guard-rails/check-per-tenant.yaml"
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""RFC 1123 subdomain; nothing else becomes part of a path."""


class _TokenStatus(msgspec.Struct):
    token: str


class _Object(msgspec.Struct):
    data: dict[str, str] = {}
    binary: dict[str, str] = msgspec.field(default={}, name="binaryData")


_PLURALS: Final = {"configMap": ("configmaps", "ConfigMap"), "secret": ("secrets", "Secret")}


class _TokenRequest(msgspec.Struct):
    status: _TokenStatus


async def context(api: Api, namespace: str, account: str) -> tuple[Context, list[str]]:
    """
    Read what the webhook would know of a pod's surroundings.

    Returns:
        The facts, and notes on those that the caller may not read.

    Raises:
        InputError: if namespace or account is not there, or may not be read.
        ApiError: if the API server does not answer.
    """
    notes: list[str] = []
    home = await _metadata(api, f"/api/v1/namespaces/{_checked(namespace)}", namespace)
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{_checked(account)}"
    owner = await _metadata(api, path, f"{namespace}/{account}")
    version = msgspec.json.decode(await api.get("/version"), type=Version)
    groups = msgspec.json.decode(await api.get("/apis"), type=Groups)
    limits = await _listed(api, namespace, "limitranges", notes)
    quotas = await _listed(api, namespace, "resourcequotas", notes)
    found = Context(
        namespace=namespace,
        namespace_labels=home.metadata.labels,
        namespace_annotations=kept(home.metadata.annotations),
        service_account=account,
        service_account_annotations=kept(owner.metadata.annotations),
        server_version=KubernetesVersion.parse(version.git_version),
        oldest_kubelet=await _oldest(api, notes),
        limit_ranges=tuple(_limit_ranges(limits)),
        quota_resources=frozenset(name for item in quotas for name in item.spec.hard),
        openshift=any(group.name == server.OPENSHIFT_GROUP for group in groups.groups),
    )
    return found, notes


def audiences(pod: dict[str, Any] | None) -> list[str]:
    """Name the audiences of the projected tokens that the webhook would write into a pod."""
    return [
        source["serviceAccountToken"]["audience"]
        for source in _sources(pod, names.IDENTITY_VOLUME)
        if "serviceAccountToken" in source
    ]


class Mounted(NamedTuple):
    """One key of an object that the kubelet would mount for us."""

    kind: str
    """`secret` or `configMap`."""
    name: str
    key: str
    path: str
    """In our containers."""


def mounted(pod: dict[str, Any] | None) -> list[Mounted]:
    """
    Name the Secrets and ConfigMaps that the webhook would have mounted for us.

    ConfigMaps of the pod's own volumes are among them where they are mounted in our containers.
    """
    ours = [
        Mounted(kind, content["name"], item["key"], f"{names.DOCUMENTS_DIRECTORY}/{item['path']}")
        for source in _sources(pod, names.DOCUMENTS_VOLUME)
        for kind, content in source.items()
        for item in content["items"]
    ]
    spec = (pod or {}).get("spec") or {}
    inits = [it for it in spec.get("initContainers") or () if it["name"] == names.INIT_CONTAINER]
    read = {mount["name"]: mount["mountPath"] for it in inits for mount in it["volumeMounts"]}
    theirs = [
        Mounted("configMap", content["name"], item["key"], f"{place}/{item['path']}")
        for volume in spec.get("volumes") or ()
        if (place := read.get(volume["name"]))
        for content in _config_maps(volume)
        for item in content.get("items") or [{"key": "", "path": ""}]
    ]
    return ours + theirs


def _config_maps(volume: dict[str, Any]) -> list[dict[str, Any]]:
    """ConfigMaps that a volume shows, alone or among other projected sources."""
    sources = (volume.get("projected") or {}).get("sources") or ()
    return [it["configMap"] for it in (volume, *sources) if "configMap" in it]


def _sources(pod: dict[str, Any] | None, name: str) -> list[dict[str, Any]]:
    volumes = ((pod or {}).get("spec") or {}).get("volumes") or []
    return [
        source
        for volume in volumes
        if volume.get("name") == name
        for source in volume["projected"]["sources"]
    ]


async def content(api: Api, namespace: str, item: Mounted) -> dict[str, bytes]:
    """
    Read what would be mounted, by path; nothing where it is not there, which the injector tells.

    Raises:
        InputError: if the caller may not, with what to ask for.
        ApiError: if the API server does not answer.
    """
    plural, word = _PLURALS[item.kind]
    path = f"/api/v1/namespaces/{namespace}/{plural}/{_checked(item.name)}"
    try:
        made = msgspec.json.decode(await api.get(path, JSON), type=_Object)
    except ApiError as exc:
        if exc.absent:
            return {}
        if exc.forbidden:
            raise InputError(
                f"you may not read the {word} `{namespace}/{item.name}`, which the pod needs: ask "
                f"for a Role in namespace `{namespace}` with verb `get` on `{plural}` and "
                f"`resourceNames: [{item.name}]`"
            ) from exc
        raise
    encoded = item.kind == "secret"
    held = {key: b64decode(text) if encoded else text.encode() for key, text in made.data.items()}
    held |= {key: b64decode(text) for key, text in made.binary.items()}
    if not item.key:
        return {f"{item.path}{key}": data for key, data in held.items()}
    return {item.path: held[item.key]} if item.key in held else {}


async def token(api: Api, namespace: str, account: str, audience: str) -> str:
    """
    Ask for a token of the account, good for one audience and ten minutes.

    Raises:
        InputError: if the caller may not, with what to ask for.
        ApiError: if the API server does not answer.
    """
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": [audience], "expirationSeconds": TOKEN_SECONDS},
    }
    try:
        made = await api.write("POST", path, body)
    except ApiError as exc:
        if exc.forbidden:
            raise InputError(
                f"you may not ask for a token of service account `{namespace}/{account}`: ask for "
                f"a Role in namespace `{namespace}` with verb `create` on `serviceaccounts/token` "
                f"and `resourceNames: [{account}]`, as in {EXAMPLE}"
            ) from exc
        raise
    return msgspec.json.decode(made, type=_TokenRequest).status.token


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"`{name[:80]}` is no name of a namespace or service account")
    return name


async def _metadata(api: Api, path: str, shown: str) -> Object:
    what = "service account" if "/serviceaccounts/" in path else "namespace"
    try:
        return msgspec.json.decode(await api.get(path, METADATA), type=Object)
    except ApiError as exc:
        if exc.absent:
            raise InputError(f"there is no {what} `{shown}`") from exc
        if exc.forbidden:
            raise InputError(
                f"you may not read the {what} `{shown}`, whose annotations are defaults of the "
                f"pod: ask for verb `get` on it, as in {EXAMPLE}"
            ) from exc
        raise


async def _listed(api: Api, namespace: str, plural: str, notes: list[str]) -> list[Object]:
    try:
        data = await api.get(f"/api/v1/namespaces/{namespace}/{plural}", JSON)
    except ApiError as exc:
        if not exc.forbidden:
            raise
        notes.append(f"you may not list {plural} of `{namespace}`: decided as if there were none")
        return []
    return msgspec.json.decode(data, type=ObjectList).items


async def _oldest(api: Api, notes: list[str]) -> Kubelet | None:
    try:
        return oldest(await server.nodes(api))
    except ApiError as exc:
        if not exc.forbidden:
            raise
        notes.append("you may not list nodes: decided as if every kubelet had the server's version")
        return None


def _limit_ranges(items: list[Object]) -> Iterator[LimitRange]:
    for item in items:
        found = limit_range(item.spec)
        if found is not None:
            yield found
