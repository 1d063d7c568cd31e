"""
Key Vault's reads of secrets and certificates, with the right of each principal.

https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret; errors as in
https://learn.microsoft.com/azure/key-vault/general/rest-error-codes.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

API_VERSIONS: Final = frozenset({"7.4", "7.5", "7.6", "2025-07-01"})
PKCS12: Final = "application/x-pkcs12"
PEM: Final = "application/x-pem-file"
_PATH: Final = re.compile(r"/(secrets|certificates)/([A-Za-z0-9-]{1,127})(?:/([0-9a-f]{32})?)?")


@dataclass(slots=True)
class Version:
    """One version of a secret."""

    id: str
    value: str
    content_type: str = ""
    enabled: bool = True
    expires: int = 0
    """Seconds since the epoch; 0 is never. A read is served all the same."""
    not_before: int = 0
    certificate: bytes = b""
    """DER of the certificate, where the secret is one's."""


@dataclass(slots=True)
class Vault:
    """One vault: versions by the secret's name in lower case, and who may do what."""

    name: str
    tenant: str
    secrets: dict[str, list[Version]] = field(default_factory=dict)
    readers: dict[str, set[str]] = field(default_factory=dict)
    """Names of secrets that a client may get, in lower case; `*` is all."""
    rbac: bool = True
    """Role assignments, or access policies of old."""
    firewall: bool = False
    """Refuses everybody, as from an address that it does not know."""

    def grant(self, client_id: str, name: str = "*") -> None:
        """Let a client read one secret, or all."""
        self.readers.setdefault(client_id.lower(), set()).add(name.lower())

    def put(self, name: str, value: str, **options: Any) -> Version:  # noqa: ANN401 - of `Version`
        """Add a version, which is then the current one."""
        made = Version(secrets.token_hex(16), value, **options)
        self.secrets.setdefault(name.lower(), []).append(made)
        return made

    def put_certificate(
        self, name: str, *, content_type: str = PKCS12, exportable: bool = True
    ) -> Issued:
        """Issue a certificate of two authorities, and keep it as Key Vault does."""
        issued = issue(name)
        value = issued.pem(exportable=exportable)
        if content_type == PKCS12:
            value = base64.b64encode(issued.archive(exportable=exportable)).decode("ascii")
        der = issued.leaf.public_bytes(serialization.Encoding.DER)
        self.put(name, value, content_type=content_type, certificate=der)
        return issued


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and those that sign it."""

    key: ec.EllipticCurvePrivateKey
    leaf: x509.Certificate
    above: tuple[x509.Certificate, ...]
    """The intermediate authority, then the root."""

    def archive(self, *, exportable: bool = True) -> bytes:
        """PKCS#12 without a password; the authorities in no useful order."""
        key = self.key if exportable else None
        return pkcs12.serialize_key_and_certificates(
            None, key, self.leaf, list(reversed(self.above)), serialization.NoEncryption()
        )

    def pem(self, *, exportable: bool = True) -> str:
        """Key, certificate and authorities in PEM."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        texts = [key] if exportable else []
        texts += [
            it.public_bytes(serialization.Encoding.PEM) for it in (self.leaf, *reversed(self.above))
        ]
        return b"".join(texts).decode("ascii")


def issue(name: str) -> Issued:
    """Make a root, an intermediate authority and a certificate."""
    root_key, middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = _signed("World root", root_key, "World root", root_key)
    middle = _signed("World intermediate", middle_key, "World root", root_key)
    leaf = _signed(f"{name}.acme.io", key, "World intermediate", middle_key)
    return Issued(key, leaf, (middle, root))


def _signed(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = x509.CertificateBuilder(named(issuer), named(subject), key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=90))
    return builder.sign(issuer_key, hashes.SHA256())


class VaultError(Exception):
    """A refusal, with Key Vault's code and inner code."""

    def __init__(self, status: int, code: str, text: str, inner: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.inner = inner

    def document(self) -> dict[str, Any]:
        """Give the body as Key Vault writes it."""
        error: dict[str, Any] = {"code": self.code, "message": self.text}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return {"error": error}


def action_of(path: str) -> str:
    """Key Vault's own word for what a path asks."""
    return "GetCertificate" if path.startswith("/certificates/") else "GetSecret"


def get(vault: Vault, host: str, path: str, api_version: str, client_id: str) -> dict[str, Any]:
    """
    Answer a read.

    Raises:
        VaultError: for everything that Key Vault refuses.
    """
    if api_version not in API_VERSIONS:
        text = f"The specified api-version '{api_version}' is not supported."
        raise VaultError(400, "BadParameter", text)
    found = _PATH.fullmatch(path)
    if found is None:
        raise VaultError(404, "NotFound", "Method not found.")
    kind, name, wanted = found.groups()
    _permit(vault, name, client_id)
    versions = vault.secrets.get(name.lower(), [])
    version = next((it for it in reversed(versions) if wanted in {None, "", it.id}), None)
    if version is None or (kind == "certificates" and not version.certificate):
        text = (
            f"A {kind[:-1]} with (name/id) {name}/{wanted or ''} was not found in this key vault."
        )
        raise VaultError(404, f"{kind[:-1].title()}NotFound", text)
    if kind == "certificates":
        cer = base64.b64encode(version.certificate).decode("ascii")
        return {"id": f"https://{host}/certificates/{name}/{version.id}", "cer": cer}
    if not version.enabled:
        text = "Operation get is not allowed on a disabled secret."
        raise VaultError(403, "Forbidden", text, "SecretDisabled")
    return _secret(version, f"https://{host}/secrets/{name}/{version.id}")


def _permit(vault: Vault, name: str, client_id: str) -> None:
    if vault.firewall:
        text = "Client address is not authorized and caller is not a trusted service."
        raise VaultError(403, "Forbidden", text, "ForbiddenByFirewall")
    if not {"*", name.lower()} & vault.readers.get(client_id.lower(), set()):
        inner = "ForbiddenByRbac" if vault.rbac else "ForbiddenByPolicy"
        text = f"Caller is not authorized to perform action on resource. appid={client_id}"
        raise VaultError(403, "Forbidden", text, inner)


def _secret(version: Version, name: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {"enabled": True, "created": 1, "updated": 1}
    if version.expires:
        attributes["exp"] = version.expires
    if version.not_before:
        attributes["nbf"] = version.not_before
    found: dict[str, Any] = {"value": version.value, "id": name, "attributes": attributes}
    if version.content_type:
        found["contentType"] = version.content_type
    return found
