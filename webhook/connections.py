"""
Connections with deadlines: aiohttp's HTTP/1.1 protocol plus the time-outs that it lacks.

aiohttp bounds headers by the keep-alive time only, and answers that nobody reads by nothing. One
periodic sweep compares each connection's phase with its deadline, which costs a running request
two attribute writes instead of timers. Refuses nothing by content.
"""

from __future__ import annotations

import asyncio
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from injector.contract.reasons import CONSEQUENCES, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.web_request import BaseRequest

    from webhook.limits import Limits

_EVICTED_AT_ONCE: Final = 16
_THROWN_AWAY: Final = 4 << 20
"""Bytes of a refused body that are read, so that its sender gets to read the answer."""


class Phase(IntEnum):
    """What a connection is waiting for."""

    NEW = 0
    """No byte of a first request."""
    QUIET = 1
    """The next request, after an answered one."""
    RECEIVING = 2
    """The rest of a request's headers."""
    ANSWERING = 3
    """Us: the request is being read, decided or answered."""
    ENDING = 4
    """Nothing: its request was refused unread, and what still comes is thrown away."""


class Connection(RequestHandler):
    """One HTTP/1.1 connection that knows its phase and since when."""

    __slots__ = ("arrived", "phase", "since", "thrown_away")

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(*args, **settings)
        self.phase = Phase.NEW
        self.since = self.arrived = monotonic()
        self.thrown_away = 0

    def data_received(self, data: bytes) -> None:
        """Note when the latest bytes came, and the first of a request."""
        if data:  # aiohttp also calls it to look at what it kept
            self.arrived = monotonic()
        if data and self.phase < Phase.RECEIVING:
            self.phase = Phase.RECEIVING
            self.since = self.arrived
        elif self.phase is Phase.ENDING:
            self.thrown_away += len(data)
            if self.thrown_away > _THROWN_AWAY:
                self.cut()
                return
        super().data_received(data)

    def begin(self) -> None:
        """Note that a request's headers are complete."""
        self.phase = Phase.ANSWERING
        self.since = monotonic()

    def end(self) -> None:
        """Note that the request is refused before its body is complete."""
        self.phase = Phase.ENDING

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer, and wait for the next request from then on."""
        finished = await super().finish_response(request, resp, start_time)
        if self.phase is not Phase.ENDING:
            self.phase = Phase.QUIET
        self.since = monotonic()
        return finished

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, without aiohttp's echo of the offending bytes."""
        del exc, message
        if request.writer.output_size > 0:
            raise ConnectionError
        manager = self._manager
        if isinstance(manager, Connections):
            manager.malformed()
        reason = Reason.MALFORMED_REVIEW if status < CONSEQUENCES[Reason.INTERNAL].status else ""
        response = web.Response(status=status, text=f"{reason or Reason.INTERNAL}: no HTTP\n")
        response.force_close()
        return response

    def cut(self) -> None:
        """Drop the connection without a farewell."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()


class Connections(web.Server):
    """
    All connections of one listener.

    Args:
        handler: answers one request.
        limits: deadlines and the keep-alive time.
        cut: told of each connection that a deadline or want of room closes.
        malformed: told of each request that is no HTTP.
    """

    def __init__(
        self,
        handler: Callable[[BaseRequest], Awaitable[web.StreamResponse]],
        *,
        limits: Limits,
        cut: Callable[[], None],
        malformed: Callable[[], None],
    ) -> None:
        super().__init__(
            self._serve,
            keepalive_timeout=limits.keep_alive_seconds,
            lingering_time=limits.linger_seconds,
            auto_decompress=False,
            access_log=None,
        )
        self.malformed = malformed
        self.on_closed: Callable[[], None] = lambda: None
        self._handler = handler
        self._limits = limits
        self._cut = cut

    def __call__(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def __len__(self) -> int:
        return len(self._connections)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        self.on_closed()

    async def _serve(self, request: BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, Connection):
            connection.begin()
        return await self._handler(request)

    def sweep(self, now: float) -> None:
        """Cut the connections that are past their phase's deadline at `now` (monotonic)."""
        limits = self._limits
        seconds = {
            Phase.NEW: limits.first_request_seconds,
            Phase.QUIET: limits.keep_alive_seconds + limits.header_seconds,
            Phase.RECEIVING: limits.header_seconds,
            Phase.ANSWERING: limits.answer_seconds,
            Phase.ENDING: limits.linger_seconds + limits.header_seconds,
        }
        for connection in self.connections:
            if (
                isinstance(connection, Connection)
                and connection.connected
                and (now - connection.since > seconds[connection.phase])
            ):
                self._cut()
                connection.cut()

    def make_room(self, now: float) -> None:
        """Close the longest quiet connections, those that never asked anything first."""
        quiet = sorted(
            (connection.phase is Phase.QUIET, connection.since, id(connection), connection)
            for connection in self.connections
            if isinstance(connection, Connection)
            and connection.connected
            and connection.phase < Phase.ANSWERING
            and now - connection.since > self._limits.crowded_seconds
        )
        for *_, connection in quiet[:_EVICTED_AT_ONCE]:
            self._cut()
            connection.cut()

    def settle(self, now: float) -> bool:
        """
        Close what waits for nothing; true when no connection has anything in flight.

        A connection that just came, or whose request is arriving, gets its time.
        """
        busy = False
        for connection in self.connections:
            if not isinstance(connection, Connection):
                continue
            fresh = now - connection.since < self._limits.crowded_seconds
            if connection.phase is Phase.QUIET or (connection.phase is Phase.NEW and not fresh):
                connection.force_close()
            busy = True
        return not busy

    async def abort(self) -> None:
        """Drop everything that is left."""
        for connection in self.connections:
            if isinstance(connection, Connection):
                connection.cut()
        await asyncio.sleep(0)
