"""
What we read of Kubernetes' objects: a few fields each, decoded by type.

Annotations that mean nothing to us are dropped at once, since `kubectl apply` keeps whole manifests
in them and the caches hold every service account of the cluster.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from injector.contract.names import DOMAIN
from webhook.annotations.table import HONOURED
from webhook.context import Kubelet, KubernetesVersion, LimitRange

_PREFIX: Final = f"{DOMAIN}/"
_PLATFORM: Final = frozenset(honoured.key for honoured in HONOURED)


class Metadata(msgspec.Struct, rename="camel"):
    """`metadata` of any object."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ListMetadata(msgspec.Struct, rename="camel"):
    """`metadata` of a list."""

    resource_version: str = ""


class LimitRangeItem(msgspec.Struct, rename="camel"):
    """One item of a LimitRange; quantities may be written as numbers."""

    type: str = ""
    min: dict[str, str | int | float] = {}
    max: dict[str, str | int | float] = {}
    max_limit_request_ratio: dict[str, str | int | float] = {}


class Spec(msgspec.Struct):
    """`spec` of a LimitRange or a ResourceQuota."""

    limits: list[LimitRangeItem] | None = []
    """A bookmark of LimitRanges has `null` here."""
    hard: dict[str, Any] = {}


class Object(msgspec.Struct, rename="camel"):
    """Any object that we watch."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: Spec = msgspec.field(default_factory=Spec)


class ObjectList(msgspec.Struct, rename="camel"):
    """A page of a list."""

    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[Object] = []


class Event(msgspec.Struct, rename="camel"):
    """A line of a watch; its object is decoded when its type is known."""

    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


class Status(msgspec.Struct, rename="camel"):
    """What an ERROR event carries."""

    code: int = 0


class Version(msgspec.Struct, rename="camel"):
    """`GET /version`."""

    git_version: str = ""


class Group(msgspec.Struct, rename="camel"):
    """One API group."""

    name: str = ""


class Groups(msgspec.Struct, rename="camel"):
    """`GET /apis`."""

    groups: list[Group] = []


class Column(msgspec.Struct, rename="camel"):
    """Definition of a column of a Table."""

    name: str = ""


class Row(msgspec.Struct, rename="camel"):
    """One row of a Table."""

    cells: list[Any] = []


class Table(msgspec.Struct, rename="camel"):
    """What the API server prints for `kubectl get`: a list of nodes without their megabytes."""

    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    column_definitions: list[Column] = []
    rows: list[Row] = []


def kept(annotations: dict[str, str]) -> dict[str, str]:
    """Keep the annotations that a decision reads."""
    return {
        key: value
        for key, value in annotations.items()
        if key.startswith(_PREFIX) or key in _PLATFORM
    }


def limit_range(spec: Spec) -> LimitRange | None:
    """Give the `Container` item of a LimitRange, if it has one."""
    for item in spec.limits or []:
        if item.type == "Container":
            return LimitRange(
                _quantities(item.min),
                _quantities(item.max),
                _quantities(item.max_limit_request_ratio),
            )
    return None


def _quantities(written: dict[str, str | int | float]) -> dict[str, str]:
    return {name: str(quantity) for name, quantity in written.items()}


def oldest(tables: list[Table]) -> Kubelet | None:
    """Find the node with the oldest kubelet; None when no node says its version."""
    found: Kubelet | None = None
    for table in tables:
        names = [column.name for column in table.column_definitions]
        if "Name" not in names or "Version" not in names:
            continue
        node, version = names.index("Name"), names.index("Version")
        for row in table.rows:
            kubelet = _kubelet(row, node, version)
            if kubelet and (found is None or kubelet.version < found.version):
                found = kubelet
    return found


def _kubelet(row: Row, node: int, version: int) -> Kubelet | None:
    try:
        text = str(row.cells[version])
        return Kubelet(KubernetesVersion.parse(text), text, str(row.cells[node]))
    except (IndexError, ValueError):
        return None  # a node that has not said its version yet runs no pod
