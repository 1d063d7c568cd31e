"""
The one HTTP client of the injector: deadlines, no redirects, connections opened early.

It keeps connections for the next request, and repeats one only when a kept connection turned out
to be closed. Redirects are replies like any other: nothing is ever sent after one. Bodies have a
largest size. Who calls decides what a status means.
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.connections import (
    Connection,
    TransportError,
    connect,
    explained,
    trusting,
    unconnected,
)
from injector.contract.plan import Proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

__all__ = ["Request", "Response", "Transport", "TransportError"]

CONNECT_SECONDS: Final = 3.0  # of one connection; a lost SYN is repeated after 1 s
MAX_BODY: Final = 16 * 1024 * 1024  # bytes; 20 secrets of 64 KiB, base64 in JSON, are 1.8 MiB
_CHUNK: Final = 64 * 1024
_FAILURES: Final = (OSError, http.client.HTTPException, ValueError, TransportError)
_STALE: Final = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `until` is on the transport's monotonic clock, in seconds."""

    method: str
    url: str
    until: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    ca_bundle: str = ""
    """PEM to trust in place of the transport's."""
    largest: int = MAX_BODY
    """Bytes of the reply's body; one that is larger is no reply."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete reply."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True)
class _Opening:
    """A connection that a thread is opening; `connection` stays None when that failed."""

    done: threading.Event = field(default_factory=threading.Event)
    connection: Connection | None = None
    error: Exception | None = None


_Key = tuple[str, str]  # origin, PEM of the trust


class Transport:
    """
    Connections to providers, kept open between requests; safe to share by threads.

    Args:
        ca_bundle: PEM to trust in place of the image's certificates.
        proxy: the operator's egress proxy; the environment's is never looked at.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        ca_bundle: str = "",
        proxy: Proxy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ca_bundle = ca_bundle
        self._proxy = proxy or Proxy()
        self.clock = clock
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._idle: dict[_Key, list[Connection]] = {}
        self._openings: dict[_Key, list[_Opening]] = {}

    def open_early(self, url: str, ca_bundle: str = "") -> None:
        """Start to open a connection that will be wanted soon; a failure shows when it is used."""
        try:
            key = (_origin(url), ca_bundle or self._ca_bundle)
        except ValueError:
            return  # no address: whoever sends to it reports
        with self._lock:
            if self._idle.get(key) or self._openings.get(key):
                return
            opening = _Opening()
            self._openings[key] = [opening]
        self._start(key, opening)

    def send(self, request: Request) -> Response:
        """
        Send one request and read the whole reply, whatever its status.

        Raises:
            TransportError: when no complete reply arrived in time.
        """
        key = (_origin(request.url), request.ca_bundle or self._ca_bundle)
        while True:
            connection = self._acquire(key, request.until)
            reused, connection.used = connection.used, True
            connection.sock.until = request.until
            try:
                response, keep = _exchange(connection.http, request)
            except _FAILURES as exc:
                connection.http.close()
                # A kept connection may have been closed by the other side meanwhile: only then is
                # one more attempt made at once, on another connection.
                if reused and isinstance(exc, _STALE):
                    continue
                raise explained(exc, key[0]) from None
            if keep:
                with self._lock:
                    self._idle.setdefault(key, []).append(connection)
            else:
                connection.http.close()
            return response

    def close(self) -> None:
        """Close what is idle or being opened."""
        with self._lock:
            idle = [item for items in self._idle.values() for item in items]
            openings = [item for items in self._openings.values() for item in items]
            self._idle.clear()
            self._openings.clear()
        for opening in openings:
            opening.done.wait(CONNECT_SECONDS)
        early = [item.connection for item in openings if item.connection is not None]
        for connection in (*idle, *early):
            connection.http.close()

    def _acquire(self, key: _Key, until: float) -> Connection:
        with self._lock:
            idle = self._idle.get(key)
            if idle:
                return idle.pop()
            openings = self._openings.get(key)
            opening = openings.pop() if openings else None
        if opening is not None:
            opening.done.wait(max(0.0, until - self.clock()))
            if opening.connection is not None:
                return opening.connection
        return self._open_until(key, until)

    def _open_until(self, key: _Key, until: float) -> Connection:
        """Open aside: a resolver that nobody answers would hold this thread past any deadline."""
        opening = _Opening()
        left = until - self.clock()
        if left > 0:
            self._start(key, opening)
            if not opening.done.wait(left):
                raise unconnected(key[0])
        if opening.connection is None:
            raise explained(opening.error or TimeoutError(), key[0])
        return opening.connection

    def _start(self, key: _Key, opening: _Opening) -> None:
        try:
            threading.Thread(target=self._open_aside, args=(key, opening), daemon=True).start()
        except RuntimeError:  # the pod has as many processes as it may have
            self._open_aside(key, opening)

    def _open_aside(self, key: _Key, opening: _Opening) -> None:
        try:
            opening.connection = self._open(key, CONNECT_SECONDS)
        except Exception as exc:  # noqa: BLE001 - a thread's traceback would reach the log
            opening.error = exc
        finally:
            opening.done.set()

    def _open(self, key: _Key, seconds: float) -> Connection:
        origin, ca_bundle = key
        return connect(
            origin,
            proxy=self._proxy,
            seconds=seconds,
            context=lambda: self._context(ca_bundle),
            clock=self.clock,
        )

    def _context(self, ca_bundle: str) -> ssl.SSLContext:
        with self._lock:
            if ca_bundle not in self._contexts:
                self._contexts[ca_bundle] = trusting(ca_bundle)
            return self._contexts[ca_bundle]


def _exchange(connection: http.client.HTTPConnection, request: Request) -> tuple[Response, bool]:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    headers = {"Host": parts.netloc.rpartition("@")[2], **request.headers}
    if request.body or request.method == "POST":
        headers["Content-Length"] = str(len(request.body))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(request.body or None)
    with connection.getresponse() as reply:
        body = _whole(reply, parts.netloc, request.largest)
    return Response(reply.status, dict(reply.headers.items()), body), not reply.will_close


def _whole(reply: http.client.HTTPResponse, host: str, largest: int) -> bytes:
    body = bytearray()
    while chunk := reply.read(_CHUNK):
        body += chunk
        if len(body) > largest:
            msg = f"the reply of {host} is larger than {largest} bytes"
            raise TransportError(msg)
    if reply.length:
        # Sized reads give what there is; only `read()` without a size would have said so.
        nothing = b""
        raise http.client.IncompleteRead(nothing, reply.length)
    return bytes(body)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
