"""Raw clients: bytes in, bytes out, so that a test can be as odd as it likes."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

PATIENCE = 10.0
"""Seconds after which a client gives up and its test fails."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(
    body: bytes,
    *,
    path: str = "/mutate?timeout=5s",
    content_type: str = "application/json",
    extra: str = "",
) -> bytes:
    """Spell an HTTP/1.1 request as the API server does."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: webhook\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode() + body


class Client:
    """
    One connection.

    Args:
        port: on 127.0.0.1.
        context: None speaks plain TCP.
    """

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket: socket.socket = plain
        if context is not None:
            try:
                self._socket = context.wrap_socket(plain, server_hostname="localhost")
            except OSError:
                plain.close()
                raise
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def peer(self) -> ssl.SSLSocket:
        """The TLS socket."""
        assert isinstance(self._socket, ssl.SSLSocket)
        return self._socket

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def reply(self) -> Reply:
        """Read one response; raises ConnectionError when the server ends instead."""
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines[1:])
        }
        status = int(lines[0].split()[1])
        length = 0 if status == 100 else int(headers["content-length"])
        self._received = rest
        while len(self._received) < length:
            self._more()
        body, self._received = self._received[:length], self._received[length:]
        return Reply(status, headers, body)

    def ask(self, request: bytes) -> Reply:
        """Send a request and read its response."""
        self.send(request)
        return self.reply()

    def closed(self, seconds: float = PATIENCE) -> bool:
        """Whether the server closes within `seconds`, without sending more."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def _more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            msg = "the server closed the connection"
            raise ConnectionError(msg)
        self._received += data
