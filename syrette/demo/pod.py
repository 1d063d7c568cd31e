"""The pod of a Deployment as the API server has it, before and after admission."""

from __future__ import annotations

import copy
import difflib
import io
from typing import TYPE_CHECKING, Any, Final

import jsonpatch
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH: Final = "7d9c5b6f4"
_SUFFIX: Final = "x2k9p"
_UID: Final = "6f1c2a34-9b0e-4d1c-8a57-1f0e5b7c9d21"
_TOKEN_MOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_ACCESS: Final = "kube-api-access-q8z5d"
_ORDER: Final = {"initContainers": 1, "containers": 2, "volumes": 3}
_FOLDED: Final = 3  # depth from which on a branch may stand on one line: elements of `spec`'s lists
_LINE: Final = 108  # characters; a branch of the document that fits stands on one line


def of(deployment: dict[str, Any]) -> dict[str, Any]:
    """
    Give the pod that is sent to admission: the template with what the controllers add.

    The ReplicaSet controller gives it an owner and the start of a name, the ServiceAccount plugin
    mounts the API server's token.
    """
    template = copy.deepcopy(deployment["spec"]["template"])
    metadata, name = template["metadata"], deployment["metadata"]["name"]
    metadata["generateName"] = f"{name}-{_HASH}-"
    metadata["namespace"] = deployment["metadata"]["namespace"]
    metadata["labels"]["pod-template-hash"] = _HASH
    metadata["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": f"{name}-{_HASH}",
            "uid": "0d5bb7a0-7c0f-4a0e-9a69-3f3c8e0d7b11",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    spec = template["spec"]
    spec |= {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
    spec["volumes"] = [_api_access()]
    for container in spec["containers"]:
        container["volumeMounts"] = [{"name": _ACCESS, "mountPath": _TOKEN_MOUNT, "readOnly": True}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def patched(pod: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Apply a patch as the API server does."""
    result: dict[str, Any] = jsonpatch.apply_patch(pod, operations)
    return result


def stored(pod: dict[str, Any]) -> dict[str, Any]:
    """Give it name and uid, as the API server does when it stores it."""
    metadata = {**pod["metadata"], "name": f"{pod['metadata']['generateName']}{_SUFFIX}"}
    return {**pod, "metadata": {**metadata, "uid": _UID}}


def difference(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Write a unified diff of two pods, a branch that is short on one line."""
    lines = difflib.unified_diff(_text(before), _text(after), "as sent", "as created", "", "", 1)
    return (line.rstrip() for line in lines)


class _Dumper(yaml.SafeDumper):
    """Without anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _text(pod: dict[str, Any]) -> list[str]:
    # Init containers before containers: the order in which they start.
    spec = sorted(pod["spec"].items(), key=lambda item: _ORDER.get(item[0], 0))
    node = _Dumper(io.StringIO(), sort_keys=False).represent_data({**pod, "spec": dict(spec)})
    _fold(node, depth=0)
    text: str = yaml.serialize(node, Dumper=_Dumper, width=100_000, allow_unicode=True)
    return text.splitlines()


def _fold(node: yaml.Node, depth: int) -> int:
    """Put what is short on one line; gives the width that a branch would take on one."""
    if not isinstance(node, yaml.CollectionNode):
        return len(node.value)
    parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    width = 2 + sum(_fold(part, depth + 1) + 2 for part in parts)
    node.flow_style = width <= _LINE and depth >= _FOLDED
    return width


def _api_access() -> dict[str, Any]:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}
    return {"name": _ACCESS, "projected": {"defaultMode": 0o644, "sources": [token]}}
