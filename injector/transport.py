"""
The one HTTP client of the injector: deadlines, no redirects, connections opened early.

Trust is the image's hashed CA directory, which OpenSSL reads certificate by certificate (a bundle
of 146 costs 25 ms at each start), or PEM certificates that the operator gave in place of it.
Nothing is read from the environment, redirects are never followed, and what is refused or runs out
of time becomes a `TransportError` without a byte of the request or the reply in it.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract.plan import Proxy
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.proxying import Route, route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONNECT_SECONDS: Final = 3.0  # of one connection; a lost SYN is repeated after 1 s
MAX_BODY: Final = 16 * 1024 * 1024  # bytes; 20 secrets of 64 KiB, base64 in JSON, are 1.8 MiB
_CHUNK: Final = 64 * 1024

USUAL_SUSPECTS: Final = (
    "check NetworkPolicy egress from this pod, the VPC endpoint or NAT of its subnet, an egress "
    "proxy (`proxy` in the operator's configuration), and a mesh proxy that is not up yet "
    '(`syrette.dev/order: "last"`)'
)
"""What refuses or swallows connections in clusters, likeliest first."""


class TransportError(InjectorError):
    """
    A request that got no complete reply.

    Args:
        message: what happened and to which host; no URL path, header or body.
        remedy: what to look at.
    """

    def __init__(self, message: str, *, remedy: str = USUAL_SUSPECTS) -> None:
        super().__init__(Reason.UNAVAILABLE, message)
        self.remedy = remedy


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


@dataclass(frozen=True, slots=True)
class Response:
    """A complete reply."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class _TimedReader(io.RawIOBase):
    """Reads a socket so that every wait ends at one moment, headers and slow bodies included."""

    def __init__(self, sock: socket.socket, remaining: Callable[[], float]) -> None:
        super().__init__()
        self._sock = sock
        # Keeps the socket open for the body after `http.client` has closed its own handle.
        self._raw = sock.makefile("rb", buffering=0)
        self._remaining = remaining

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        self._sock.settimeout(self._remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """What `http.client` needs of a socket, with the deadline of the request in flight."""

    def __init__(self, sock: socket.socket, clock: Callable[[], float]) -> None:
        self._sock = sock
        self._clock = clock
        self.until = clock() + CONNECT_SECONDS

    def _remaining(self) -> float:
        left = self.until - self._clock()
        if left <= 0:
            msg = "deadline"
            raise TimeoutError(msg)
        return left

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._remaining())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._remaining))

    def close(self) -> None:
        self._sock.close()


@dataclass(slots=True)
class _Connection:
    http: http.client.HTTPConnection
    sock: _TimedSocket
    used: bool = False


@dataclass(slots=True)
class _Opening:
    """A connection that a thread is opening; `connection` stays None when that failed."""

    done: threading.Event = field(default_factory=threading.Event)
    connection: _Connection | None = None


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
        self._idle: dict[_Key, list[_Connection]] = {}
        self._openings: dict[_Key, list[_Opening]] = {}

    def open_early(self, url: str, ca_bundle: str = "") -> None:
        """Start to open a connection that will be wanted soon; a failure shows when it is used."""
        key = (_origin(url), ca_bundle or self._ca_bundle)
        opening = _Opening()
        with self._lock:
            self._openings.setdefault(key, []).append(opening)
        threading.Thread(target=self._open_aside, args=(key, opening), daemon=True).start()

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
            except (OSError, http.client.HTTPException, ValueError) as exc:
                connection.http.close()
                # A kept connection may have been closed by the other side meanwhile: only then is
                # one more attempt made at once, on another connection.
                if reused and isinstance(exc, _STALE):
                    continue
                raise _explained(exc, key[0]) from None
            if keep:
                with self._lock:
                    self._idle.setdefault(key, []).append(connection)
            else:
                connection.http.close()
            return response

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle = [item for items in self._idle.values() for item in items]
            self._idle.clear()
        for connection in idle:
            connection.http.close()

    def _acquire(self, key: _Key, until: float) -> _Connection:
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
        try:
            return self._open(key, min(CONNECT_SECONDS, until - self.clock()))
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise _explained(exc, key[0]) from None

    def _open_aside(self, key: _Key, opening: _Opening) -> None:
        try:
            opening.connection = self._open(key, CONNECT_SECONDS)
        except (OSError, http.client.HTTPException, ValueError, TransportError):
            pass  # whoever wants it opens one again, and reports
        finally:
            opening.done.set()

    def _open(self, key: _Key, seconds: float) -> _Connection:
        origin, ca_bundle = key
        if seconds <= 0:
            msg = "deadline"
            raise TimeoutError(msg)
        way: Route = route(origin, self._proxy)
        connection: http.client.HTTPConnection
        if way.tls:
            connection = http.client.HTTPSConnection(
                way.host, way.port, timeout=seconds, context=self._context(ca_bundle)
            )
        else:
            connection = http.client.HTTPConnection(way.host, way.port, timeout=seconds)
        if way.tunnel_host:
            connection.set_tunnel(way.tunnel_host, way.tunnel_port, dict(way.tunnel_headers))
        connection.connect()
        connection.auto_open = 0
        sock = _TimedSocket(connection.sock, self.clock)
        connection.sock = sock
        return _Connection(connection, sock)

    def _context(self, ca_bundle: str) -> ssl.SSLContext:
        with self._lock:
            if ca_bundle not in self._contexts:
                self._contexts[ca_bundle] = _trusting(ca_bundle)
            return self._contexts[ca_bundle]


_STALE: Final = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)


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
    reply = connection.getresponse()
    body = bytearray()
    while chunk := reply.read(_CHUNK):
        body += chunk
        if len(body) > MAX_BODY:
            msg = f"the reply is larger than {MAX_BODY} bytes"
            raise http.client.HTTPException(msg)
    return Response(reply.status, dict(reply.headers.items()), bytes(body)), not reply.will_close


_DNS: Final = "check DNS in this pod, that egress to it is allowed, and the region's spelling"
_CA: Final = "give the CA of the endpoint or of the TLS-inspecting proxy in `ca-bundle`"

# What a person reads for each exception, the first that fits; its own text may hold what a server
# sent, and is never used.
_EXPLANATIONS: Final[tuple[tuple[tuple[type[Exception], ...], str, str], ...]] = (
    ((TimeoutError,), "{host} did not answer in time", USUAL_SUSPECTS),
    ((ssl.SSLCertVerificationError,), "the certificate of {host} is not trusted", _CA),
    ((ssl.SSLError,), "TLS with {host} failed", USUAL_SUSPECTS),
    ((socket.gaierror,), "the name {host} cannot be resolved", _DNS),
    ((ConnectionRefusedError,), "{host} refused the connection", USUAL_SUSPECTS),
    (
        (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError),
        "{host} closed the connection before the reply was complete",
        USUAL_SUSPECTS,
    ),
    ((OSError,), "{host} cannot be reached", USUAL_SUSPECTS),
    ((Exception,), "the reply of {host} is no HTTP that can be read", USUAL_SUSPECTS),
)


def _explained(exc: Exception, origin: str) -> TransportError:
    """Say what went wrong, by the exception's type."""
    if isinstance(exc, TransportError):
        return exc
    host = urlsplit(origin).netloc
    text, remedy = next(
        (text, cure) for kinds, text, cure in _EXPLANATIONS if isinstance(exc, kinds)
    )
    return TransportError(text.format(host=host), remedy=remedy)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _trusting(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca_bundle:
            context.load_verify_locations(cadata=ca_bundle)
        else:
            _trust_image(context)
    except (OSError, ValueError):
        msg = "the CA certificates cannot be read"
        raise TransportError(msg, remedy="give PEM certificates in `ca-bundle`") from None
    return context


def _trust_image(context: ssl.SSLContext) -> None:
    # The compiled-in places, never SSL_CERT_FILE and SSL_CERT_DIR of the pod.
    paths = ssl.get_default_verify_paths()
    hashed = Path(paths.openssl_capath)
    if hashed.is_dir() and next(hashed.glob("*.0"), None) is not None:
        context.load_verify_locations(capath=paths.openssl_capath)
        return
    bundle = Path(paths.openssl_cafile)
    if not bundle.is_file():
        import botocore  # noqa: PLC0415 - only where the image has no certificates at all

        bundle = Path(botocore.__file__).with_name("cacert.pem")
    context.load_verify_locations(cafile=str(bundle))
