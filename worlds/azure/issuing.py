"""
Certificates as Key Vault makes and keeps them: a pair of a chain, as PKCS#12 or PEM.

Key Vault's PKCS#12 has no password. Its PEM has the private key (PKCS#8) first, then the chain.
"""

from __future__ import annotations

import base64
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    load_pem_private_key,
    pkcs12,
)

from worlds.certificates import issue

ContentType = Literal["application/x-pkcs12", "application/x-pem-file"]
PKCS12: Final = "application/x-pkcs12"
PEM: Final = "application/x-pem-file"


def make(name: str) -> tuple[str, str, bytes]:
    """Make chain (certificate and authority) and key as PEM, and the certificate as DER."""
    made = issue(name, hosts=(f"{name}.example",))
    leaf = x509.load_pem_x509_certificate(made.chain.encode())
    return made.chain + made.ca, made.key, _der(leaf)


def bundle(chain_pem: str, key_pem: str, content_type: ContentType, password: str = "") -> str:
    """
    Write the secret of a certificate.

    Args:
        chain_pem: the certificate first.
        key_pem: its private key.
        content_type: how.
        password: of the PKCS#12, to make one that Key Vault would not give.
    """
    if content_type == PEM:
        return key_pem + chain_pem
    leaf, *rest = x509.load_pem_x509_certificates(chain_pem.encode())
    key = load_pem_private_key(key_pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        msg = "a certificate's key is of RSA or an elliptic curve"
        raise TypeError(msg)
    protection = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    data = pkcs12.serialize_key_and_certificates(None, key, leaf, rest, protection)
    return base64.b64encode(data).decode()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
