"""The secrets of Secret Manager: numbered versions, their states, aliases. No permissions here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import google_crc32c

if TYPE_CHECKING:
    from worlds.gcp.identities import Project

State = Literal["ENABLED", "DISABLED", "DESTROYED"]
LATEST: Final = "latest"
MAX_PAYLOAD: Final = 64 * 1024  # bytes


@dataclass(slots=True)
class Version:
    """One value of a secret."""

    number: int
    value: bytes = field(repr=False)
    created: float
    state: State = "ENABLED"
    destroyed: float | None = None

    @property
    def checksum(self) -> int:
        """CRC32C of the value."""
        return int(google_crc32c.value(self.value))


@dataclass(slots=True, eq=False)
class Secret:
    """One secret; global, or of one location."""

    id: str
    project: Project
    location: str = ""
    versions: dict[int, Version] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource that bindings stand on."""
        return f"{self.project.name}{self._end}"

    @property
    def shown(self) -> str:
        """The resource as answers name it, by the project's number."""
        return f"projects/{self.project.number}{self._end}"

    @property
    def _end(self) -> str:
        place = f"/locations/{self.location}" if self.location else ""
        return f"{place}/secrets/{self.id}"

    def add(self, value: bytes, *, now: float) -> Version:
        """
        Put the next version.

        Raises:
            ValueError: for a value above 64 KiB.
        """
        if len(value) > MAX_PAYLOAD:
            msg = f"a value has at most {MAX_PAYLOAD} bytes, not {len(value)}"
            raise ValueError(msg)
        version = Version(len(self.versions) + 1, value, now)
        self.versions[version.number] = version
        return version

    def find(self, version: str) -> Version | None:
        """Look up by number, alias or `latest`: the newest one, in whatever state it is."""
        if version == LATEST:
            return self.versions.get(len(self.versions))
        number = int(version) if version.isdecimal() else self.aliases.get(version, 0)
        return self.versions.get(number)

    def set_state(self, number: int, state: State, *, now: float) -> None:
        """
        Enable, disable or destroy a version.

        Raises:
            ValueError: for one that is destroyed, which nothing brings back.
        """
        version = self.versions[number]
        if version.state == "DESTROYED":
            msg = f"version {number} is destroyed for good"
            raise ValueError(msg)
        version.state = state
        if state == "DESTROYED":
            version.value, version.destroyed = b"", now
