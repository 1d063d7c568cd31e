"""
Opens one connection to a provider: way, trust, deadline, and words for what goes wrong.

Trust is the image's hashed CA directory, which OpenSSL reads certificate by certificate (a bundle
of 146 costs 25 ms at each start), or PEM certificates that the operator gave in place of it.
Nothing is read from the environment, and no byte of a request or a reply gets into an error.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.proxying import Route, route

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.contract.plan import Proxy

USUAL_SUSPECTS: Final = (
    "check NetworkPolicy egress from this pod, the VPC endpoint or NAT of its subnet, an egress "
    "proxy (`proxy` in the operator's configuration), and a mesh proxy that is not up yet "
    '(`syrette.dev/order: "last"`)'
)
"""What refuses or swallows connections in clusters, likeliest first."""
_DNS: Final = "check DNS in this pod, that egress to it is allowed, and the region's spelling"
_CA: Final = "give the CA of the endpoint or of the TLS-inspecting proxy in `ca-bundle`"
_TIME: Final = "check the clock of the node, and when the endpoint's certificate is replaced"
_NAME: Final = "check the address in `endpoints`, and what answers in place of the endpoint"
_PROXY: Final = "allow the host in the proxy, or name it in `no_proxy`"


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


# By OpenSSL's verify code (x509_vfy.h): what another CA would not cure.
_DISTRUSTS: Final = {
    9: ("the certificate of {host} is not valid yet", _TIME),
    10: ("the certificate of {host} has expired", _TIME),
    62: ("the certificate of {host} is for another name", _NAME),
    64: ("the certificate of {host} is for another address", _NAME),
}


def explained(exc: Exception, origin: str) -> TransportError:
    """Say what went wrong, by the exception's type."""
    if isinstance(exc, TransportError):
        return exc
    host = urlsplit(origin).netloc
    text, remedy = next(
        (said, cure) for kinds, said, cure in _EXPLANATIONS if isinstance(exc, kinds)
    )
    if isinstance(exc, ssl.SSLCertVerificationError):
        text, remedy = _DISTRUSTS.get(exc.verify_code, (text, remedy))
    return TransportError(text.format(host=host), remedy=remedy)


def unconnected(origin: str) -> TransportError:
    """Say that a deadline passed with neither an address nor a connection."""
    text = f"{urlsplit(origin).netloc} was not found or did not answer in time"
    return TransportError(text, remedy=f"{_DNS}; {USUAL_SUSPECTS}")


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
        self.until = float("-inf")

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
class Connection:
    """One open connection; `used` says whether a request has gone over it."""

    http: http.client.HTTPConnection
    sock: _TimedSocket
    used: bool = False


def connect(
    origin: str,
    *,
    proxy: Proxy,
    seconds: float,
    context: Callable[[], ssl.SSLContext],
    clock: Callable[[], float],
) -> Connection:
    """
    Open a connection to an origin such as `https://sts.eu-west-1.amazonaws.com`.

    Args:
        origin: scheme, host and port.
        proxy: the operator's.
        seconds: until it must stand.
        context: the trust, made only where TLS is spoken.
        clock: monotonic seconds, for the deadlines of the requests that follow.

    Raises:
        Exception: one of those that `explained` knows.
    """
    if seconds <= 0:
        msg = "deadline"
        raise TimeoutError(msg)
    way = route(origin, proxy)
    connection = http.client.HTTPConnection(way.host, way.port, timeout=seconds)
    connection.auto_open = 0
    # As bytes: a text would load Python's IDNA tables, 5 ms, for names that are plain ASCII.
    address: Any = (way.host.encode("ascii"), way.port)
    connection.sock = socket.create_connection(address, seconds)
    try:
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if way.target:
            early = _TimedSocket(connection.sock, clock)
            early.until = clock() + seconds
            _tunnel(early, way)
        if way.tls:
            connection.sock = context().wrap_socket(connection.sock, server_hostname=way.name)
    except BaseException:
        connection.close()
        raise
    sock = _TimedSocket(connection.sock, clock)
    connection.sock = sock
    return Connection(connection, sock)


def _tunnel(sock: Any, way: Route) -> None:  # noqa: ANN401 - what `http.client` needs of a socket
    """Ask a proxy for a connection to the target (RFC 9110, section 9.3.6)."""
    lines = [f"CONNECT {way.target} HTTP/1.1", f"Host: {way.target}"]
    lines += [f"{name}: {value}" for name, value in way.proxy_headers]
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    with http.client.HTTPResponse(sock, method="CONNECT") as reply:
        reply.begin()
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - RFC 9110
        msg = f"the proxy {way.host}:{way.port} answered {reply.status} for {way.target}"
        raise TransportError(msg, remedy=_PROXY)


def trusting(ca_bundle: str) -> ssl.SSLContext:
    """
    Make the client side of TLS that trusts PEM certificates, or the image's when there are none.

    Raises:
        TransportError: when they cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca_bundle:
            context.load_verify_locations(cadata=ca_bundle)
        else:
            paths = ssl.get_default_verify_paths()
            # The compiled-in places, never SSL_CERT_FILE and SSL_CERT_DIR of the pod.
            trust_image(context, Path(paths.openssl_capath), Path(paths.openssl_cafile))
    except (OSError, ValueError):
        msg = "the CA certificates cannot be read"
        raise TransportError(msg, remedy="give PEM certificates in `ca-bundle`") from None
    return context


def trust_image(context: ssl.SSLContext, hashed: Path, bundle: Path) -> None:
    """Trust a hashed directory, else a bundle, else botocore's own certificates."""
    if hashed.is_dir() and next(hashed.glob("*.0"), None) is not None:
        context.load_verify_locations(capath=str(hashed))
        return
    if not bundle.is_file():
        import botocore  # noqa: PLC0415 - only where the image has no certificates at all

        bundle = Path(botocore.__file__).with_name("cacert.pem")
    context.load_verify_locations(cafile=str(bundle))
