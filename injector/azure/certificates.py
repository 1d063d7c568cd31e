"""
A certificate of Key Vault as what a server is configured with: key, chain, authorities.

The secret of a certificate is a PKCS#12 archive in base64 without a password, or PEM, by its
content type (https://learn.microsoft.com/azure/key-vault/certificates/how-to-export-certificate).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.material import Material

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

PKCS12: Final = "application/x-pkcs12"
PEM: Final = "application/x-pem-file"
STEP: Final = "GetSecret"
KEY: Final = "tls.key"
"""PKCS#8 in PEM, as in a Kubernetes Secret of the type `kubernetes.io/tls`; and so the next."""
CHAIN: Final = "tls.crt"
"""The certificate itself first, then those that sign it, each signed by the next."""
AUTHORITIES: Final = "ca.crt"
"""Those that sign it; empty where the archive has none."""

_NO_TYPE: Final = "its secret is neither PKCS#12 nor PEM"
_UNREADABLE: Final = "its secret cannot be read"
_NO_KEY: Final = "its key cannot be exported: the certificate's policy must allow it"
_NO_LEAF: Final = "no certificate of it fits its key"


def mapping(value: str, content_type: str) -> Material:
    """
    Make a JSON object with `tls.key`, `tls.crt` and `ca.crt`.

    Args:
        value: as Key Vault gives it.
        content_type: Key Vault's own word for what it is.

    Raises:
        ProviderError: for what is no certificate with its key.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == PKCS12:
            key, certificates = _archive(value)
        elif kind == PEM:
            key, certificates = _texts(value)
        else:
            raise _unusable(_NO_TYPE)
    except (ValueError, TypeError, binascii.Error):
        # A library's own text may quote what it could not read.
        raise _unusable(_UNREADABLE) from None
    if key is None:
        raise _unusable(_NO_KEY)
    own = key.public_key()
    leaf = next((it for it in certificates if it.public_key() == own), None)
    if leaf is None:
        raise _unusable(_NO_LEAF)
    above = _chain(leaf, certificates)
    document = {
        KEY: key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii"),
        CHAIN: _pem([leaf, *above]),
        AUTHORITIES: _pem(above),
    }
    return Material(json.dumps(document).encode())


def _archive(value: str) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    key, leaf, others = pkcs12.load_key_and_certificates(
        base64.b64decode(value, validate=True), None
    )
    return key, [*([leaf] if leaf is not None else []), *others]


def _texts(value: str) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    text = value.encode()
    certificates = x509.load_pem_x509_certificates(text)
    if b"PRIVATE KEY-----" not in text:
        return None, certificates
    key = serialization.load_pem_private_key(text, None)
    return key, certificates


def _chain(leaf: x509.Certificate, given: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """Put those that sign in order, whatever the archive has; what is strange stays out."""
    left = [it for it in given if it != leaf]
    chain: list[x509.Certificate] = []
    last = leaf
    while last.issuer != last.subject:
        above = next((it for it in left if it.subject == last.issuer), None)
        if above is None:
            break
        left.remove(above)
        chain.append(above)
        last = above
    return chain


def _pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(
        it.public_bytes(serialization.Encoding.PEM).decode("ascii") for it in certificates
    )


def _unusable(why: str) -> ProviderError:
    return ProviderError(
        Reason.DECODE_FAILED,
        f"the certificate cannot be used: {why}",
        step=STEP,
        remedy="the secret itself, as it is stored, is `<vault>/secrets/<name>`",
    )
