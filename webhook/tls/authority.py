"""
A certificate authority of the webhook's own: ECDSA P-256, made and read with `cryptography`.

Pure but for the randomness of keys; moments are given. PEM texts in and out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTHORITY_LIFE: Final = 365 * 86400.0
LEAF_LIFE: Final = 30 * 86400.0
"""Seconds; both are renewed at two thirds."""
MOST_KEPT: Final = 4
"""Authorities that stay trusted after their keys were lost: a bundle grows no further."""
BACKDATED: Final = 86400.0
"""Seconds by which validity starts early: a leader's clock may be ahead of the API servers'."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Life:
    """When a certificate holds: seconds since the epoch."""

    begins: float
    ends: float

    @property
    def renewal(self) -> float:
        """When it should be replaced: at two thirds of its life."""
        return self.begins + (self.ends - self.begins) * 2 / 3


def make_authority(now: float, *, life: float = AUTHORITY_LIFE) -> Pair:
    """Make a new authority, good from now on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"syrette webhook CA {int(now)}")])
    certificate = (
        _builder(name, name, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def issue(authority: Pair, hosts: Sequence[str], now: float, *, life: float = LEAF_LIFE) -> Pair:
    """
    Issue a server certificate.

    Args:
        authority: who signs.
        hosts: DNS names, the first also as common name.
        now: from when it is good.
        life: seconds; never beyond the authority's.
    """
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = _key(authority.key)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    life = min(life, issuer.not_valid_after_utc.timestamp() - now)
    certificate = (
        _builder(name, issuer.subject, key.public_key(), now, life)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    return _pair(certificate, key)


def life_of(certificate: bytes) -> Life:
    """
    Say when a certificate holds.

    Raises:
        ValueError: if it cannot be read.
    """
    found = x509.load_pem_x509_certificate(certificate)
    begins = found.not_valid_before_utc.timestamp() + BACKDATED
    return Life(begins, found.not_valid_after_utc.timestamp())


def hosts_of(certificate: bytes) -> list[str]:
    """
    Give the DNS names of a certificate.

    Raises:
        ValueError: if it cannot be read or has none.
    """
    found = x509.load_pem_x509_certificate(certificate)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound as exc:
        raise ValueError(str(exc)) from exc
    return names.value.get_values_for_type(x509.DNSName)


def trusted(leaf: bytes, bundle: bytes, now: float) -> bool:
    """Whether one of a bundle's authorities has signed a leaf, and both hold now."""
    try:
        certificate = x509.load_pem_x509_certificate(leaf)
        authorities = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return False
    return any(_signed(certificate, authority, now) for authority in authorities)


def holding(bundle: bytes, now: float) -> bytes:
    """Give those certificates of a bundle that hold now, each once and at most `MOST_KEPT`."""
    try:
        found = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return b""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    good = (one for one in found if one.not_valid_before_utc <= moment <= one.not_valid_after_utc)
    texts = dict.fromkeys(one.public_bytes(serialization.Encoding.PEM) for one in good)
    return b"".join(list(texts)[:MOST_KEPT])


def matches(pair: Pair) -> bool:
    """Whether a key is that of the certificate."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = _key(pair.key)
    except (ValueError, TypeError):
        return False
    return key.public_key() == certificate.public_key()


def _signed(leaf: x509.Certificate, authority: x509.Certificate, now: float) -> bool:
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return all(
        found.not_valid_before_utc <= moment <= found.not_valid_after_utc
        for found in (leaf, authority)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, life: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(now - BACKDATED, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(now + life, dt.UTC))
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        msg = "not an ECDSA key"
        raise TypeError(msg)
    return key
