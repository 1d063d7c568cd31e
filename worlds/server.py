"""
The HTTP/1.1 server of the worlds: one thread a connection, keep-alive, TLS when given a context.

It refuses what a strict server refuses: lines without CRLF, a missing host, a header that stands
twice, bodies without a length, headers or bodies beyond bounds. A response may ask to be sent
badly: late, cut short, or as a reset.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import urlsplit

from worlds.listener import Listener, reset_on_close

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping

_DRAIN_SECONDS: Final = 1.0
_MAX_LINE: Final = 64 * 1024  # bytes; projected tokens stand in headers
_MAX_HEADERS: Final = 100
_MAX_BODY: Final = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True, slots=True)
class Response:
    """What to answer, and how badly."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    cut: int | None = None
    """Send only so many bytes of the body, then end the connection."""
    reset: bool = False
    """Send nothing and reset the connection."""
    stream: Iterable[bytes] | None = None
    """In the place of a body: pieces that are sent one by one, as chunks (RFC 9112 §7.1)."""


class _BadRequestError(Exception):
    """A request that does not follow RFC 9112; the text says where."""


class Server:
    """
    A listener, on a free port of 127.0.0.1 unless another address is given.

    Args:
        handle: makes the response; called from many threads at once.
        context: TLS context, or none for plain HTTP.
        address: host and port; port 0 is a free one.
    """

    def __init__(
        self,
        handle: Callable[[Request], Response],
        context: ssl.SSLContext | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self._handle = handle
        self._context = context
        self._lock = threading.Lock()
        self._listener = Listener(self._serve, address, "world")
        self.connections = 0
        """Connections that were accepted (and, with TLS, shook hands), ever."""
        self.failed_handshakes = 0

    @property
    def port(self) -> int:
        """Where it listens, or did."""
        return self._listener.port

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self._listener.listening

    def start(self) -> None:
        """Listen; on the port of before when it was stopped."""
        self._listener.start()

    def stop(self) -> None:
        """Refuse new connections and end the open ones."""
        self._listener.stop()

    def _serve(self, plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.ExitStack() as stack:
            connection = plain
            if self._context is not None:
                connection = self._shake_hands(plain, self._context, stack)
            with self._lock:
                self.connections += 1
                number = self.connections
            with connection.makefile("rb") as stream:
                while self._exchange(connection, stream, number):
                    pass

    def _shake_hands(
        self, plain: socket.socket, context: ssl.SSLContext, stack: contextlib.ExitStack
    ) -> ssl.SSLSocket:
        try:
            # Wrapping takes the descriptor over: the wrapped one is kept before it waits.
            wrapped = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            connection = stack.enter_context(self._listener.kept(wrapped))
            connection.do_handshake()
        except OSError:
            with self._lock:
                self.failed_handshakes += 1
            raise
        return connection

    def _exchange(self, connection: socket.socket, stream: IO[bytes], number: int) -> bool:
        try:
            request = _read(connection, stream, number)
        except _BadRequestError as exc:
            connection.sendall(_encode(Response(400, str(exc).encode()), close=True))
            _drain(connection)
            return False
        if request is None:
            return False
        response = self._handle(request)
        if response.delay and self._listener.ending.wait(response.delay):
            return False
        if response.reset:
            reset_on_close(connection)
            return False
        close = request.headers.get("connection", "").lower() == "close"
        if response.stream is not None:
            return self._send_stream(connection, response) and not close
        data = _encode(response, close=close)
        cut = response.cut is not None
        if response.cut is not None:
            data = data[: len(data) - len(response.body) + response.cut]
        connection.sendall(data)
        return not (close or cut)

    def _send_stream(self, connection: socket.socket, response: Response) -> bool:
        connection.sendall(_encode(response, close=False))
        for piece in response.stream or ():
            if self._listener.ending.is_set():
                return False
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        return True


def _encode(response: Response, *, close: bool) -> bytes:
    length = (
        {"Transfer-Encoding": "chunked"}
        if response.stream is not None
        else {"Content-Length": str(len(response.body))}
    )
    headers = {**length, **response.headers}
    if close:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body


def _drain(connection: socket.socket) -> None:
    """Read off what is still coming: closing over unread bytes would reset the answer away."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(_DRAIN_SECONDS)
    left = _MAX_BODY
    with contextlib.suppress(OSError):
        while left > 0 and (data := connection.recv(_MAX_LINE)):
            left -= len(data)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _read(connection: socket.socket, stream: IO[bytes], number: int) -> Request | None:
    start = stream.readline(_MAX_LINE)
    if not start:
        return None
    method, target = _start(start)
    headers = _headers(stream)
    if not headers.get("host"):
        msg = "HTTP/1.1 needs a Host"
        raise _BadRequestError(msg)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdigit() or int(length) > _MAX_BODY:
        msg = "a body needs a Content-Length of at most 16 MiB"
        raise _BadRequestError(msg)
    body = stream.read(int(length))
    if len(body) < int(length):
        return None
    parts = urlsplit(target)
    return Request(method, parts.path or "/", parts.query, headers, body, number)


def _start(line: bytes) -> tuple[str, str]:
    words = line.decode("latin-1").rstrip("\r\n").split(" ")
    if not line.endswith(b"\r\n") or len(words) != 3 or words[2] != "HTTP/1.1":
        msg = "not an HTTP/1.1 request line"
        raise _BadRequestError(msg)
    return words[0], words[1]


def _headers(stream: IO[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = stream.readline(_MAX_LINE)
        if line == b"\r\n":
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not line.endswith(b"\r\n") or not colon or name != name.strip():
            msg = "a header line is not `name: value` with CRLF"
            raise _BadRequestError(msg)
        if name.lower() in headers:
            msg = "a header stands twice"
            raise _BadRequestError(msg)
        headers[name.lower()] = value.strip(" \t\r\n")
    msg = "too many headers"
    raise _BadRequestError(msg)
