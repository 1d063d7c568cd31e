"""
The way out of a test: an HTTP proxy that leads the clouds' true host names to worlds.

A program under test is given it as its proxy and uses the hosts that it would use in earnest. What
no route names is refused, so nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from worlds.listener import IDLE_SECONDS, Listener, reset_on_close

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_HEAD: Final = 64 * 1024  # bytes
_CHUNK: Final = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a way out."""

    target: str
    """`host:port` in lower case, as it was asked for; the request line of what is no CONNECT."""
    allowed: bool


class Egress:
    """
    A proxy for CONNECT (RFC 9110 §9.3.6) on loopback.

    ```python
    routes = {**azure.routes, "sts.googleapis.com:443": ("127.0.0.1", port)}
    with Egress(routes) as egress:
        egress.url                       # "http://127.0.0.1:…", for `proxy` or HTTPS_PROXY
        ...
        egress.asked                     # (Asked("login.microsoftonline.com:443", True), …)
        egress.targets                   # the same as `host:port` alone
        egress.refused                   # those that led nowhere
    ```

    Args:
        routes: by `host:port`, or by `*.suffix:port` for one label before a suffix: where it is.
            The mapping is read at each request, so routes may be added while it runs.
        address: of its listener; a free port of 127.0.0.1 when absent.
    """

    def __init__(
        self,
        routes: Mapping[str, tuple[str, int]],
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self._routes = routes
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self._listener = Listener(self._answer, address, "egress")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, or did."""
        return self._listener.port

    @property
    def url(self) -> str:
        """The proxy's URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Every request so far."""
        with self._lock:
            return tuple(self._asked)

    @property
    def refused(self) -> tuple[str, ...]:
        """What was asked for and leads nowhere."""
        return tuple(one.target for one in self.asked if not one.allowed)

    @property
    def targets(self) -> tuple[str, ...]:
        """`host:port` of every request so far."""
        return tuple(one.target for one in self.asked)

    def start(self) -> None:
        """Listen."""
        self._listener.start()

    def stop(self) -> None:
        """Take no more, end every tunnel and wait for its thread."""
        self._listener.stop()

    def _answer(self, client: socket.socket) -> None:
        head, early = _head(client)
        method, _, rest = head.partition(" ")
        target = rest.partition(" ")[0].lower() if method == "CONNECT" else head
        where = _route(self._routes, target) if method == "CONNECT" else None
        with self._lock:
            self._asked.append(Asked(target, where is not None))
        if where is None:
            text = f"this proxy leads nowhere for {target}\n".encode()
            client.sendall(_refusal("403 Forbidden", text))
            return
        try:
            upstream = socket.create_connection(where, timeout=IDLE_SECONDS)
        except OSError:
            client.sendall(_refusal("502 Bad Gateway", b"nobody listens there\n"))
            return
        with self._listener.kept(upstream):
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if early:
                upstream.sendall(early)
            _pump(client, upstream)


def _head(client: socket.socket) -> tuple[str, bytes]:
    """Read the request line, and what came after the empty line."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(_CHUNK)
        if not more or len(data) > _MAX_HEAD:
            msg = "no request"
            raise ConnectionError(msg)
        data += more
    head, _, early = data.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0].decode("latin-1"), early


def _route(routes: Mapping[str, tuple[str, int]], target: str) -> tuple[str, int] | None:
    exact = routes.get(target)
    return exact if exact is not None else routes.get("*." + target.partition(".")[2])


def _refusal(status: str, text: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + text


def _pump(client: socket.socket, upstream: socket.socket) -> None:
    """Pass bytes on until both sides have ended; an end or a reset is passed on, too."""
    with selectors.DefaultSelector() as ready:
        ready.register(client, selectors.EVENT_READ, (client, upstream))
        ready.register(upstream, selectors.EVENT_READ, (upstream, client))
        while ready.get_map():
            for key, _ in ready.select(IDLE_SECONDS):
                source, sink = key.data
                try:
                    data = source.recv(_CHUNK)
                except ConnectionResetError:
                    reset_on_close(sink)
                    return
                if data:
                    sink.sendall(data)
                    continue
                ready.unregister(source)
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
