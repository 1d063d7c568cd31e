"""
From a request to its answer: identify, misbehave on demand, verify, handle, note in the journal.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds import faults
from worlds.aws import pod_identity, wire
from worlds.aws.calls import Call
from worlds.aws.errors import (
    INVALID_ACTION,
    UNKNOWN_OPERATION,
    AwsError,
)
from worlds.aws.sigv4 import SignatureError, Verifier
from worlds.journal import OK, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from worlds.aws.credentials import AccessKeys
    from worlds.aws.pod_identity import PodIdentity
    from worlds.aws.wire import Asked
    from worlds.clock import WorldClock
    from worlds.faults import Fault, Faults
    from worlds.journal import Journal
    from worlds.server import Request, Response

    Handler = Callable[[Call], Mapping[str, Any]]

_UNSIGNED: Final = frozenset({("sts", "AssumeRoleWithWebIdentity")})


@dataclass(frozen=True, slots=True)
class Desk:
    """What every endpoint of a world has: its time, its journal, its faults, its lock."""

    clock: WorldClock
    journal: Journal
    faults: Faults
    lock: AbstractContextManager[object]
    """Held while a request is handled, so that a rotation is seen whole or not at all."""

    def run(
        self, call: Call, answer: Callable[[], Response], encode: Callable[[AwsError], Response]
    ) -> Response:
        """
        Answer a call, or do what was ordered instead, and note it.

        Args:
            call: what is asked.
            answer: handles it; may raise `AwsError`.
            encode: writes an error in the endpoint's protocol.
        """
        ordered = self.faults.take(call.service, call.action, call.region)
        response, outcome = faults.handled(
            ordered, lambda: self._answer(answer, encode), lambda hit: encode(_ordered(hit))
        )
        self._note(call, outcome, 0 if response.reset else response.status)
        return response

    def _answer(
        self, answer: Callable[[], Response], encode: Callable[[AwsError], Response]
    ) -> tuple[Response, str]:
        try:
            with self.lock:
                return answer(), OK
        except AwsError as exc:
            return encode(exc), exc.code

    def _note(self, call: Call, outcome: str, status: int) -> None:
        caller = call.caller
        self.journal.add(
            Entry(
                at=call.now,
                service=call.service,
                action=call.action,
                region=call.region,
                outcome=outcome,
                status=status,
                principal=call.asked_by,
                base=caller.base if caller else call.asked_by,
                access_key_id=call.access_key_id,
                resources=tuple(call.resources),
                items=tuple(call.items),
                detail=dict(call.detail),
                connection=call.connection,
                request_id=call.request_id,
            )
        )


def _ordered(fault: Fault) -> AwsError:
    return AwsError(fault.code, fault.message, status=fault.status)


class Services:
    """
    The HTTPS endpoint of a world: STS, Secrets Manager, Parameter Store, KMS.

    Args:
        desk: of the world.
        handlers: by service and action.
        keys: who signs.
        default_region: of unsigned requests that name none.
    """

    def __init__(
        self,
        desk: Desk,
        handlers: Mapping[tuple[str, str], Handler],
        keys: AccessKeys,
        *,
        default_region: str,
    ) -> None:
        self._desk = desk
        self._handlers = handlers
        self._keys = keys
        self._default_region = default_region
        self.skew = 0.0
        """Seconds by which the services' clocks are ahead when they look at signatures."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        asked = wire.identify(request)
        call = Call(
            service=asked.service,
            action=asked.action,
            region=asked.demanded_region or asked.signed_region or self._default_region,
            parameters={},
            now=self._desk.clock.now(),
            request_id=str(uuid.uuid4()),
            connection=request.connection,
        )
        return self._desk.run(
            call,
            lambda: wire.success(asked, self._handled(request, asked, call), call.request_id),
            lambda error: wire.failure(call.service, error, call.request_id),
        )

    def _handled(self, request: Request, asked: Asked, call: Call) -> Mapping[str, Any]:
        if (call.service, call.action) not in _UNSIGNED:
            self._verify(request, asked, call)
        given = wire.parameters(call.service, request)
        handler = self._handlers.get((call.service, call.action))
        if call.service == "sts" and (handler is None or given.get("Version") != wire.STS_VERSION):
            msg = f"Could not find operation {call.action} for version {given.get('Version')}"
            raise AwsError(INVALID_ACTION, msg)
        if handler is None:
            msg = f"this world has no {call.action}"
            raise AwsError(UNKNOWN_OPERATION, msg)
        call.parameters = given
        return handler(call)

    def _verify(self, request: Request, asked: Asked, call: Call) -> None:
        wall = self._desk.clock.wall() + self.skew
        verifier = Verifier(self._keys, call.service, asked.demanded_region, call.now, wall)
        try:
            key = verifier.verify(request)
        except SignatureError as exc:
            raise wire.signature_error(call.service, exc) from None
        call.caller = key.principal
        call.asked_by = key.principal.arn
        call.access_key_id = key.id


class Agent:
    """
    The Pod Identity agent's endpoint.

    Args:
        desk: of the world.
        service: what is behind the agent.
        region: of the cluster.
    """

    def __init__(self, desk: Desk, service: PodIdentity, region: str) -> None:
        self._desk = desk
        self._service = service
        self._region = region

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        call = Call(
            service=pod_identity.SERVICE,
            action=pod_identity.ACTION,
            region=self._region,
            parameters={},
            now=self._desk.clock.now(),
            request_id=str(uuid.uuid4()),
            connection=request.connection,
        )
        return self._desk.run(
            call,
            lambda: pod_identity.success(self._service.credentials(request, call)),
            lambda error: pod_identity.failure(error, call.request_id),
        )
