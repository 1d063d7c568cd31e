"""
A pod's volumes as directories of this machine.

`emptyDir` is a directory that anybody may write, in memory or not; projected, configMap, secret and
downwardAPI volumes have their files; every other kind is an empty directory in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from worlds.pods import fields, projection
from worlds.pods.errors import VolumeError
from worlds.pods.projection import DEFAULT_MODE, File

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from worlds.pods.spec import PodSpec

_EXPIRATION: Final = 3600  # seconds: the API server's default
_ANYBODY: Final = 0o777  # as the kubelet makes an emptyDir


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What the kubelet asks the API server for: a token of a service account, for one pod."""

    namespace: str
    service_account: str
    audience: str
    """Empty is the API server's own."""
    lifetime: int
    """Seconds."""
    pod: str
    pod_uid: str


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of the pod's namespace that volumes and variables may name."""

    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def data(self, kind: str, name: str) -> Mapping[str, str] | None:
        """Give the data of a `configMap` or `secret`, None where there is none of that name."""
        return (self.secrets if kind == "secret" else self.config_maps).get(name)


class Volumes:
    """
    The volumes of one pod.

    Args:
        root: the folder that they are made in.
        pod: whose they are.
        mint: makes tokens.
        objects: what they may hold beside tokens.
    """

    def __init__(
        self, root: Path, pod: PodSpec, mint: Callable[[TokenRequest], str], objects: Objects
    ) -> None:
        self._root = root
        self._pod = pod
        self._mint = mint
        self._objects = objects

    def directory(self, name: str) -> Path:
        """Where a volume is."""
        return self._root / name

    def make(self) -> None:
        """
        Make every volume.

        Raises:
            VolumeError: for one that the kubelet could not set up.
        """
        for volume in self._pod.volumes:
            directory = self.directory(volume["name"])
            directory.mkdir(parents=True)
            directory.chmod(_ANYBODY if set(volume) <= {"name", "emptyDir"} else 0o755)
            self._write(volume)

    def rotate(self) -> None:
        """Write every file of the kubelet's own again, with new tokens."""
        for volume in self._pod.volumes:
            self._write(volume)

    def _write(self, volume: Mapping[str, Any]) -> None:
        found = self._files(volume)
        if found is not None:
            projection.write(self.directory(volume["name"]), found)

    def _files(self, volume: Mapping[str, Any]) -> dict[str, File] | None:
        """Give the files that the kubelet writes, None for a volume that is not its own."""
        name = volume["name"]
        if "projected" in volume:
            mode = volume["projected"].get("defaultMode", DEFAULT_MODE)
            found: dict[str, File] = {}
            for source in volume["projected"].get("sources") or ():
                for kind, content in source.items():
                    found |= self._source(kind, content, mode, name)
            return found
        for kind in ("configMap", "secret", "downwardAPI"):
            if kind in volume:
                content = dict(volume[kind])
                content.setdefault("name", content.get("secretName"))
                return self._source(kind, content, content.get("defaultMode", DEFAULT_MODE), name)
        return None

    def _source(
        self, kind: str, content: Mapping[str, Any], mode: int, volume: str
    ) -> dict[str, File]:
        if kind == "serviceAccountToken":
            return {content["path"]: File(self._token(content).encode(), mode)}
        if kind == "downwardAPI":
            return {
                item["path"]: File(self._item(item).encode(), item.get("mode", mode))
                for item in content.get("items") or ()
            }
        data = self._objects.data(kind, content["name"])
        if data is None and not content.get("optional"):
            msg = f'volume {volume}: {kind} "{content["name"]}" not found'
            raise VolumeError(msg)
        return _keys(data or {}, content, mode, volume)

    def _token(self, content: Mapping[str, Any]) -> str:
        return self._mint(
            TokenRequest(
                namespace=self._pod.namespace,
                service_account=self._pod.service_account,
                audience=content.get("audience") or "",
                lifetime=content.get("expirationSeconds") or _EXPIRATION,
                pod=self._pod.name,
                pod_uid=self._pod.uid,
            )
        )

    def _item(self, item: Mapping[str, Any]) -> str:
        if "fieldRef" in item:
            return fields.field(self._pod, item["fieldRef"]["fieldPath"])
        reference = item["resourceFieldRef"]
        container = self._pod.container(reference["containerName"])
        return fields.resource(container.document, reference)


def _keys(
    data: Mapping[str, str], content: Mapping[str, Any], mode: int, volume: str
) -> dict[str, File]:
    """Give all keys of an object, or those that are named."""
    items = content.get("items") or [{"key": key, "path": key} for key in data]
    found = {}
    for item in items:
        if item["key"] in data:
            found[item["path"]] = File(data[item["key"]].encode(), item.get("mode", mode))
        elif not content.get("optional"):
            msg = f'volume {volume}: "{content["name"]}" has no key "{item["key"]}"'
            raise VolumeError(msg)
    return found
