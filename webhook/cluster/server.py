"""Facts of the API server and its nodes: version, API groups, the oldest kubelet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from webhook.cluster.api import TABLE, Api
from webhook.cluster.objects import Groups, Table, Version, oldest
from webhook.context import Kubelet, KubernetesVersion

OPENSHIFT_GROUP: Final = "security.openshift.io"
"""API group of SecurityContextConstraints, which choose the uid of a pod."""


@dataclass(frozen=True, slots=True)
class Server:
    """What every decision needs, whatever the namespace."""

    version: KubernetesVersion
    oldest_kubelet: Kubelet | None
    openshift: bool


async def read(api: Api) -> Server:
    """
    Ask for everything.

    Raises:
        ApiError: if something is refused or not answered.
        msgspec.DecodeError: for an answer that cannot be read.
        ValueError: for a version that is none.
    """
    version = msgspec.json.decode(await api.get("/version"), type=Version)
    groups = msgspec.json.decode(await api.get("/apis"), type=Groups)
    return Server(
        KubernetesVersion.parse(version.git_version),
        oldest(await nodes(api)),
        any(group.name == OPENSHIFT_GROUP for group in groups.groups),
    )


async def nodes(api: Api) -> list[Table]:
    """Read nodes as `kubectl get` shows them: of a thousand nodes 300 KB instead of 20 MB."""
    return [
        msgspec.json.decode(data, type=Table) async for data in api.pages("/api/v1/nodes", TABLE)
    ]
