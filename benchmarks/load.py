"""
A load on loopback: closed loop (as fast as answers come) or open loop (a fixed rate).

Run as `python -m benchmarks.load`, with an order as JSON on standard input; prints the outcome as
JSON. A process of its own, so that it has a core of its own. Bounded in time and connections,
against 127.0.0.1 only. Latencies of the open loop count from the scheduled instant, so that a stall
is not hidden by the requests that waited for it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Final, cast

import uvloop

MAX_SECONDS: Final = 30.0
MAX_CONNECTIONS: Final = 600
PATIENCE: Final = 10.0
"""Seconds after which an answer is no longer waited for, as the API server does."""
_SWEEP: Final = 0.5
_LOST: Final = 0
NUMBER: Final = b"#####"
"""What each request has a number of its own for, as the API server gives names of their own."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, where, and how."""

    port: int
    ca: str
    """Path of the PEM certificate that signed the server's."""
    bodies: list[str]
    """
    Paths of the bodies that are posted to /mutate in turn; `#####` in one becomes a number that no
    other request has.
    """
    seconds: float
    """At most 30."""
    connections: int = 16
    rate: float = 0.0
    """Requests a second; 0 is as fast as answers come."""


@dataclass(slots=True)
class Outcome:
    """What came back."""

    latencies: list[float] = field(default_factory=list)
    """Seconds, of answers with status 200."""
    moments: list[float] = field(default_factory=list)
    """When each of those was sent or scheduled, in seconds from the start."""
    shed: int = 0
    """Answers with status 429."""
    failed: int = 0
    """Other answers, none, and connections that ended."""
    seconds: float = 0.0
    started: float = 0.0
    """On the machine's monotonic clock, which all processes share."""

    @property
    def good(self) -> int:
        """Answers with status 200."""
        return len(self.latencies)


class _Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection; knows just enough to find the end of an answer."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._answer = b""
        self._end = 0
        self.transport: asyncio.WriteTransport | None = None
        self.since = -1.0
        """When the request in flight was sent or scheduled; negative when there is none."""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TLS transports are no subclass of asyncio's.
        self.transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, since: float) -> None:
        """Send one request."""
        assert self.transport is not None
        self.since, self.sent = since, perf_counter()
        self._answer, self._end = b"", 0
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._end:
            head, separator, _ = self._answer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._end = len(head) + 4 + int(length)
        if len(self._answer) >= self._end and self.since >= 0:
            closing = b"connection: close" in self._answer[: self._end].lower()
            if closing and self.transport is not None:
                self.transport.close()
            self._load.answered(self, int(self._answer[9:12]), closing=closing)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.transport is not None:
            self.transport = None
            self._load.lost(self)


class _Load:
    """One run over a set of connections."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._seconds = min(order.seconds, MAX_SECONDS)
        self._requests = cycle(_request(order.port, Path(path)) for path in order.bodies)
        self._number = 0
        self._context = ssl.create_default_context(cafile=order.ca)
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._waiting: deque[float] = deque()
        self._started = self._until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        """Connect, load, wait for what is in flight."""
        number = min(self._order.connections, MAX_CONNECTIONS)
        await asyncio.gather(*(self._connect() for _ in range(number)))
        self._started = self.outcome.started = perf_counter()
        self._until = self._started + self._seconds
        await (self._open() if self._order.rate else self._closed())
        while self._busy() and perf_counter() < self._until + PATIENCE:
            await asyncio.sleep(0.01)
            self._sweep()
        self.outcome.seconds = max(perf_counter() - self._started, self._seconds)
        if not self._order.rate:
            self.outcome.seconds = self._seconds
        self.outcome.failed += self._busy()
        for connection in self._all:
            if connection.transport is not None:
                connection.transport.abort()
        return self.outcome

    async def _closed(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            self._send(connection, perf_counter())
        while perf_counter() < self._until:
            await asyncio.sleep(min(_SWEEP, max(0.0, self._until - perf_counter())))
            self._sweep()

    async def _open(self) -> None:
        swept = self._started
        for number in range(int(self._order.rate * self._seconds)):
            scheduled = self._started + number / self._order.rate
            if scheduled > perf_counter():
                await asyncio.sleep(scheduled - perf_counter())
            if self._idle:
                self._send(self._idle.pop(), scheduled)
            else:
                self._waiting.append(scheduled)
            if perf_counter() - swept > _SWEEP:
                swept = perf_counter()
                self._sweep()

    def _send(self, connection: _Connection, since: float) -> None:
        self._number += 1
        number = b"%05x" % (self._number & 0xFFFFF)
        connection.send(next(self._requests).replace(NUMBER, number), since)

    def answered(self, connection: _Connection, status: int, *, closing: bool) -> None:
        """Count an answer, and send the next request."""
        now, since = perf_counter(), connection.since
        connection.since = -1.0
        if status == 200:
            self.outcome.latencies.append(now - since)
            self.outcome.moments.append(since - self._started)
        elif status == 429:
            self.outcome.shed += 1
        else:
            self.outcome.failed += 1
        if not closing:
            self._next(connection, now)

    def _next(self, connection: _Connection, now: float) -> None:
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        elif self._started and not self._order.rate and now < self._until:
            self._send(connection, now)
        else:
            self._idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        """Count what a connection took with it, and open another one."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.since >= 0:
            self.answered(connection, _LOST, closing=True)
        if perf_counter() < self._until:
            task = asyncio.create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await asyncio.wait_for(
                loop.create_connection(
                    lambda: _Connection(self),
                    "127.0.0.1",
                    self._order.port,
                    ssl=self._context,
                    server_hostname="localhost",
                ),
                PATIENCE,
            )
        except (OSError, TimeoutError):
            self.outcome.failed += 1
            return
        self._all.add(connection)
        self._next(connection, perf_counter())

    def _sweep(self) -> None:
        """Give up what was sent too long ago."""
        now = perf_counter()
        for connection in list(self._all):
            if connection.since >= 0 and now - connection.sent > PATIENCE:
                assert connection.transport is not None
                connection.transport.abort()

    def _busy(self) -> int:
        return len(self._waiting) + sum(connection.since >= 0 for connection in self._all)


def _request(port: int, path: Path) -> bytes:
    body = path.read_bytes()
    head = (
        f"POST /mutate?timeout=5s HTTP/1.1\r\nHost: localhost:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Carry out the order that standard input has."""
    order = Order(**json.load(sys.stdin))
    print(json.dumps(asdict(uvloop.run(_Load(order).run()))))


if __name__ == "__main__":
    main()
