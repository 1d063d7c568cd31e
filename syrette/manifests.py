"""Manifests: which documents make pods, and where each kind keeps its pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syrette import documents
from syrette.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True, slots=True)
class Workload:
    """One document that makes pods, and where its pod is."""

    document: dict[str, Any]
    location: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call it: `Deployment/web`."""
        metadata = self.document.get("metadata") or {}
        name = metadata.get("name") or metadata.get("generateName") or "?"
        return f"{self.document['kind']}/{name}"

    @property
    def namespace(self) -> str:
        """The namespace that the document names, or an empty text."""
        return str((self.document.get("metadata") or {}).get("namespace") or "")

    @property
    def template(self) -> dict[str, Any]:
        """The part with the pod's metadata and spec; changes to it change the document."""
        part = self.document
        for key in self.location:
            part = part[key]
        return part


def load(text: str, source: str) -> list[dict[str, Any]]:
    """
    Read every manifest, lists taken apart.

    Raises:
        InputError: names the source and line.
    """
    return [item for document in documents.load(text, source) for item in _flat(document, source)]


def workloads(manifests: list[dict[str, Any]]) -> Iterator[Workload]:
    """
    Those that make pods and hold a whole pod template.

    Raises:
        InputError: for a shape that no API server would take.
    """
    for document in manifests:
        location = _TEMPLATES.get(document["kind"])
        if location is None:
            continue
        workload = Workload(document, location)
        _check_shape(workload)
        yield workload


def find(manifests: list[dict[str, Any]], kind: str, name: str, namespace: str) -> dict[str, Any]:
    """The metadata of the manifest of that kind and name, or an empty mapping."""
    for document in manifests:
        metadata = _mapping(document.get("metadata"))
        same_namespace = kind == "Namespace" or metadata.get("namespace") in (None, namespace)
        if document["kind"] == kind and metadata.get("name") == name and same_namespace:
            return metadata
    return {}


def _flat(document: object, source: str) -> Iterator[dict[str, Any]]:
    if document is None:
        return
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise InputError(f"{source}: a document without `kind` is no manifest")
    if not isinstance(document.get("metadata") or {}, dict):
        raise InputError(f"{source}: `metadata` of a {document['kind']} is no mapping")
    element = document["kind"].removesuffix("List")
    items = document.get("items")
    if document["kind"] not in {"List", f"{element}List"} or not isinstance(items, list):
        yield document
    elif not element:
        for item in items:
            yield from _flat(item, source)
    elif element in _TEMPLATES:
        # The API leaves out in a list of one kind what the list has said.
        shared = {"apiVersion": document.get("apiVersion"), "kind": element}
        for item in items:
            yield from _flat(shared | item if isinstance(item, dict) else item, source)
    else:
        yield document


def _check_shape(workload: Workload) -> None:
    try:
        template = workload.template
        spec = template["spec"]
    except (KeyError, TypeError):
        where = ".".join((*workload.location, "spec"))
        raise InputError(f"{workload.name}: `{where}` is missing") from None
    if not isinstance(spec, dict) or not isinstance(spec.get("containers"), list):
        raise InputError(f"{workload.name}: the pod's spec has no list of containers")
    metadata = template.get("metadata") or {}
    annotations = _mapping(metadata).get("annotations") or {}
    if not isinstance(metadata, dict) or not isinstance(annotations, dict):
        raise InputError(f"{workload.name}: the pod's metadata or annotations are no mapping")
    unquoted = sorted(str(key) for key, value in annotations.items() if not isinstance(value, str))
    if unquoted:
        raise InputError(
            *(f"{workload.name}: {key}: the value is no text; put it in quotes" for key in unquoted)
        )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
