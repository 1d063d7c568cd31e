"""
Every bound of the admission server, with the origin of its number.

Bounds come before parsers: what is refused here is never decoded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds; tests make them short."""

    body_bytes: int = 3 << 20
    """The API server's own limit of a request body is 3 MiB."""
    buffered_bytes: int = 64 << 20
    """All bodies that are arriving, together: memory stays bounded whatever is uploaded."""
    connections: int = 512
    """An API server keeps 25 idle ones; a TLS connection costs about 70 KB."""
    handshakes: int = 128
    """At about 1 ms of CPU each, a full set is a tenth of a second of work."""
    in_flight: int = 64
    """Decisions that wait for a fact of the cluster."""
    handshake_seconds: float = 3.0
    crowded_seconds: float = 1.0
    """When there is no room, a handshake or a quiet connection older than this makes some."""
    header_seconds: float = 3.0
    """From a request's first byte to its last header."""
    first_request_seconds: float = 120.0
    """
    From the handshake to the first byte. API servers dial ahead and keep such connections for 90 s;
    a request that meets our end of one is a lost admission, since Go repeats none on a connection
    that was never used. They are the first to go when there is no room.
    """
    body_seconds: float = 2.0
    decision_seconds: float = 2.0
    """With `body_seconds`, below the 5 s of `timeoutSeconds`: we answer before we are given up."""
    answer_seconds: float = 15.0
    """A client that does not read its answer is cut after this."""
    keep_alive_seconds: float = 120.0
    """Longer than the API server's 90 s, so that it is the one that closes: no admission races."""
    shutdown_seconds: float = 1.0
    """Wait for the peer's `close_notify`."""
    linger_seconds: float = 1.0
    """How long the rest of a refused body is read and thrown away, so that its answer arrives."""
    lag_seconds: float = 1.0
    """A request that waited this long for the CPU is asked to come again."""
    drain_seconds: float = 10.0
    """Longer than the removal of an endpoint takes to reach the API servers."""
    finish_seconds: float = 5.0
    """After the drain: the time that what is in flight has to end."""
