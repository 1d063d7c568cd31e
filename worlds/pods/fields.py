"""
What the downward API gives: fields of the pod, and resources of a container.

Only the field paths that the API server takes are known; see
https://kubernetes.io/docs/concepts/workloads/pods/downward-api/.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worlds.pods.spec import PodSpec

_KEYED: Final = re.compile(r"metadata\.(?P<field>labels|annotations)\['(?P<key>[^']+)'\]")
_SUFFIXES: Final = {
    "": 1.0,
    "m": 1e-3,
    **{unit: 1000.0**power for power, unit in enumerate(("k", "M", "G", "T"), 1)},
    **{unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
}
_QUANTITY: Final = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<suffix>[A-Za-z]*)")
LOOPBACK: Final = "127.0.0.1"
NODE: Final = "node-1"

_VARIABLES: Final[dict[str, Callable[[PodSpec], str]]] = {
    "metadata.name": lambda pod: pod.name,
    "metadata.namespace": lambda pod: pod.namespace,
    "metadata.uid": lambda pod: pod.uid,
    "spec.nodeName": lambda _: NODE,
    "spec.serviceAccountName": lambda pod: pod.service_account,
    "status.hostIP": lambda _: LOOPBACK,
    "status.hostIPs": lambda _: LOOPBACK,
    "status.podIP": lambda _: LOOPBACK,
    "status.podIPs": lambda _: LOOPBACK,
}
_FILES: Final[dict[str, Callable[[PodSpec], str]]] = {
    **{path: give for path, give in _VARIABLES.items() if path.startswith("metadata.")},
    "metadata.labels": lambda pod: _listed(pod.labels),
    "metadata.annotations": lambda pod: _listed(pod.annotations),
}


def is_variable(path: str) -> bool:
    """Whether the API server takes this field path in `env`."""
    return path in _VARIABLES or _KEYED.fullmatch(path) is not None


def is_file(path: str) -> bool:
    """Whether it takes this field path in a volume."""
    return path in _FILES or _KEYED.fullmatch(path) is not None


def field(pod: PodSpec, path: str) -> str:
    """Give the value of a known field path; an absent label is an empty text."""
    keyed = _KEYED.fullmatch(path)
    if keyed is not None:
        source = pod.labels if keyed["field"] == "labels" else pod.annotations
        return source.get(keyed["key"], "")
    return {**_FILES, **_VARIABLES}[path](pod)


def resource(container: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """Give a resource of a container as a whole number of divisors, rounded up."""
    kind, _, name = str(reference["resource"]).partition(".")
    quantity = ((container.get("resources") or {}).get(kind) or {}).get(name, "0")
    divisor = _number(str(reference.get("divisor") or "1")) or 1.0
    return str(math.ceil(_number(str(quantity)) / divisor))


def _number(quantity: str) -> float:
    found = _QUANTITY.fullmatch(quantity)
    if found is None or found["suffix"] not in _SUFFIXES:
        msg = f"`{quantity}` is no quantity"
        raise ValueError(msg)
    return float(found["number"]) * _SUFFIXES[found["suffix"]]


def _listed(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={json.dumps(values[key])}" for key in sorted(values))
