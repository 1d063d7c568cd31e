"""
What both programs know of SOPS documents: where one is, and what its name says of its format.

A document is a key of a ConfigMap, which the kubelet mounts in our containers, or a file of one of
the pod's own volumes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from injector.contract import names
from injector.contract.field import DATA_KEY, OBJECT_NAME

FORMATS: Final = ("yaml", "json", "dotenv", "ini", "binary")
"""Values of the option `type`."""
_BY_ENDING: Final = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".env": "dotenv",
    ".ini": "ini",
}
"""As SOPS itself (getsops/sops `cmd/sops/formats`); what ends otherwise is binary."""

CONFIG_MAP: Final = "configmap"
VOLUME: Final = "volume"
AGE_KEY: Final = "age.agekey"
"""Key of the Secret with the identities where nobody names one, as for Flux."""
_OBJECT: Final = re.compile(OBJECT_NAME, re.ASCII)
_KEY: Final = re.compile(DATA_KEY, re.ASCII)
# `ValidateDNS1123Label` of apimachinery, by which volumes are named.
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_WRITE: Final = "write `configmap/<name>/<key>` or `volume/<volume>/<path>`"


class InvalidPathError(ValueError):
    """A path that names no document; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is."""

    kind: str
    """`configmap` or `volume`."""
    name: str
    """Of the ConfigMap, or of the pod's volume."""
    path: str
    """Key of the ConfigMap, or path within the volume."""

    @property
    def base(self) -> str:
        """Directory of our containers that the document may not lead out of."""
        if self.kind == VOLUME:
            return names.pod_volume_directory(self.name)
        return names.DOCUMENTS_DIRECTORY

    @property
    def file(self) -> str:
        """Path of the document in our containers."""
        within = self.path if self.kind == VOLUME else names.config_map_path(self.name, self.path)
        return f"{self.base}/{within}"

    def format(self, given: str) -> str:
        """Format of the document: what the option `type` says, else what its name ends with."""
        ending = re.search(r"\.[^./]+$", self.path)
        return given or _BY_ENDING.get(ending[0] if ending else "", "binary")


def parse_path(path: str) -> Place:
    """
    Take a path apart.

    Raises:
        InvalidPathError: for what names no document.
    """
    kind, _, rest = path.partition("/")
    name, _, inner = rest.partition("/")
    if kind not in {CONFIG_MAP, VOLUME} or not inner or path.endswith("/"):
        msg = f"`{path[:120]}` names no document: {_WRITE}"
        raise InvalidPathError(msg)
    if kind == VOLUME:
        if not _LABEL.fullmatch(name) or name.startswith(names.RESERVED_PREFIX):
            msg = f"`{name[:60]}` is no volume of the pod"
            raise InvalidPathError(msg)
        return Place(kind, name, inner)
    if not _OBJECT.fullmatch(name):
        msg = f"`{name[:60]}` is no name of a ConfigMap"
        raise InvalidPathError(msg)
    if not _KEY.fullmatch(inner):
        msg = f"`{inner[:60]}` is no key of a ConfigMap: letters, digits and `-_.`"
        raise InvalidPathError(msg)
    return Place(kind, name, inner)
