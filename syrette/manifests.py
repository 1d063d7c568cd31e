"""
Manifests: YAML documents in and out, and where each kind keeps its pod.

Scalars are read as the API server's own YAML reader does (timestamps stay text), duplicate keys
and malformed documents are refused. Comments are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from syrette.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES: Final = 16 << 20  # of one input; etcd takes 1.5 MiB an object
MAX_DEPTH: Final = 64  # of nesting; deeper text can exhaust a YAML loader's stack

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


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: no timestamps, no duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen and key != "<<":
                problem = f"the key `{str(key)[:60]}` is there twice"
                raise yaml.MarkedYAMLError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Block style, long texts as literal blocks, no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


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
    Read every document, lists taken apart.

    Raises:
        InputError: names the source and line.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"{source}: larger than {MAX_BYTES >> 20} MiB")
    _check_depth(text, source)
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise InputError(f"{source}: {_describe(exc)}") from exc
    return [item for document in documents for item in _flatten(document, source)]


def dump(documents: list[dict[str, Any]]) -> str:
    """Write documents as one YAML stream, keys in the order in which they were read."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=100_000,  # no folding: an annotation stays on its line
    )


def workloads(documents: list[dict[str, Any]]) -> Iterator[Workload]:
    """Those documents that make pods and hold a whole pod template."""
    for document in documents:
        location = _TEMPLATES.get(str(document.get("kind")))
        if location is None:
            continue
        workload = Workload(document, location)
        _check_shape(workload)
        yield workload


def find(documents: list[dict[str, Any]], kind: str, name: str, namespace: str) -> dict[str, Any]:
    """The annotations and labels carrier of that kind and name, or an empty document."""
    for document in documents:
        metadata = document.get("metadata") or {}
        same_namespace = kind == "Namespace" or metadata.get("namespace") in (None, namespace)
        if document.get("kind") == kind and metadata.get("name") == name and same_namespace:
            return document
    return {}


def _check_shape(workload: Workload) -> None:
    try:
        template = workload.template
        spec = template["spec"]
    except (KeyError, TypeError):
        where = ".".join((*workload.location, "spec"))
        raise InputError(f"{workload.name}: `{where}` is missing") from None
    if not isinstance(spec, dict) or not isinstance(spec.get("containers"), list):
        raise InputError(f"{workload.name}: the pod's spec has no list of containers")
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    unquoted = sorted(str(key) for key, value in annotations.items() if not isinstance(value, str))
    if unquoted:
        raise InputError(
            *(f"{workload.name}: {key}: the value is no text; put it in quotes" for key in unquoted)
        )


def _check_depth(text: str, source: str) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise InputError(f"{source}: nested deeper than {MAX_DEPTH} levels")
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise InputError(f"{source}: {_describe(exc)}") from exc


def _describe(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "not YAML"


def _flatten(document: object, source: str) -> Iterator[dict[str, Any]]:
    if document is None:
        return
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise InputError(f"{source}: a document without `kind` is no manifest")
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _flatten(item, source)
        return
    yield document
