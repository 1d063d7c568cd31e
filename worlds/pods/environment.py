"""
The environment of a container, as the kubelet makes it: only what the specification says.

Source: makeEnvironmentVariables in pkg/kubelet/kubelet_pods.go. `envFrom` comes first; a value may
refer to variables before it; nothing of an image or of services is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worlds.pods import envfiles, fields
from worlds.pods.errors import ContainerConfigError
from worlds.pods.expansion import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.pods.spec import Container, PodSpec
    from worlds.pods.volumes import Objects, Volumes


@dataclass(frozen=True, slots=True)
class Sources:
    """Where values come from."""

    pod: PodSpec
    volumes: Volumes
    objects: Objects

    def of(self, container: Container) -> dict[str, str]:
        """
        Give the variables of a container, in order.

        Raises:
            ContainerConfigError: for a source that is not there.
        """
        found = self._from_objects(container)
        for entry in container.document.get("env") or ():
            value: str | None = entry.get("value") or ""
            if value:
                value = expand(value, found)
            elif entry.get("valueFrom") is not None:
                value = self._value(container, entry["valueFrom"])
            if value is not None:
                found[entry["name"]] = value
        return found

    def _from_objects(self, container: Container) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container.document.get("envFrom") or ():
            for kind in ("configMap", "secret"):
                reference = source.get(f"{kind}Ref")
                if reference is not None:
                    data = self._data(container, kind, reference)
                    prefix = source.get("prefix") or ""
                    found |= {f"{prefix}{key}": value for key, value in data.items()}
        return found

    def _value(self, container: Container, source: Mapping[str, Any]) -> str | None:
        """Give one value; None leaves the variable out."""
        kind, reference = next((k, v) for k, v in source.items() if v is not None)
        if kind == "fieldRef":
            return fields.field(self.pod, reference["fieldPath"])
        if kind == "resourceFieldRef":
            name = reference.get("containerName") or container.name
            return fields.resource(self.pod.container(name).document, reference)
        if kind == "fileKeyRef":
            return self._of_file(container, reference)
        data = self._data(container, kind.removesuffix("KeyRef"), reference)
        if reference["key"] not in data and not reference.get("optional"):
            problem = f"couldn't find key {reference['key']} in {reference['name']}"
            raise ContainerConfigError(container.name, problem)
        return data.get(reference["key"])

    def _data(
        self, container: Container, kind: str, reference: Mapping[str, Any]
    ) -> Mapping[str, str]:
        data = self.objects.data(kind, reference["name"])
        if data is None and not reference.get("optional"):
            raise ContainerConfigError(container.name, f'{kind} "{reference["name"]}" not found')
        return data or {}

    def _of_file(self, container: Container, reference: Mapping[str, Any]) -> str | None:
        volume = self.volumes.directory(reference["volumeName"]).resolve()
        path = (volume / reference["path"]).resolve()
        if not path.is_relative_to(volume):  # the kubelet never follows a link out of the volume
            problem = f"couldn't parse env file `{reference['path']}`: it is outside its volume"
            raise ContainerConfigError(container.name, problem)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                value = envfiles.value(file.read(), reference["key"])
        except (OSError, ValueError) as exc:
            # `optional` is about the key, not about the file.
            problem = f"couldn't parse env file `{reference['path']}`: {exc}"
            raise ContainerConfigError(container.name, problem) from exc
        if not value and not reference.get("optional"):
            problem = f'environment variable key "{reference["key"]}" not found in file'
            raise ContainerConfigError(container.name, problem)
        return value or None
