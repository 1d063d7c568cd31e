"""
Collisions: files that cannot stand beside each other, and mounts that would hide something.

Looks at the final set of files of each volume. The keys of a mapping secret are not known here, so
a directory collides only by its own path.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left, insort
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
                        f"directory, and {selected[other].wanted.origin} makes it a file"
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
    held: dict[str, _Mounts] = {}
    for volume in volumes:
        for container in volume.containers:
            if container.name not in held:
                held[container.name] = _Mounts(container)
            met = held[container.name].meeting(volume.mount)
            if met is not None:
                origin = _origin(volume, selected, options)
                message = (
                    f"the mount `{volume.mount}` in the container `{container.name}` meets its "
                    f"{met}; choose another `{DOMAIN}/mount-path` or `mount`"
                )
                problems.add(Reason.NAME_COLLISION, origin.key, message, origin.line)
            held[container.name].add(volume.mount, f"secrets at `{volume.mount}`")


class _Mounts:
    """
    Where one container mounts something, with words for each place.

    Sorted, since a pod may have tens of thousands: comparing each with each would take seconds.
    """

    def __init__(self, container: Container) -> None:
        self._words: dict[str, str] = {}
        for mount in container.mounts:
            path, volume = mount.get("mountPath"), mount.get("name")
            if isinstance(path, str) and not str(volume).startswith(RESERVED_PREFIX):
                self._words.setdefault(_place(path), f"volume `{volume}` at `{path}`")
        self._places = sorted(self._words)

    def add(self, path: str, words: str) -> None:
        """Note one of ours."""
        place = _place(path)
        if place not in self._words:
            self._words[place] = words
            insort(self._places, place)

    def meeting(self, path: str) -> str | None:
        """Words for what is mounted at `path`, above or below it; None where nothing is."""
        place = _place(path)
        above = place
        while above not in self._words and above != "/":
            above = posixpath.dirname(above)
        if above in self._words:
            return self._words[above]
        below = bisect_left(self._places, f"{place}/")
        if below < len(self._places) and self._places[below].startswith(f"{place}/"):
            return self._words[self._places[below]]
        return None


def _place(path: str) -> str:
    """
    Where a mount ends up: a relative path counts from the root, as the kubelet has it.

    `/var/run` is a link to `/run` in most images, so that one would be mounted within the other.
    """
    place = posixpath.normpath("/" + path.lstrip("/"))
    return place[4:] if f"{place}/".startswith("/var/run/") else place


def _origin(volume: FileVolume, selected: Sequence[Selected], options: Options) -> Origin:
    wanted = selected[volume.secrets[0]].wanted
    if wanted.mount is not None:
        return wanted.origin
    return options.given.get("mount-path", wanted.origin)
