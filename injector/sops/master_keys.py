"""
Master keys: what has encrypted a document's data key, as the metadata says it.

Everything in here was written by whoever wrote the document: an address is where he wants us to
ask, not where we may.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from injector.sops.errors import printable
from injector.sops.limits import MAX_WRAPPED_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.sops.fields import Fields

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A key of AWS KMS."""

    kind: ClassVar[str] = "kms"
    arn: str
    role: str
    """ARN of a role to assume for the call, or empty."""
    context: tuple[tuple[str, str], ...]
    """The encryption context, in the document's order."""
    enc: str = field(repr=False)
    """Standard base64 of KMS' `CiphertextBlob`."""

    @property
    def identifier(self) -> str:
        """What names the key."""
        return self.arn


@dataclass(frozen=True, slots=True)
class GcpKmsKey:
    """A key of Google Cloud KMS."""

    kind: ClassVar[str] = "gcp_kms"
    resource_id: str
    enc: str = field(repr=False)
    """Standard base64."""

    @property
    def identifier(self) -> str:
        """What names the key."""
        return self.resource_id


@dataclass(frozen=True, slots=True)
class AzureKey:
    """A key of Azure Key Vault."""

    kind: ClassVar[str] = "azure_kv"
    vault_url: str
    name: str
    version: str
    """May be empty: the newest."""
    enc: str = field(repr=False)
    """Unpadded base64url."""

    @property
    def identifier(self) -> str:
        """What names the key."""
        return f"{self.vault_url.rstrip('/')}/keys/{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class VaultKey:
    """A key of Vault's or OpenBao's transit engine."""

    kind: ClassVar[str] = "hc_vault"
    vault_address: str
    engine_path: str
    """May contain `/`."""
    key_name: str
    enc: str = field(repr=False)
    """`vault:vN:…`."""

    @property
    def identifier(self) -> str:
        """What names the key."""
        return f"{self.vault_address.rstrip('/')}/v1/{self.engine_path}/keys/{self.key_name}"


@dataclass(frozen=True, slots=True)
class AgeKey:
    """A recipient of age: an X25519 or SSH public key."""

    kind: ClassVar[str] = "age"
    recipient: str
    enc: str = field(repr=False)
    """An age file in ASCII armour."""

    @property
    def identifier(self) -> str:
        """What names the key."""
        return self.recipient


@dataclass(frozen=True, slots=True)
class UnsupportedKey:
    """A key of a kind that is known and cannot be used: PGP, Huawei Cloud."""

    kind: str
    identifier: str


MasterKey = KmsKey | GcpKmsKey | AzureKey | VaultKey | AgeKey | UnsupportedKey


def describe(key: MasterKey) -> str:
    """Name a key in a message; its id is no secret."""
    return f"{key.kind} {printable(key.identifier, _SHOWN)}"


def _kms(fields: Fields) -> MasterKey:
    return KmsKey(fields.text("arn"), fields.text("role"), fields.texts("context"), _enc(fields))


def _gcp_kms(fields: Fields) -> MasterKey:
    return GcpKmsKey(fields.text("resource_id"), _enc(fields))


def _azure_kv(fields: Fields) -> MasterKey:
    return AzureKey(
        fields.text("vault_url"), fields.text("name"), fields.text("version"), _enc(fields)
    )


def _hc_vault(fields: Fields) -> MasterKey:
    return VaultKey(
        fields.text("vault_address"),
        fields.text("engine_path"),
        fields.text("key_name"),
        _enc(fields),
    )


def _age(fields: Fields) -> MasterKey:
    return AgeKey(fields.text("recipient"), _enc(fields))


def _enc(fields: Fields) -> str:
    return fields.text("enc", MAX_WRAPPED_KEY)


READERS: Final[Mapping[str, Callable[[Fields], MasterKey]]] = {
    "kms": _kms,
    "gcp_kms": _gcp_kms,
    "hckms": lambda fields: UnsupportedKey("hckms", fields.text("key_id")),
    "azure_kv": _azure_kv,
    "hc_vault": _hc_vault,
    "pgp": lambda fields: UnsupportedKey("pgp", fields.text("fp")),
    "age": _age,
}
"""By the metadata's names, in the order in which SOPS reads the kinds."""
