"""Where the served certificate comes from, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import ssl

SETTLE_SECONDS: Final = 30.0
"""
Between two steps of a rotation: replicas look every few seconds, API servers follow their watch.
"""


class CertificateError(Exception):
    """A certificate or its key cannot be used; the message says which, never the key."""


class CertificateSource(Protocol):
    """Keeps one TLS context supplied; new connections get what was loaded last."""

    @property
    def context(self) -> ssl.SSLContext:
        """The live context of the listener."""

    @property
    def ready(self) -> bool:
        """Whether the API server trusts what is served, as far as that can be known."""

    async def watch(self) -> None:
        """Keep it fresh for ever."""
