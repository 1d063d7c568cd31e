"""Where a pod uses a volume of the driver, and the variables that it reads from its Secrets."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from syrette.convert.options import mount_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syrette.convert.csi.reading import Item

DRIVER: Final = "secrets-store.csi.k8s.io"
_LISTS: Final = ("initContainers", "containers")


@dataclass(frozen=True, slots=True)
class Place:
    """A directory, and the containers that have it."""

    mount: str
    containers: tuple[str, ...]
    """Empty when all have it."""


def _list(holder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = holder.get(key)
    return [it for it in listed if isinstance(it, dict)] if isinstance(listed, list) else []


def _containers(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in _LISTS:
        yield from _list(spec, key)


def volumes(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of the driver's volumes and of their classes."""
    found: list[tuple[str, str]] = []
    for volume in _list(spec, "volumes"):
        csi = volume.get("csi")
        if isinstance(csi, dict) and csi.get("driver") == DRIVER:
            attributes = csi.get("volumeAttributes") or {}
            found.append(
                (str(volume.get("name")), str(attributes.get("secretProviderClass") or ""))
            )
    return found


def places(spec: Mapping[str, Any], volume: str) -> list[Place]:
    """
    Directories in which containers have a volume.

    Raises:
        ValueError: for a mount that ours cannot have.
    """
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for container in _containers(spec):
        name = str(container.get("name"))
        names.append(name)
        for mount in _list(container, "volumeMounts"):
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
    for container in _containers(spec):
        _without(container, "volumeMounts", volume)


def _without(holder: dict[str, Any], key: str, name: str) -> None:
    if key in holder:
        holder[key] = [it for it in holder[key] if it.get("name") != name]
        if not holder[key]:
            del holder[key]


@dataclass(slots=True)
class Variables:
    """Uses of one Secret that a class makes; each is taken, or said to be left."""

    secret: str
    keys: Mapping[str, Item | None]
    """The file of each key; None where it has no equivalent."""
    taken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def take(self, spec: dict[str, Any]) -> list[dict[str, Any]]:
        """Take variables out of the containers, and give an item for each."""
        self._others(spec)
        wanted: dict[tuple[str, str], tuple[Item, list[str]]] = {}
        names = [str(container.get("name")) for container in _containers(spec)]
        for container in _containers(spec):
            for name, item in self._of(container):
                key = (name, str(item.source))
                wanted.setdefault(key, (item, []))[1].append(str(container.get("name")))
        made: list[dict[str, Any]] = []
        for (name, _), (item, chosen) in wanted.items():
            self.taken.append(name)
            limited = {} if sorted(chosen) == sorted(names) else {"containers": chosen}
            made.append({**item.source, "env": name} | limited)
        return made

    def _of(self, container: dict[str, Any]) -> list[tuple[str, Item]]:
        where = f"the container {container.get('name')}"
        taken: list[tuple[str, Item]] = []
        kept: list[dict[str, Any]] = []
        for variable in _list(container, "env"):
            chosen = (variable.get("valueFrom") or {}).get("secretKeyRef") or {}
            if chosen.get("name") != self.secret:
                kept.append(variable)
                continue
            name, item = str(variable.get("name")), self.keys.get(str(chosen.get("key")))
            if item is None:
                self.left.append(f"{where}: `{name}` wants a key that no converted file has")
            elif f"$({name})" in json.dumps([container.get(k) for k in ("env", "command", "args")]):
                self.left.append(f"{where} puts $({name}) together, which ours cannot be part of")
            else:
                taken.append((name, item))
                continue
            kept.append(variable)
        if taken:
            container["env"] = kept
            if not kept:
                del container["env"]
        return taken + self._from(container, where)

    def _from(self, container: dict[str, Any], where: str) -> list[tuple[str, Item]]:
        taken: list[tuple[str, Item]] = []
        kept: list[dict[str, Any]] = []
        own = {str(variable.get("name")) for variable in _list(container, "env")}
        for source in _list(container, "envFrom"):
            if (source.get("secretRef") or {}).get("name") != self.secret:
                kept.append(source)
                continue
            named = {f"{source.get('prefix') or ''}{key}": it for key, it in self.keys.items()}
            sound = all(it is not None and _is_variable(name) for name, it in named.items())
            if own & set(named) or not sound:
                self.left.append(
                    f"{where}: its envFrom has names that ours cannot be or keep, or a key that no "
                    "converted file has"
                )
                kept.append(source)
                continue
            taken.extend((name, it) for name, it in named.items() if it is not None)
        if taken:
            container["envFrom"] = kept
            if not kept:
                del container["envFrom"]
        return taken

    def _others(self, spec: Mapping[str, Any]) -> None:
        """Name uses that are no variables."""
        for volume in _list(spec, "volumes"):
            sources = [volume, *_list(volume.get("projected") or {}, "sources")]
            for source in sources:
                secret = source.get("secret")
                chosen = secret if isinstance(secret, dict) else {}
                if self.secret in (chosen.get("secretName"), chosen.get("name")):
                    self.left.append(
                        f"the volume {volume.get('name')} holds the Secret: mount the files instead"
                    )
        if any(it.get("name") == self.secret for it in _list(spec, "imagePullSecrets")):
            self.left.append("imagePullSecrets: the kubelet reads a Secret")


def _is_variable(name: str) -> bool:
    return name.isidentifier() and name.isascii()
