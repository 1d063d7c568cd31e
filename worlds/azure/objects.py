"""What lies in a vault: secrets, keys and certificates with their versions. No permissions here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypedDict, TypeVar

from worlds.azure.errors import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric import rsa

    from worlds.azure.issuing import Issued


class Attributes(TypedDict, total=False):
    """What any version may differ in."""

    enabled: bool
    nbf: float
    """Not before; seconds since the epoch."""
    exp: float
    """Expiry; seconds since the epoch."""
    tags: Mapping[str, str]


@dataclass(slots=True, kw_only=True, eq=False)
class Version:
    """What every version of anything has."""

    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created: float
    enabled: bool = True
    nbf: float | None = None
    exp: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, object]:
        """Write the attributes as answers have them; whole seconds."""
        times = {"nbf": self.nbf, "exp": self.exp, "created": self.created, "updated": self.created}
        return {
            "enabled": self.enabled,
            **{name: int(time) for name, time in times.items() if time is not None},
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Secret(Version):
    """A secret's value."""

    value: str = field(repr=False)
    content_type: str = ""
    certificate: str = ""
    """Path of the certificate that it belongs to, `name/version`."""


@dataclass(slots=True, kw_only=True, eq=False)
class Key(Version):
    """An RSA key."""

    private: rsa.RSAPrivateKey = field(repr=False)
    operations: tuple[str, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Certificate(Version):
    """A certificate, whose private key is in the secret of the same name and version."""

    issued: Issued
    content_type: str


V = TypeVar("V", bound=Version)


@dataclass(slots=True, eq=False)
class Named(Generic[V]):
    """An object with its versions, the current one last."""

    name: str
    versions: dict[str, V] = field(default_factory=dict)

    @property
    def current(self) -> V:
        """The version that is meant when none is said."""
        return list(self.versions.values())[-1]


class Shelf(Generic[V]):
    """
    The objects of one kind in one vault. Names are compared without regard to case.

    Args:
        kind: `Secret`, `Key` or `Certificate`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._named: dict[str, Named[V]] = {}
        self._deleted: dict[str, Named[V]] = {}

    def put(self, name: str, version: V) -> V:
        """Add a version, which is the current one from now on."""
        named = self._named.setdefault(name.lower(), Named(name))
        named.versions[version.id] = version
        return version

    def get(self, name: str, version: str = "") -> tuple[str, V]:
        """
        Give an object's name as it was made, and a version; the current one when none is said.

        Raises:
            AzureError: SecretNotFound and its like.
        """
        named = self._named.get(name.lower())
        if named is None:
            raise not_found(self.kind, name)
        if not version:
            return named.name, named.current
        found = named.versions.get(version.lower())
        if found is None:
            raise not_found(self.kind, f"{name}/{version}")
        return named.name, found

    def delete(self, name: str) -> None:
        """Delete softly: nothing reads it until it is recovered."""
        self._deleted[name.lower()] = self._named.pop(name.lower())

    def recover(self, name: str) -> None:
        """Take a deletion back."""
        self._named[name.lower()] = self._deleted.pop(name.lower())
