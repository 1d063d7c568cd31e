"""
The layout: which containers, volumes, sidecar, uid and modes a pod's secrets get.

Looks at nothing of ours that is in the pod already, except for where our init container stands:
the same pod has the same layout before and after the patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook.mutation import collisions, ownership, selection, sidecar, variables, volumes
from webhook.mutation.sidecar import Sidecar

if TYPE_CHECKING:
    from webhook.errors import Problems
    from webhook.mutation.ownership import Ownership
    from webhook.mutation.selection import Selected
    from webhook.mutation.subject import Subject
    from webhook.mutation.volumes import FileVolume


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes."""

    selected: tuple[Selected, ...]
    intervals: tuple[float, ...]
    """Seconds between reads of each secret; 0 never."""
    volumes: tuple[FileVolume, ...]
    sidecar: Sidecar
    ownership: Ownership

    @property
    def has_variables(self) -> bool:
        """Whether there are EnvFiles."""
        return any(item.wanted.kind == "env" and item.containers for item in self.selected)


def arrange(subject: Subject, problems: Problems) -> Layout:
    """Lay out one pod; whatever cannot be is a problem, and the rest is laid out nevertheless."""
    intent, pod, context = subject.intent, subject.pod, subject.context
    options = intent.options
    selected = selection.select(intent, pod, subject.settings, problems)
    providers = {name: item.store.provider for name, item in intent.stores.items()}
    intervals = tuple(sidecar.refresh(item.wanted, options, providers) for item in selected)
    kind = sidecar.choose(pod, options, context, problems, refreshed=any(intervals))
    if kind is Sidecar.NONE:
        intervals = (0.0,) * len(selected)
    file_volumes = volumes.arrange(selected, options.mount_path)
    owner = _ownership(subject, selected, kind)
    layout = Layout(selected, intervals, file_volumes, kind, owner)
    _check(subject, layout, problems)
    return layout


def _ownership(subject: Subject, selected: tuple[Selected, ...], kind: Sidecar) -> Ownership:
    options = subject.intent.options
    readers = {
        id(container): container
        for item in selected
        if item.wanted.kind != "env"
        for container in item.containers
    }
    signalled = (
        [container for _, found in sidecar.signals(options, selected) for container in found]
        if kind is not Sidecar.NONE
        else []
    )
    return ownership.decide(
        subject.pod, readers.values(), signalled, subject.context, subject.settings
    )


def _check(subject: Subject, layout: Layout, problems: Problems) -> None:
    options, pod = subject.intent.options, subject.pod
    collisions.check_files(layout.volumes, layout.selected, problems)
    collisions.check_mounts(layout.volumes, layout.selected, options, problems)
    variables.check(layout.selected, options, subject.context, subject.settings, problems)
    if layout.sidecar is not Sidecar.NONE:
        sidecar.check(pod, options, layout.selected, subject.context, problems)
        sidecar.check_signals(options, layout.selected, layout.ownership.uid, problems)
    by_default = options.mode is None and any(
        item.wanted.mode is None and item.wanted.kind != "env" for item in layout.selected
    )
    ownership.warn(pod, layout.ownership, problems, has_default_modes=by_default)
