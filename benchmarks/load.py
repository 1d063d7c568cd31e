"""
A load on loopback: closed loop (as fast as answers come) or open loop (a fixed rate).

Bounded in time and connections, against 127.0.0.1 only. Latencies of the open loop count from the
scheduled instant, so that a stall is not hidden by the requests that waited for it.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field

import uvloop

MAX_SECONDS = 30.0


@dataclass(slots=True)
class Outcome:
    """What came back: latencies in seconds of good answers, and the count of all others."""

    latencies: list[float] = field(default_factory=list)
    shed: int = 0
    failed: int = 0
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """A percentile of the latencies in milliseconds; 0 without any."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


class Connection:
    """One keep-alive HTTP/1.1 connection over TLS."""

    def __init__(self, port: int, context: ssl.SSLContext, request: bytes) -> None:
        self._port = port
        self._context = context
        self._request = request
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def exchange(self) -> int:
        """Send the request, read the whole answer, give its status."""
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._context, server_hostname="localhost"
            )
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        length = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        if b"connection: close" in lowered:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Drop the connection; the next exchange opens another one."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _one(connection: Connection, outcome: Outcome, since: float) -> None:
    try:
        status = await asyncio.wait_for(connection.exchange(), 10)
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        connection.close()
        outcome.failed += 1
        return
    if status == 200:
        outcome.latencies.append(time.perf_counter() - since)
    elif status == 429:
        outcome.shed += 1
    else:
        outcome.failed += 1


async def _closed(connections: list[Connection], seconds: float) -> Outcome:
    outcome = Outcome()
    started = time.perf_counter()

    async def loop(connection: Connection) -> None:
        while time.perf_counter() - started < seconds:
            await _one(connection, outcome, time.perf_counter())

    await asyncio.gather(*(loop(connection) for connection in connections))
    outcome.seconds = time.perf_counter() - started
    return outcome


async def _open(connections: list[Connection], seconds: float, rate: float) -> Outcome:
    outcome = Outcome()
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        await _one(connection, Outcome(), time.perf_counter())
        idle.put_nowait(connection)
    started = time.perf_counter()
    tasks: set[asyncio.Task[None]] = set()

    async def send(scheduled: float) -> None:
        connection = await idle.get()
        await _one(connection, outcome, scheduled)
        idle.put_nowait(connection)

    for number in range(int(rate * seconds)):
        scheduled = started + number / rate
        delay = scheduled - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(send(scheduled))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    outcome.seconds = time.perf_counter() - started
    return outcome


@dataclass(frozen=True, slots=True)
class Target:
    """A server on loopback."""

    port: int
    ca: str
    """Path of the PEM certificate that signed its own."""


def drive(
    target: Target, body: bytes, *, seconds: float, connections: int = 16, rate: float = 0.0
) -> Outcome:
    """
    Load a server on loopback.

    Args:
        target: the server.
        body: of the POST to /mutate.
        seconds: how long, at most 30.
        connections: how many at once.
        rate: requests a second; 0 is as fast as answers come.
    """
    context = ssl.create_default_context(cafile=target.ca)
    head = (
        f"POST /mutate?timeout=5s HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    pool = [Connection(target.port, context, request) for _ in range(connections)]
    seconds = min(seconds, MAX_SECONDS)

    async def session() -> Outcome:
        try:
            return await (_open(pool, seconds, rate) if rate else _closed(pool, seconds))
        finally:
            for connection in pool:
                connection.close()

    return uvloop.run(session())
