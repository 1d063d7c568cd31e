"""
An egress proxy (HTTP CONNECT, RFC 9110 §9.3.6) that leads the clouds' real names to worlds.

Programs under test so use the addresses that they use in production, and whatever else they try to
reach is refused and noted.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE: Final = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n")
_MAX_HEAD: Final = 16 * 1024  # bytes
_IDLE_SECONDS: Final = 60.0
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One CONNECT."""

    host: str
    port: int
    allowed: bool


class Egress:
    """
    A proxy on a free port of 127.0.0.1.

    ```python
    with Egress({"*.vault.azure.net": world.address, "login.microsoftonline.com": world.address}) \
            as egress:
        Proxy(https=egress.url)
        ...
        egress.refused               # hosts that nothing stands for
    ```

    Args:
        places: address of a world by host pattern (`*` within a name); all at port 443.
        listen: host and port; a free port of 127.0.0.1 when absent.
    """

    def __init__(
        self,
        places: Mapping[str, tuple[str, int]],
        listen: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.places = dict(places)
        self.asked: list[Asked] = []
        self._listen = listen
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address of the proxy."""
        return f"http://{self._listen[0]}:{self._listen[1]}"

    @property
    def refused(self) -> tuple[str, ...]:
        """Hosts that were asked for and that nothing stands for."""
        return tuple(item.host for item in self.asked if not item.allowed)

    def start(self) -> None:
        """Listen."""
        listener = socket.create_server(self._listen, backlog=256)
        self._listen = listener.getsockname()[:2]
        self._listener = listener
        self._ending.clear()
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Refuse new connections and end the open ones."""
        listener, self._listener = self._listener, None
        if listener is None or self._acceptor is None:
            return
        self._ending.set()
        with contextlib.suppress(OSError), socket.create_connection(self._listen):
            self._acceptor.join(5)
        listener.close()
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self._ending.is_set():
                client.close()
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads = [kept for kept in self._threads if kept.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(_IDLE_SECONDS)
            place = self._place(_head(client))
            if place is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(place) as world:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._pass(client, world)

    def _place(self, head: bytes) -> tuple[str, int] | None:
        found = _LINE.match(head)
        if found is None:
            return None
        host, port = found.group(1).decode("ascii").lower(), int(found.group(2))
        place = None
        if port == 443:
            fits = (at for name, at in self.places.items() if fnmatchcase(host, name))
            place = next(fits, None)
        self.asked.append(Asked(host, port, place is not None))
        return place

    def _pass(self, client: socket.socket, world: socket.socket) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(client, selectors.EVENT_READ, world)
            waiting.register(world, selectors.EVENT_READ, client)
            while not self._ending.is_set():
                for key, _ in waiting.select(0.2):
                    source = key.fileobj
                    if not isinstance(source, socket.socket):
                        return
                    data = source.recv(_CHUNK)
                    if not data:
                        return
                    key.data.sendall(data)


def _head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD:
        data = client.recv(_MAX_HEAD)
        if not data:
            break
        head += data
    return head
