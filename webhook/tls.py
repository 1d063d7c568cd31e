"""
The served certificate: two PEM files, reloaded in place on the live TLS context.

New connections get the new certificate without a restart of the listener. A pair that does not
load, as one that is half written, changes nothing: the old one stays, with a log line and a
count. Refuses encrypted keys and TLS below 1.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import tempfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from webhook.log import Log
    from webhook.metrics import Metrics

# Mounted Secrets change within about a minute of the API object; this adds little to it.
POLL_SECONDS: Final = 5.0


class CertificateError(Exception):
    """The certificate or its key cannot be used; the message names the files, never the key."""


class CertificateFiles:
    """
    A certificate and its key on disk, as cert-manager or any other PKI mounts them.

    Args:
        certificate: PEM, the leaf first.
        key: PEM, not encrypted.
        metrics: told of the end of the certificate and of failed reloads.
        log: told of reloads.
        poll_seconds: how often the files are looked at.

    Raises:
        CertificateError: if the pair cannot be loaded.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        metrics: Metrics,
        log: Log,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._metrics = metrics
        self._log = log
        self._poll_seconds = poll_seconds
        self._complaint = ""
        self.context = _context()
        self._seen = self._signature()
        self._load()

    def refresh(self) -> bool:
        """Load the files again if they changed; true when a new pair is served."""
        signature = self._signature()
        if signature == self._seen and not self._complaint:
            return False
        try:
            self._load()
        except CertificateError as exc:
            if str(exc) != self._complaint or signature != self._seen:
                self._metrics.reload_failed()
                self._log.event("error", "certificate not reloaded", problem=str(exc))
            self._complaint, self._seen = str(exc), signature
            return False
        self._complaint, self._seen = "", signature
        self._log.event("info", "certificate reloaded", file=str(self._certificate))
        return True

    async def watch(self) -> None:
        """Look at the files for ever."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            self.refresh()

    def _signature(self) -> tuple[tuple[int, ...], ...]:
        """
        What changes when a file does.

        `stat` follows links, so that the swap of a mounted volume's `..data` shows as well.
        """
        signature: list[tuple[int, ...]] = []
        for path in (self._certificate, self._key):
            try:
                status = path.stat()
            except OSError:
                signature.append(())
            else:
                signature.append((status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(signature)

    def _load(self) -> None:
        """
        Check a copy of the pair on a context of its own, then load the same bytes.

        A failed load on the live context could leave it with the new certificate and the old key.
        """
        certificate, key = _read(self._certificate), _read(self._key)
        try:
            with _pem(certificate + b"\n" + key) as path:
                _context().load_cert_chain(path, password=_no_password)
                expires = _expiry(certificate)
                self.context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError) as exc:
            cause = (getattr(exc, "reason", None) or "no certificate").lower().replace("_", " ")
            msg = f"{self._certificate} and {self._key} are no usable pair: {cause}"
            raise CertificateError(msg) from None
        self._metrics.certificate_expires(expires)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}"
        raise CertificateError(msg) from None


def _no_password() -> str:
    msg = "the key is encrypted; nobody is there to type its password"
    raise CertificateError(msg)


def _expiry(certificate: bytes) -> float:
    """Seconds since the epoch at which the leaf ends."""
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
