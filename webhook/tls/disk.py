"""
The served certificate: two PEM files, reloaded in place on the live TLS context.

New connections get the new certificate without a restart of the listener. A pair that does not
load, as one that is half written, changes nothing: the old one stays, with a log line and a
count. Refuses encrypted keys and TLS below 1.2.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from webhook.tls.contexts import load, server_context
from webhook.tls.interface import CertificateError

if TYPE_CHECKING:
    from pathlib import Path

    from webhook.log import Log
    from webhook.metrics import Metrics

# Mounted Secrets change within about a minute of the API object; this adds little to it.
POLL_SECONDS: Final = 5.0


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
        self.context = server_context()
        self._seen = self._signature()
        self._load()

    @property
    def ready(self) -> bool:
        """Whoever mounts the files has registered their authority, too."""
        return True

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
        certificate, key = _read(self._certificate), _read(self._key)
        named = f"{self._certificate} and {self._key}"
        self._metrics.certificate_expires(load(self.context, certificate, key, named))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}"
        raise CertificateError(msg) from None
