"""A pod's spec: its containers, the places of its volumes, and the Secrets that it names."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syrette.convert.options import mount_path
from webhook.annotations import parsers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LISTS: Final = ("initContainers", "containers")
WRITABLE: Final = 0o022  # by group and others; the mount is read-only


@dataclass(frozen=True, slots=True)
class Place:
    """A directory, and the containers that have it."""

    mount: str
    containers: tuple[str, ...]
    """Empty when all have it."""

    @property
    def where(self) -> dict[str, Any]:
        """What an item says of it."""
        limited = {"containers": list(self.containers)} if self.containers else {}
        return {"mount": self.mount} | limited


def listed(holder: object, key: str) -> list[dict[str, Any]]:
    """Mappings of a list, whatever else stands there."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []


def whole(holder: Mapping[str, Any], key: str) -> list[Any]:
    """A list with whatever stands there, which is kept."""
    found = holder.get(key)
    return found if isinstance(found, list) else []


def mapping(holder: object, key: str) -> dict[str, Any]:
    """A mapping within a mapping, empty where something else stands there."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def containers(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Init containers and containers of a pod."""
    for key in _LISTS:
        yield from listed(spec, key)


def mode(value: object) -> str:
    """
    Permissions of a file as ours are written.

    Args:
        value: an octal text; or a number, as YAML has read it.

    Raises:
        ValueError: for what is no mode.
    """
    if value in (None, ""):
        return ""
    if isinstance(value, str) and set(value) - set("01234567"):
        raise ValueError(f"`{value[:20]}` is no octal mode")
    number = int(value, 8) if isinstance(value, str) else value
    if not isinstance(number, int):
        raise ValueError("it has no octal mode")  # noqa: TRY004 - one error type for every wrong value
    found = f"{number & ~WRITABLE:04o}"
    parsers.mode(found)
    return found


def places(spec: Mapping[str, Any], volume: str) -> list[Place]:
    """
    Directories in which containers have a volume.

    Raises:
        ValueError: for a mount that ours cannot have.
    """
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for container in containers(spec):
        name = str(container.get("name"))
        names.append(name)
        for mount in listed(container, "volumeMounts"):
            if mount.get("name") != volume:
                continue
            if mount.get("subPath") or mount.get("subPathExpr"):
                raise ValueError(
                    f"the container {name} mounts one file of it by subPath; ours is a directory: "
                    "mount the whole volume into one of its own and convert again"
                )
            path = mount_path(posixpath.normpath(str(mount.get("mountPath") or "")))
            found.setdefault(path, []).append(name)
    if not found:
        raise ValueError("no container mounts it: only the Secrets that it makes are wanted")
    everywhere = sorted(names)
    return [
        Place(path, () if sorted(chosen) == everywhere else tuple(chosen))
        for path, chosen in found.items()
    ]


def remove(spec: dict[str, Any], volume: str) -> None:
    """Take a volume and its mounts out of a pod; a list that is empty then goes, too."""
    _without(spec, "volumes", volume)
    for container in containers(spec):
        _without(container, "volumeMounts", volume)


def _without(holder: dict[str, Any], key: str, name: str) -> None:
    if key in holder:
        holder[key] = [it for it in whole(holder, key) if mapping({"": it}, "").get("name") != name]
        if not holder[key]:
            del holder[key]


def secrets(spec: Mapping[str, Any]) -> Iterator[str]:
    """Names of the Secrets that a pod reads, however it does."""
    for container in containers(spec):
        for variable in listed(container, "env"):
            yield str(mapping(mapping(variable, "valueFrom"), "secretKeyRef").get("name") or "")
        for source in listed(container, "envFrom"):
            yield str(mapping(source, "secretRef").get("name") or "")
    for volume in listed(spec, "volumes"):
        yield str(mapping(volume, "secret").get("secretName") or "")
        for source in listed(mapping(volume, "projected"), "sources"):
            yield str(mapping(source, "secret").get("name") or "")
    for reference in listed(spec, "imagePullSecrets"):
        yield str(reference.get("name") or "")
