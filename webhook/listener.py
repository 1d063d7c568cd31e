"""
Accepting connections with bounds: on connections, on handshakes, on what one turn accepts.

The loop's own server accepts everything at once, and a thousand handshakes then starve the
requests of those who are connected. What finds no room waits in the kernel's queue, where it
costs nothing; a client that gave up there is dropped before its handshake, which is the
expensive part. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.connections import Connections
    from webhook.limits import Limits

_BACKLOG: Final = 1024
_ACCEPTED_AT_ONCE: Final = 16
_RETRY_SECONDS: Final = 0.05
# tcp_states.h: the peer has closed its side.
_CLOSE_WAIT: Final = 8


def bind(host: str, port: int, *, silent_seconds: float) -> socket.socket:
    """
    Open a listening socket; an empty host is every address of both families.

    Args:
        host: an address or name.
        port: 0 for any free one.
        silent_seconds: how long the kernel keeps a peer to itself that sends nothing.

    Raises:
        OSError: if the address cannot be had.
    """
    if not host and socket.has_dualstack_ipv6():
        listening = socket.create_server(
            ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
        )
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        seconds = max(1, int(silent_seconds))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, seconds)
    listening.settimeout(0)
    return listening


def _abandoned(accepted: socket.socket) -> bool:
    """Whether the client has gone while its connection waited to be accepted."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    return accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] >= _CLOSE_WAIT


class Listener:
    """
    Accepts from one listening socket into `connections`.

    Args:
        listening: from `bind`.
        connections: makes the protocols and is asked for room.
        limits: the bounds.
        context: None serves plain HTTP.
        failed: told of each handshake that does not complete.
    """

    def __init__(
        self,
        listening: socket.socket,
        connections: Connections,
        *,
        limits: Limits,
        context: ssl.SSLContext | None = None,
        failed: Callable[[], None],
    ) -> None:
        self._listening = listening
        self._connections = connections
        self._limits = limits
        self._context = context
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._waiting = select.poll()
        self._waiting.register(listening, select.POLLIN)
        self._pending: dict[asyncio.Task[None], float] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._open = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        host, port = self._listening.getsockname()[:2]
        return str(host), int(port)

    @property
    def handshakes(self) -> int:
        """How many connections are being shaken hands with."""
        return len(self._pending)

    def start(self) -> None:
        """Begin to accept."""
        self._open = True
        self._connections.on_closed = self._resume
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def stop(self) -> None:
        """Accept what the kernel has already promised to serve, then listen no more."""
        if not self._open:
            return
        self._resume()
        for _ in range(_BACKLOG // _ACCEPTED_AT_ONCE):
            if not self._accept():
                break
        self._open = False
        self._loop.remove_reader(self._listening.fileno())
        if self._retry is not None:
            self._retry.cancel()
        self._listening.close()

    def sweep(self, now: float) -> None:
        """Give up what is past the handshake's deadline."""
        for task, since in list(self._pending.items()):
            if now - since > self._limits.handshake_seconds:
                task.cancel()

    def _accept(self) -> bool:
        """Accept a few; true when there may be more."""
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._room():
                if self._waiting.poll(0):  # nobody is turned out for nobody
                    self._make_room(monotonic())
                self._pause()
                return False
            try:
                accepted, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return False
            except OSError:  # no descriptors left: they come back as connections end
                if not self._give_up_oldest(monotonic(), _ACCEPTED_AT_ONCE):
                    self._connections.make_room(monotonic())
                self._pause()
                return False
            if _abandoned(accepted):
                accepted.close()
                continue
            accepted.settimeout(0)
            task = self._loop.create_task(self._welcome(accepted))
            self._pending[task] = monotonic()
            task.add_done_callback(self._settled)
        return True

    async def _welcome(self, accepted: socket.socket) -> None:
        tls = self._context is not None
        try:
            await self._loop.connect_accepted_socket(
                self._connections,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_seconds if tls else None,
                ssl_shutdown_timeout=self._limits.shutdown_seconds if tls else None,
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            self._failed()
            with contextlib.suppress(OSError):
                accepted.close()

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._pending.pop(task, None)
        self._resume()

    def _room(self) -> bool:
        held = len(self._connections) + len(self._pending)
        return len(self._pending) < self._limits.handshakes and held < self._limits.connections

    def _make_room(self, now: float) -> None:
        if len(self._pending) >= self._limits.handshakes:
            self._give_up_oldest(now, 1)
        else:
            self._connections.make_room(now)

    def _give_up_oldest(self, now: float, most: int) -> bool:
        """Let handshakes that take longest go, `most` at once; true if there were such."""
        crowded = self._limits.crowded_seconds
        old = [task for task, since in self._pending.items() if now - since > crowded]
        for task in old[:most]:
            task.cancel()
        return bool(old)

    def _pause(self) -> None:
        """Stop accepting until something ends, or for a moment."""
        if self._retry is None and self._open:
            self._loop.remove_reader(self._listening.fileno())
            self._retry = self._loop.call_later(_RETRY_SECONDS, self._resume)

    def _resume(self) -> None:
        if self._retry is not None and self._open:
            self._retry.cancel()
            self._retry = None
            self._loop.add_reader(self._listening.fileno(), self._accept)
