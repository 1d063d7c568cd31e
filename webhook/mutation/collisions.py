"""
Collisions: files that cannot stand beside each other, and mounts that would hide something.

Looks at the final set of files of each volume. The keys of a mapping secret are not known here, so
a directory collides only by its own path.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from injector.contract.names import DOMAIN, RESERVED_PREFIX
from injector.contract.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webhook.annotations.intent import Options, Origin
    from webhook.errors import Problems
    from webhook.mutation.pod import Container
    from webhook.mutation.selection import Selected
    from webhook.mutation.volumes import FileVolume


def check_files(
    volumes: Sequence[FileVolume], selected: Sequence[Selected], problems: Problems
) -> None:
    """Note every file whose path another one needs as a directory."""
    said: set[tuple[int, int]] = set()
    for volume in volumes:
        files = {
            selected[position].wanted.path: position
            for position in volume.secrets
            if selected[position].wanted.kind == "file"
        }
        for position in volume.secrets:
            wanted = selected[position].wanted
            parent = posixpath.dirname(wanted.path)
            while parent:
                other = files.get(parent)
                if other is not None and (other, position) not in said:
                    said.add((other, position))
                    message = (
                        f"`{volume.mount}/{wanted.path}` needs `{volume.mount}/{parent}` as a "
                        f"directory, and {selected[other].wanted.origin.key} makes it a file"
                    )
                    origin = wanted.origin
                    problems.add(Reason.NAME_COLLISION, origin.key, message, origin.line)
                parent = posixpath.dirname(parent)


def check_mounts(
    volumes: Sequence[FileVolume],
    selected: Sequence[Selected],
    options: Options,
    problems: Problems,
) -> None:
    """Note every mount of ours that is equal to, above or below another one of its container."""
    held: dict[str, list[tuple[str, str]]] = {}
    for volume in volumes:
        for container in volume.containers:
            if container.name not in held:
                held[container.name] = _others(container)
            others = held[container.name]
            for path, what in others:
                if not _overlap(volume.mount, path):
                    continue
                origin = _origin(volume, selected, options)
                message = (
                    f"the mount `{volume.mount}` in the container `{container.name}` meets its "
                    f"{what}; choose another `{DOMAIN}/mount-path` or `mount`"
                )
                problems.add(Reason.NAME_COLLISION, origin.key, message, origin.line)
            others.append((volume.mount, f"secrets at `{volume.mount}`"))


def _others(container: Container) -> list[tuple[str, str]]:
    """Where the container itself mounts something, with words for it."""
    found: list[tuple[str, str]] = []
    for mount in container.mounts:
        path, volume = mount.get("mountPath"), mount.get("name")
        if isinstance(path, str) and not str(volume).startswith(RESERVED_PREFIX):
            found.append((posixpath.normpath(path), f"volume `{volume}` at `{path}`"))
    return found


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _origin(volume: FileVolume, selected: Sequence[Selected], options: Options) -> Origin:
    wanted = selected[volume.secrets[0]].wanted
    if wanted.mount is not None:
        return wanted.origin
    return options.given.get("mount-path", wanted.origin)
