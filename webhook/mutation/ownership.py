"""
Who can read the files: the uid that our containers run as, and the mode of what they write.

The application can read them, others cannot, where that is known: by the group of the volumes
(fsGroup), or because every reader runs as one known uid. Root counts as unknown, since root without
capabilities cannot read another's 0400.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.mutation.pod import Container, Pod
    from webhook.settings import Settings

BY_GROUP: Final = 0o440
BY_OWNER: Final = 0o400
BY_ALL: Final = 0o444


@dataclass(frozen=True, slots=True)
class Ownership:
    """How our containers run and write."""

    uid: int | None
    """None leaves it to the cluster (OpenShift)."""
    mode: int
    """Of files whose mode nobody gave."""


def decide(
    pod: Pod,
    readers: Iterable[Container],
    signalled: Iterable[Container],
    context: Context,
    settings: Settings,
) -> Ownership:
    """
    Choose uid and mode.

    Args:
        pod: for its fsGroup.
        readers: containers that get files.
        signalled: containers one of which is sent signals: only its own uid may do that.
        context: says whether uids are the cluster's to give.
        settings: with the uid to fall back to.
    """
    uids = {container.uid for container in readers}
    common = uids.pop() if len(uids) == 1 else None
    mode = BY_ALL
    if pod.fs_group is not None:
        mode = BY_GROUP
    elif common:
        mode = BY_OWNER
    targets = [container.uid for container in signalled if container.uid]
    known = common if common and (not targets or common in targets) else None
    if known is None and targets:
        known = targets[0]
    if known is None and not context.openshift:
        known = settings.injector.uid
    if mode == BY_OWNER and known != common:
        mode = BY_ALL
    return Ownership(known, mode)


def warn(pod: Pod, ownership: Ownership, problems: Problems, *, has_default_modes: bool) -> None:
    """Say which defaults surprise."""
    if has_default_modes and ownership.mode == BY_ALL:
        problems.warn(
            "files are readable by every uid of the pod: set fsGroup, or one runAsUser other than 0"
        )
    uids = {container.uid for container in pod.containers}
    # The kubelet owns tokens by the one uid of all containers, and else makes them 0644.
    if pod.fs_group is None and len(uids) == 1 and None not in uids and ownership.uid not in uids:
        problems.warn(
            "other projected tokens of the pod become 0644, since the injector's uid differs"
        )
