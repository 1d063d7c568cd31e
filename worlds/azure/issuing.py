"""
Certificates as Key Vault makes and keeps them: with their chain, as PKCS#12 or PEM.

Key Vault's PKCS#12 has no password. Its PEM has the private key (PKCS#8) first. Where the policy
lets no key out, both have the certificates alone. The authorities stand in no useful order, as
those of imported certificates may.
"""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

ContentType = Literal["application/x-pkcs12", "application/x-pem-file"]
PKCS12: Final = "application/x-pkcs12"
PEM: Final = "application/x-pem-file"
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and those that sign it."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    leaf: x509.Certificate
    above: tuple[x509.Certificate, ...]
    """The intermediate authority, then the root."""

    @property
    def chain(self) -> list[x509.Certificate]:
        """The certificate, then each that signs the one before."""
        return [self.leaf, *self.above]

    @property
    def der(self) -> bytes:
        """The certificate alone."""
        return self.leaf.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> str:
        """The private key, PKCS#8."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def secret(self, content_type: ContentType, *, exportable: bool = True) -> str:
        """
        Write the secret of the certificate.

        Args:
            content_type: how.
            exportable: whether the policy lets the key out.
        """
        shuffled = tuple(reversed(self.above))
        if content_type == PEM:
            texts = [it.public_bytes(Encoding.PEM).decode() for it in (self.leaf, *shuffled)]
            return "".join([self.key_pem if exportable else "", *texts])
        key = self.key if exportable else None
        data = pkcs12.serialize_key_and_certificates(None, key, self.leaf, shuffled, NoEncryption())
        return base64.b64encode(data).decode()


def issue(name: str) -> Issued:
    """Make a root, an intermediate authority and a certificate, with P-256 keys."""
    root_key, middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = _signed("World root", root_key, "World root", root_key)
    middle = _signed("World intermediate", middle_key, "World root", root_key)
    leaf = _signed(f"{name}.example", key, "World intermediate", middle_key)
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
    builder = builder.not_valid_before(now - _DAY).not_valid_after(now + 90 * _DAY)
    return builder.sign(issuer_key, hashes.SHA256())
