"""TLS contexts of the listener, and how a pair of PEM texts gets into a live one."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from typing import TYPE_CHECKING

from webhook.tls.interface import CertificateError

if TYPE_CHECKING:
    from collections.abc import Iterator


def server_context() -> ssl.SSLContext:
    """Make an empty context: TLS 1.2 or newer, HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def load(context: ssl.SSLContext, certificate: bytes, key: bytes, named: str) -> float:
    """
    Load a pair into a live context, after a copy has shown that it is one.

    A failed load on the live context could leave it with the new certificate and the old key.

    Args:
        context: of the listener.
        certificate: PEM, the leaf first.
        key: PEM, not encrypted.
        named: what to call the pair in a message.

    Returns:
        Seconds since the epoch at which the leaf ends.

    Raises:
        CertificateError: if it is no usable pair.
    """
    try:
        with _pem(certificate + b"\n" + key) as path:
            server_context().load_cert_chain(path, password=_no_password)
            expires = _expiry(certificate)
            context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError) as exc:
        cause = (getattr(exc, "reason", None) or "no certificate").lower().replace("_", " ")
        msg = f"{named} are no usable pair: {cause}"
        raise CertificateError(msg) from None
    return expires


def _no_password() -> str:
    msg = "the key is encrypted; nobody is there to type its password"
    raise CertificateError(msg)


def _expiry(certificate: bytes) -> float:
    from cryptography import x509  # noqa: PLC0415 - only where a certificate is loaded

    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()


@contextlib.contextmanager
def _pem(content: bytes) -> Iterator[str]:
    """Give a path that holds `content` and exists in memory only, where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("syrette-certificate")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name
