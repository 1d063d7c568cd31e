"""
A container's view of the file system: a directory of its own with links in place of mounts.

`/secrets` of the container is `<its root>/secrets`. A link cannot keep a process from writing, so
`readOnly` is recorded only; and what is mounted into another mount would show up in that volume, so
it is refused.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from worlds.pods.errors import ContainerConfigError, UnsupportedPodError
from worlds.pods.expansion import expand

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from worlds.pods.spec import Container, Mount
    from worlds.pods.volumes import Volumes


def check(container: Container) -> None:
    """
    Refuse what links cannot show.

    Raises:
        UnsupportedPodError: for a mount inside another one, or over the whole root.
    """
    paths = sorted(mount.path for mount in container.mounts)
    for outer, inner in itertools.combinations(paths, 2):
        if inner == outer or inner.startswith(f"{outer.rstrip('/')}/"):
            msg = f"{container.place}: the runner cannot mount `{inner}` inside `{outer}`"
            raise UnsupportedPodError(msg)


def make(
    root: Path, container: Container, volumes: Volumes, environment: Mapping[str, str]
) -> None:
    """
    Link every mount of a container into its root; one that is there already stays.

    Raises:
        ContainerConfigError: for a sub-path that leads out of its volume.
    """
    for mount in container.mounts:
        link = root / mount.path.lstrip("/")
        if link.is_symlink():
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(_source(container, mount, volumes, environment))


def _source(
    container: Container, mount: Mount, volumes: Volumes, environment: Mapping[str, str]
) -> Path:
    volume = volumes.directory(mount.volume)
    below = mount.sub_path or expand(mount.sub_path_expression, environment)
    if not below:
        return volume
    source = volume / below
    if ".." in below.split("/") or not source.resolve().is_relative_to(volume.resolve()):
        raise ContainerConfigError(container.name, f"subPath of {mount.path} leaves its volume")
    if not source.exists():
        source.mkdir(parents=True)
    return source
