"""Mirror pods: what a kubelet shows of a static pod of its node."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.e2e.kubectl import kubectl
from tests.e2e.workloads import pod

_KEY: Final = "kubernetes.io/config"
_HASH: Final = "0123456789abcdef"


def mirrored(name: str, namespace: str, annotations: dict[str, str]) -> dict[str, Any]:
    """
    Show a static pod as kubelets do: in a node's name, past the checks of what a node may create.

    Returns:
        What the API server has stored. The node's own kubelet, which has no such pod, removes it.
    """
    node = kubectl("get", "nodes", "-o", "json").json["items"][0]["metadata"]
    made = pod(name, namespace, annotations, nodeName=node["name"])
    del made["spec"]["serviceAccountName"]
    hashes = {f"{_KEY}.mirror": _HASH, f"{_KEY}.hash": _HASH, f"{_KEY}.source": "file"}
    made["metadata"]["annotations"] |= hashes
    owner = {"apiVersion": "v1", "kind": "Node", "name": node["name"], "uid": node["uid"]}
    made["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    found: dict[str, Any] = kubectl(
        *("create", "-o", "json", "-f", "-", "--validate=false"),
        f"--as=system:node:{node['name']}",
        "--as-group=system:nodes",
        "--as-group=system:authenticated",
        stdin=json.dumps(made),
    ).json
    return found


def untouched(found: dict[str, Any]) -> bool:
    """Whether a pod has nothing of ours."""
    said = "syrette.dev/injected" in found["metadata"]["annotations"]
    return not said and "initContainers" not in found["spec"]
