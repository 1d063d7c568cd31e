"""Cloud KMS: symmetric keys with versions, AES-256-GCM, checksums as the API has them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from worlds.gcp.errors import (
    NOT_FOUND,
    GcpError,
    invalid,
    permission_denied,
    precondition,
)
from worlds.gcp.iam import DECRYPT, ENCRYPT
from worlds.gcp.wire import base64_of, body_of, bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp.calls import Call
    from worlds.gcp.iam import Bindings
    from worlds.gcp.identities import Project

VersionState = Literal["ENABLED", "DISABLED", "DESTROYED", "DESTROY_SCHEDULED"]
_MAX: Final = 64 * 1024  # bytes of a plaintext and of additional data
_MARK: Final = b"\x0a\x24"
_ID_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_HEAD: Final = len(_MARK) + _ID_BYTES + 4 + _NONCE_BYTES
_INVALID: Final = "Decryption failed: the ciphertext is invalid."
_WRONG_KEY: Final = "Decryption failed: verify that 'name' refers to the correct CryptoKey."


@dataclass(slots=True)
class KeyVersion:
    """One version of a key."""

    number: int
    material: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    state: VersionState = "ENABLED"


@dataclass(slots=True, eq=False)
class CryptoKey:
    """A symmetric key."""

    name: str
    """The resource: `projects/P/locations/L/keyRings/R/cryptoKeys/K`, with the project's id."""
    location: str
    versions: dict[int, KeyVersion] = field(default_factory=lambda: {1: KeyVersion(1)})
    primary: int = 1
    identifier: bytes = field(default_factory=lambda: secrets.token_bytes(_ID_BYTES))
    """Stands in ciphertexts, so that another key knows them for not its own."""

    def rotate(self) -> int:
        """Make a new primary version; the old ones still decrypt. Gives its number."""
        self.primary = len(self.versions) + 1
        self.versions[self.primary] = KeyVersion(self.primary)
        return self.primary

    def set_state(self, number: int, state: VersionState) -> None:
        """Enable, disable or destroy a version."""
        self.versions[number].state = state

    def seal(self, plaintext: bytes, aad: bytes = b"", *, version: int = 0) -> bytes:
        """Encrypt without any question of permission, for what a test has at hand."""
        used = self.versions[version or self.primary]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _MARK + self.identifier + used.number.to_bytes(4, "big") + nonce
        return head + AESGCM(used.material).encrypt(nonce, plaintext, aad)


@dataclass(slots=True)
class Kms:
    """The service; projects by id and number, keys by resource."""

    projects: Mapping[str, Project]
    keys: Mapping[str, CryptoKey]
    bindings: Bindings

    def encrypt(self, call: Call) -> dict[str, Any]:
        """Encrypt with the primary version, or the one that the path names."""
        key = self._key(call, ENCRYPT)
        given = body_of(call.request)
        plaintext = _checked(given, "plaintext")
        aad = _checked(given, "additionalAuthenticatedData")
        number = int(call.names.get("version", key.primary))
        _usable(key, number)
        call.detail["version"] = str(number)
        ciphertext = key.seal(plaintext, aad, version=number)
        return {
            "name": f"{key.name}/cryptoKeyVersions/{number}",
            "ciphertext": base64_of(ciphertext),
            "ciphertextCrc32c": _crc(ciphertext),
            **_verified(given, "plaintext", "verifiedPlaintextCrc32c"),
            **_verified(
                given,
                "additionalAuthenticatedData",
                "verifiedAdditionalAuthenticatedDataCrc32c",
            ),
            "protectionLevel": "SOFTWARE",
        }

    def decrypt(self, call: Call) -> dict[str, Any]:
        """Decrypt with the version that the ciphertext names."""
        key = self._key(call, DECRYPT)
        given = body_of(call.request)
        ciphertext = _checked(given, "ciphertext", most=_MAX + 1024)
        aad = _checked(given, "additionalAuthenticatedData")
        number = _version_of(key, ciphertext)
        _usable(key, number)
        call.detail["version"] = str(number)
        plaintext = _open(key.versions[number], ciphertext, aad)
        return {
            "plaintext": base64_of(plaintext),
            "plaintextCrc32c": _crc(plaintext),
            **({"usedPrimary": True} if number == key.primary else {}),
            "protectionLevel": "SOFTWARE",
        }

    def _key(self, call: Call, permission: str) -> CryptoKey:
        asked = call.names["key"]
        call.resources.append(asked)
        project = self.projects.get(call.names["project"])
        parts = asked.split("/")
        resource = "/".join([*project.name.split("/"), *parts[2:]]) if project else ""
        if not resource or not self.bindings.allows(call.principal, permission, resource):
            words = f"Permission '{permission}' denied on resource '{asked}' (or it may not exist)."
            raise permission_denied(permission, asked, words=words)
        found = self.keys.get(resource)
        if found is None:
            raise GcpError(NOT_FOUND, f"CryptoKey {asked} not found.")
        number = int(call.names.get("version", found.primary))
        if number not in found.versions:
            msg = f"CryptoKeyVersion {asked}/cryptoKeyVersions/{number} not found."
            raise GcpError(NOT_FOUND, msg)
        return found


def _usable(key: CryptoKey, number: int) -> None:
    version = key.versions[number]
    if version.state != "ENABLED":
        subject = f"{key.name}/cryptoKeyVersions/{number}"
        message = f"{subject} is not enabled, current state is: {version.state}."
        raise precondition(message, f"KEY_{version.state}", subject)


def _version_of(key: CryptoKey, ciphertext: bytes) -> int:
    if len(ciphertext) < _HEAD or not ciphertext.startswith(_MARK):
        raise invalid(_INVALID)
    start = len(_MARK)
    number = int.from_bytes(ciphertext[start + _ID_BYTES : start + _ID_BYTES + 4], "big")
    if ciphertext[start : start + _ID_BYTES] != key.identifier or number not in key.versions:
        raise invalid(_WRONG_KEY)
    return number


def _open(version: KeyVersion, ciphertext: bytes, aad: bytes) -> bytes:
    nonce = ciphertext[_HEAD - _NONCE_BYTES : _HEAD]
    try:
        return AESGCM(version.material).decrypt(nonce, ciphertext[_HEAD:], aad)
    except InvalidTag:
        raise invalid(_INVALID) from None


def _checked(given: Mapping[str, Any], name: str, *, most: int = _MAX) -> bytes:
    """Read a field of bytes within its bound, and check it by its checksum if there is one."""
    data = bytes_of(given, name)
    shown = "".join(f"_{one.lower()}" if one.isupper() else one for one in name)
    if len(data) > most:
        msg = f"The {shown} is larger than the limit of {most} bytes."
        raise invalid(msg)
    told = given.get(f"{name}Crc32c")
    if told is not None and str(told) != _crc(data):
        msg = f"The checksum in field {shown}_crc32c did not match the data in field {shown}."
        raise invalid(msg)
    return data


def _verified(given: Mapping[str, Any], name: str, flag: str) -> dict[str, bool]:
    return {flag: True} if given.get(f"{name}Crc32c") is not None else {}


def _crc(data: bytes) -> str:
    """Write a CRC32C as an int64 is written in JSON."""
    return str(google_crc32c.value(data))
