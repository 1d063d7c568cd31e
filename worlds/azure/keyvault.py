"""
The data plane of Key Vault, as far as secrets are read and keys decrypt.

Sources: the Key Vault REST reference (Get Secret, Get Certificate, Get Key, Decrypt, Encrypt);
"About Azure Key Vault secrets", by which `nbf` and `exp` of a secret inform and do not stop `get`;
"About keys", by which keys outside of `nbf` and `exp` still decrypt and no longer encrypt; and what
the service does with disabled keys (azure-sdk-for-python#45342): only encrypt and get remain.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from worlds.azure.errors import bad_parameter, forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.azure.access_tokens import Caller
    from worlds.azure.calls import Call
    from worlds.azure.objects import Key, Version
    from worlds.azure.vaults import Vault
    from worlds.azure.wire import Asked

VERSIONS: Final = (
    *(f"7.{minor}" for minor in range(7)),
    "2025-07-01",
    "2026-04-01",
)
"""Every `api-version` that it takes."""
_NAME: Final = re.compile(r"[0-9a-zA-Z-]{1,127}")
_OAEP: Final = {"RSA-OAEP": hashes.SHA1, "RSA-OAEP-256": hashes.SHA256}
KEY_OPERATIONS: Final = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey")


def demand_version(given: str | None) -> None:
    """
    Check the `api-version` of a request.

    Raises:
        AzureError: BadParameter.
    """
    if not given:
        msg = "api-version must be specified"
        raise bad_parameter(msg)
    if given not in VERSIONS:
        msg = (
            f"The specified version ({given}) is not recognized. Consider using the latest "
            f"supported version ({VERSIONS[-1]})."
        )
        raise bad_parameter(msg)


def answer(call: Call, caller: Caller, vault: Vault, asked: Asked) -> dict[str, Any]:
    """
    Do what a known caller asks of a vault.

    Raises:
        AzureError: Forbidden, BadParameter, …NotFound.
    """
    if not _NAME.fullmatch(asked.name):
        msg = f"The request URI contains an invalid name: {asked.name}"
        raise bad_parameter(msg)
    if asked.action == "GetSecret":
        return _secret(call, caller, vault, asked)
    if asked.action == "GetCertificate":
        return _certificate(call, caller, vault, asked)
    if asked.action == "GetKey":
        return _key(call, caller, vault, asked)
    return _operation(call, caller, vault, asked)


def _secret(call: Call, caller: Caller, vault: Vault, asked: Asked) -> dict[str, Any]:
    vault.demand(caller, "secrets/get", asked.name)
    name, version = vault.secrets.get(asked.name, asked.version)
    path = _note(call, vault, f"secrets/{name}", version)
    if not version.enabled:
        msg = "Operation get is not allowed on a disabled secret."
        raise forbidden(msg, "SecretDisabled")
    managed = {"managed": True, "kid": f"{vault.url}/keys/{version.certificate}"}
    return {
        "value": version.value,
        **({"contentType": version.content_type} if version.content_type else {}),
        "id": path,
        **(managed if version.certificate else {}),
        "attributes": version.attributes(),
        "tags": dict(version.tags),
    }


def _certificate(call: Call, caller: Caller, vault: Vault, asked: Asked) -> dict[str, Any]:
    vault.demand(caller, "certificates/get", asked.name)
    name, version = vault.certificates.get(asked.name, asked.version)
    path = _note(call, vault, f"certificates/{name}", version)
    thumbprint = hashlib.sha1(version.issued.der, usedforsecurity=False).digest()
    return {
        "id": path,
        "kid": f"{vault.url}/keys/{name}/{version.id}",
        "sid": f"{vault.url}/secrets/{name}/{version.id}",
        "x5t": encode(thumbprint),
        "cer": base64.b64encode(version.issued.der).decode(),
        "attributes": version.attributes(),
        "tags": dict(version.tags),
        "policy": {
            "id": f"{vault.url}/certificates/{name}/policy",
            "secret_props": {"contentType": version.content_type},
            "issuer": {"name": "Unknown"},
        },
    }


def _key(call: Call, caller: Caller, vault: Vault, asked: Asked) -> dict[str, Any]:
    vault.demand(caller, "keys/get", asked.name)
    name, version = vault.keys.get(asked.name, asked.version)
    path = _note(call, vault, f"keys/{name}", version)
    numbers = version.private.public_key().public_numbers()
    return {
        "key": {
            "kid": path,
            "kty": "RSA",
            "key_ops": list(version.operations),
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
        },
        "attributes": version.attributes(),
        "tags": dict(version.tags),
    }


def _operation(call: Call, caller: Caller, vault: Vault, asked: Asked) -> dict[str, Any]:
    operation = asked.action.lower()
    vault.demand(caller, f"keys/{operation}", asked.name)
    name, version = vault.keys.get(asked.name, asked.version)
    path = _note(call, vault, f"keys/{name}", version)
    call.detail["alg"] = str(asked.content.get("alg", ""))
    _demand_usable(version, operation, call.now)
    algorithm, data = _parameters(asked.content)
    hashing = _OAEP[algorithm]()
    scheme = padding.OAEP(padding.MGF1(hashing), hashing, None)
    try:
        result = (
            version.private.decrypt(data, scheme)
            if operation == "decrypt"
            else version.private.public_key().encrypt(data, scheme)
        )
    except ValueError:
        msg = "The parameter is incorrect.\r\n"
        raise bad_parameter(msg) from None
    return {"kid": path, "value": encode(result)}


def _demand_usable(version: Key, operation: str, now: float) -> None:
    if operation not in version.operations:
        msg = f"Operation {operation} is not permitted on this key."
        raise forbidden(msg, "KeyOperationForbidden")
    if operation == "decrypt" and not version.enabled:
        msg = "Operation decrypt is not allowed on a disabled key."
        raise forbidden(msg, "KeyDisabled")
    if operation == "decrypt":
        return
    if version.exp is not None and version.exp <= now:
        msg = f"Operation {operation} is not allowed on an expired key."
        raise forbidden(msg, "KeyExpired")
    if version.nbf is not None and now < version.nbf:
        msg = f"Operation {operation} is not allowed on a key that is not yet valid."
        raise forbidden(msg, "KeyNotYetValid")


def _parameters(content: Mapping[str, Any]) -> tuple[str, bytes]:
    algorithm, value = content.get("alg"), content.get("value")
    if algorithm not in _OAEP:
        msg = "Property  has invalid value\r\n\r\nalg"
        raise bad_parameter(msg)
    if not isinstance(value, str) or not value or re.search(r"[^\w-]", value, re.ASCII):
        msg = "Property  has invalid value\r\n\r\nvalue"
        raise bad_parameter(msg)
    return algorithm, base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _note(call: Call, vault: Vault, path: str, version: Version) -> str:
    """Note which version is meant, and give its identifier."""
    identifier = f"{vault.url}/{path}/{version.id}"
    call.resources.append(identifier)
    return identifier


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
