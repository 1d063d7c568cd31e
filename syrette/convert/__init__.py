"""
`syrette convert`: manifests of other tools for secrets become ours.

Of Vault's Agent Injector, the Secrets Store CSI driver and the External Secrets Operator.
Pure: manifests in, manifests and a report out. Nothing is guessed; what has no sure equivalent is
left out and told.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syrette import manifests
from syrette.convert import csi, external, pods, podspec
from syrette.convert.csi.mounts import DRIVERS
from syrette.convert.findings import Fate, Finding, Report
from syrette.convert.table import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrette.convert.findings import Conversion

__all__ = ["Converted", "convert"]


@dataclass(frozen=True, slots=True)
class Converted:
    """All manifests, and what there is to tell."""

    documents: list[dict[str, Any]]
    reports: tuple[Report, ...]
    todo: tuple[str, ...]
    """Each once."""

    @property
    def complete(self) -> bool:
        """Whether everything has an equivalent."""
        return all(report.complete for report in self.reports)


def convert(documents: list[dict[str, Any]]) -> Converted:
    """
    Convert every workload among the documents.

    Args:
        documents: as `manifests.load` gives them; they are not changed.

    Raises:
        InputError: for a workload whose shape no API server would take.
    """
    after = copy.deepcopy(documents)
    workloads = {id(it.document): it for it in manifests.workloads(after)}
    used = frozenset(
        (workload.namespace, name)
        for workload in workloads.values()
        for name in podspec.secrets(workload.template["spec"])
    )
    reports: list[Report] = []
    todo: dict[str, None] = {}
    for document in after:
        workload = workloads.get(id(document))
        if workload is None:
            reports.extend(_elsewhere(document))
            reports.extend(external.elsewhere(document, used))
            continue
        template = workload.template
        metadata = template.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        replaced, conversion = pods.convert(annotations, template["spec"])
        _beside(workload, conversion)
        replaced, volumes = csi.convert(template["spec"], replaced, after, workload.namespace)
        conversion.add(volumes)
        replaced, read = external.convert(template["spec"], replaced, after, workload.namespace)
        conversion.add(read)
        if replaced != annotations:
            metadata["annotations"] = replaced
            template["metadata"] = metadata
        todo.update(dict.fromkeys(conversion.todo))
        if conversion.findings or conversion.notes:
            notes = tuple(dict.fromkeys(conversion.notes))
            report = Report(workload.name, workload.namespace, tuple(conversion.findings), notes)
            reports.append(report)
    return Converted(after, tuple(reports), tuple(todo))


def _beside(workload: manifests.Workload, conversion: Conversion) -> None:
    """Name what stands on the workload and not on its pods: Vault's injector never sees it."""
    own = (workload.document.get("metadata") or {}).get("annotations")
    found = [key for key in own if str(key).startswith(PREFIX)] if isinstance(own, dict) else []
    if found and workload.location:
        conversion.notes.append(
            f"{', '.join(found)}: stands on the {workload.document['kind']} itself, where Vault's "
            "injector does not look; it is left there"
        )


def _elsewhere(document: dict[str, Any]) -> Iterator[Report]:
    """Tell of pods in a kind that is not known here: nobody would notice them."""
    if any(_annotated(value) for key, value in document.items() if key != "metadata"):
        metadata = document.get("metadata") or {}
        name = f"{document['kind']}/{metadata.get('name') or '?'}"
        text = "nothing is converted: this kind is not known to make pods"
        finding = Finding(PREFIX.rstrip("/"), Fate.NONE, text)
        yield Report(name, str(metadata.get("namespace") or ""), (finding,))


def _annotated(value: object) -> bool:
    """Whether annotations or volumes of theirs stand anywhere within."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if item.get("driver") in DRIVERS or any(str(key).startswith(PREFIX) for key in item):
                return True
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False
