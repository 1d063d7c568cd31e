"""
From a request to its answer: identify, misbehave on demand, admit, handle, note in the journal.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds import faults
from worlds.gcp import metadata, wire
from worlds.gcp.calls import Call
from worlds.gcp.errors import NO_ROUTE, GcpError
from worlds.journal import OK, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from worlds.clock import WorldClock
    from worlds.faults import Fault, Faults
    from worlds.gcp.bearers import Bearers
    from worlds.gcp.metadata import Metadata
    from worlds.journal import Journal
    from worlds.server import Request, Response

    Handler = Callable[[Call], Mapping[str, Any]]

_WITHOUT_TOKEN: Final = frozenset({"sts", "oauth2"})


@dataclass(frozen=True, slots=True)
class Desk:
    """What every endpoint of a world has: its time, its journal, its faults, its lock."""

    clock: WorldClock
    journal: Journal
    faults: Faults
    lock: AbstractContextManager[object]
    """Held while a request is handled, so that a rotation is seen whole or not at all."""

    def call(self, request: Request, asked: wire.Asked) -> Call:
        """Open a call."""
        return Call(
            service=asked.service,
            action=asked.action,
            region=asked.region,
            request=request,
            now=self.clock.now(),
            wall=self.clock.wall(),
            request_id=str(uuid.uuid4()),
            names=asked.names,
        )

    def run(
        self, call: Call, answer: Callable[[], Response], encode: Callable[[GcpError], Response]
    ) -> Response:
        """
        Answer a call, or do what was ordered instead, and note it.

        Args:
            call: what is asked.
            answer: handles it; may raise `GcpError`.
            encode: writes an error in the endpoint's protocol.
        """
        ordered = self.faults.take(call.service, call.action, call.region)
        response, outcome = faults.handled(
            ordered, lambda: self._answer(answer, encode), lambda hit: encode(_ordered(hit))
        )
        self._note(call, outcome, 0 if response.reset else response.status)
        return response

    def _answer(
        self, answer: Callable[[], Response], encode: Callable[[GcpError], Response]
    ) -> tuple[Response, str]:
        try:
            with self.lock:
                return answer(), OK
        except GcpError as exc:
            return encode(exc), exc.code

    def _note(self, call: Call, outcome: str, status: int) -> None:
        self.journal.add(
            Entry(
                at=call.now,
                service=call.service,
                action=call.action,
                region=call.region,
                outcome=outcome,
                status=status,
                principal=call.asked_by,
                base=call.base or call.asked_by,
                access_key_id=call.token_id,
                resources=tuple(call.resources),
                detail=dict(call.detail),
                connection=call.request.connection,
                request_id=call.request_id,
            )
        )


def _ordered(fault: Fault) -> GcpError:
    return GcpError(fault.code, fault.message, status=fault.status)


class Services:
    """
    The HTTPS endpoint of a world.

    Args:
        desk: of the world.
        handlers: by service and action.
        bearers: who may use the APIs at all.
    """

    def __init__(
        self, desk: Desk, handlers: Mapping[tuple[str, str], Handler], bearers: Bearers
    ) -> None:
        self._desk = desk
        self._handlers = handlers
        self._bearers = bearers

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        call = self._desk.call(request, wire.identify(request))
        return self._desk.run(
            call,
            lambda: wire.success(self._handled(call)),
            lambda error: wire.failure(call.service, error),
        )

    def _handled(self, call: Call) -> Mapping[str, Any]:
        handler = self._handlers.get((call.service, call.action))
        if handler is None:
            msg = "Error 404 (Not Found)!!1"
            raise GcpError(NO_ROUTE, msg)
        if call.service not in _WITHOUT_TOKEN:
            self._bearers.admit(call)
        return handler(call)


class Node:
    """
    The endpoint of a node's metadata server.

    Args:
        desk: of the world.
        server: what is behind it.
    """

    def __init__(self, desk: Desk, server: Metadata) -> None:
        self._desk = desk
        self._server = server

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        action = "GetToken" if request.path.endswith("/token") else "GetMetadata"
        call = self._desk.call(request, wire.Asked(metadata.SERVICE, action))
        call.resources.append(request.path)
        return self._desk.run(call, lambda: self._server.answer(call), metadata.failure)
