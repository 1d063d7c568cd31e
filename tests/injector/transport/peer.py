"""A peer on loopback that answers each connection as a test scripts it, plain or with TLS."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

Script = Callable[[socket.socket, bytes], bool]
"""Gets the connection and one whole request; says whether to read another."""


def reply(body: bytes, status: str = "200 OK", *headers: str) -> Script:
    """Answer every request alike and keep the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def script(sock: socket.socket, _request: bytes) -> bool:
        sock.sendall(data)
        return True

    return script


def tunnel(port: int) -> Script:
    """Connect every tunnel to one port of loopback, whatever host was asked for."""

    def script(sock: socket.socket, _request: bytes) -> bool:
        with socket.create_connection(("127.0.0.1", port)) as other:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(other, sock), daemon=True)
            back.start()
            _copy(sock, other)
        return False

    return script


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Peer:
    """Accepts connections until it is left; `requests` and `connections` are its journal."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        scheme = "http" if context is None else "https"
        self.port = self._listener.getsockname()[1]
        self.url = f"{scheme}://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_exc: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._socks.append(sock)
            self._start(lambda sock=sock: self._serve(sock))  # type: ignore[misc]

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
                self._socks.append(sock)  # the plain one is detached, and no end of it is seen
            stack.enter_context(sock)
            for request in _requests(sock):
                self.requests.append(request)
                if not self._script(sock, request):
                    return


def _requests(sock: socket.socket) -> Iterator[bytes]:
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
        while b"\r\n\r\n" in data:
            head, _, rest = data.partition(b"\r\n\r\n")
            length = next(
                (
                    int(v)
                    for k, _, v in (line.partition(b":") for line in head.split(b"\r\n"))
                    if k.lower() == b"content-length"
                ),
                0,
            )
            if len(rest) < length:
                break
            yield head + b"\r\n\r\n" + rest[:length]
            data = rest[length:]
