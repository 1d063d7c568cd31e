"""
The admission server's HTTP: routes, what a request may be, shedding, and the probes.

Refuses, before anything is decoded: other paths and methods, other content types, encoded or
oversized bodies, and whatever comes while more is waiting than can be answered in time. Echoes
nothing of a request.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from injector.contract.reasons import Reason
from webhook.connections import Connection
from webhook.decisions import Decision, Outcome
from webhook.errors import RequestError
from webhook.overload import Pulse, waited

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp.web_request import BaseRequest

    from webhook.decisions import Admission, Answer
    from webhook.limits import Limits
    from webhook.log import Log
    from webhook.metrics import Metrics

_JSON: Final = "application/json"
_REFUSED: Final = MappingProxyType(
    {
        Reason.WRONG_CONTENT_TYPE: "send application/json, not encoded",
        Reason.BODY_TOO_LARGE: "an admission review is not larger than 3 MiB",
        Reason.DEADLINE_EXCEEDED: "the body did not arrive in time",
        Reason.OVERLOADED: "too many requests; ask again in a second",
        Reason.MALFORMED_REVIEW: "the body is damaged",
    }
)


class AdmissionServer:
    """
    Answers the API server.

    Args:
        admission: decides.
        limits: sizes and deadlines.
        metrics: counts every request.
        log: gets one line for every request.
    """

    def __init__(self, admission: Admission, *, limits: Limits, metrics: Metrics, log: Log) -> None:
        self.draining = False
        self.in_flight = 0
        self.pulse = Pulse(monotonic())
        self._limits = limits
        self._metrics = metrics
        self._log = log
        self._buffered = 0
        self._routes: Mapping[str, Callable[[bytes], Awaitable[Answer]]] = MappingProxyType(
            {"/mutate": admission.mutate, "/review-workload": admission.review_workload}
        )
        metrics.watch("in_flight_requests", lambda: self.in_flight)
        metrics.watch("arriving_bytes", lambda: self._buffered)

    async def handle(self, request: BaseRequest) -> web.Response:
        """Answer one request, whatever it is."""
        decide = self._routes.get(request.path)
        if decide is None:
            return self._close(web.Response(status=404, text="not found\n"), request)
        if request.method != "POST":
            headers = {"Allow": "POST"}
            return self._close(
                web.Response(status=405, text="use POST\n", headers=headers), request
            )
        try:
            answer = await self._answer(request, decide)
        except RequestError as exc:
            return self._close(self._refuse(exc, request), request)
        except Exception as exc:  # noqa: BLE001 - no request may take the server down
            self._log.failure("an admission failed", exc)
            return self._close(self._fail(Reason.INTERNAL, request), request)
        self._note(answer.decision, request)
        response = web.Response(status=answer.status, body=answer.body, content_type=_JSON)
        return self._close(response, request)

    def malformed(self) -> None:
        """Note a request that is no HTTP."""
        decision = Decision(Outcome.REFUSED, Reason.MALFORMED_REVIEW)
        self._metrics.count(decision.verdict, decision.reason)
        self._log.decided(decision, 0.0)

    async def _answer(
        self, request: BaseRequest, decide: Callable[[bytes], Awaitable[Answer]]
    ) -> Answer:
        self._check_headers(request)
        body = await self._body(request)
        self._check_load(request)
        self.in_flight += 1
        try:
            async with asyncio.timeout(self._limits.decision_seconds):
                return await decide(body)
        except TimeoutError:
            # The API server itself asks again after a 429, and our facts may be there then.
            raise RequestError(Reason.OVERLOADED, "the decision took too long") from None
        finally:
            self.in_flight -= 1

    def _check_headers(self, request: BaseRequest) -> None:
        headers = request.headers
        media = headers.get("Content-Type", "")
        if media != _JSON and media.partition(";")[0].strip().lower() != _JSON:
            raise _refusal(Reason.WRONG_CONTENT_TYPE)
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _refusal(Reason.WRONG_CONTENT_TYPE)
        length = request.content_length
        if length is not None and length > self._limits.body_bytes:
            raise _refusal(Reason.BODY_TOO_LARGE)

    def _check_load(self, request: BaseRequest) -> None:
        """Shed what waited too long for the CPU, or would wait for others' lookups."""
        if self.in_flight >= self._limits.in_flight:
            raise _refusal(Reason.OVERLOADED)
        allowed = self._limits.lag_seconds
        longest = self.pulse.longest_wait(monotonic())
        if longest > allowed:
            exact = waited(request.transport)
            if exact is None or exact > allowed:
                raise _refusal(Reason.OVERLOADED)

    async def _body(self, request: BaseRequest) -> bytes:
        content = request.content
        try:
            if content.is_eof():  # it came with the headers, as most do
                body = content.read_nowait()
            else:
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    request.writer.output_size = 0
                async with asyncio.timeout(self._limits.body_seconds):
                    body = await self._arriving(request)
        except TimeoutError:
            raise _refusal(Reason.DEADLINE_EXCEEDED) from None
        except (RequestPayloadError, ConnectionError, web.HTTPException):
            raise _refusal(Reason.MALFORMED_REVIEW) from None
        if len(body) > self._limits.body_bytes:
            raise _refusal(Reason.BODY_TOO_LARGE)
        return body

    async def _arriving(self, request: BaseRequest) -> bytes:
        """Collect a body, within the bounds of one and of all together."""
        pieces = []
        size = 0
        try:
            while piece := await request.content.readany():
                size += len(piece)
                self._buffered += len(piece)
                pieces.append(piece)
                if size > self._limits.body_bytes:
                    raise _refusal(Reason.BODY_TOO_LARGE)
                if self._buffered > self._limits.buffered_bytes:
                    raise _refusal(Reason.OVERLOADED)
        finally:
            self._buffered -= size
        return b"".join(pieces)

    def _refuse(self, refusal: RequestError, request: BaseRequest) -> web.Response:
        self._note(Decision(Outcome.REFUSED, refusal.reason), request)
        response = web.Response(status=refusal.status, text=f"{refusal.reason}: {refusal}\n")
        if refusal.reason is Reason.OVERLOADED:
            self._metrics.shed()
            response.headers["Retry-After"] = "1"
        return response

    def _fail(self, reason: Reason, request: BaseRequest) -> web.Response:
        self._note(Decision(Outcome.REFUSED, reason), request)
        return web.Response(status=500, text=f"{reason}: see the webhook's log\n")

    def _note(self, decision: Decision, request: BaseRequest) -> None:
        seconds = _since_arrival(request)
        self._metrics.count(decision.verdict, decision.reason)
        self._metrics.observe(seconds)
        if decision.violations:
            self._metrics.warned(decision.violations)
        self._log.decided(decision, seconds)

    def _close(self, response: web.Response, request: BaseRequest) -> web.Response:
        """Let the connection end where it must."""
        response.headers["Server"] = "syrette"
        if self.draining:
            response.force_close()
        if not request.content.is_eof():
            response.force_close()
            if isinstance(request.protocol, Connection):
                request.protocol.end()
        return response


def _refusal(reason: Reason) -> RequestError:
    return RequestError(reason, _REFUSED[reason])


def _since_arrival(request: BaseRequest) -> float:
    """Seconds since the latest bytes of the connection were read."""
    connection = request.protocol
    return monotonic() - connection.arrived if isinstance(connection, Connection) else 0.0


class ProbeServer:
    """
    Answers the kubelet and the metrics scraper, on a port of its own and in plain HTTP.

    Args:
        metrics: shown at /metrics.
    """

    def __init__(self, metrics: Metrics, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._metrics = metrics

    async def handle(self, request: BaseRequest) -> web.Response:
        """Answer one request."""
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, text="use GET\n", headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/healthz":
                return web.Response(text="ok\n")
            case "/readyz" if self._ready():
                return web.Response(text="ok\n")
            case "/readyz":
                return web.Response(status=503, text="not ready, or draining\n")
            case "/metrics":
                body = self._metrics.exposition()
                content = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
                return web.Response(body=body, headers=content)
        return web.Response(status=404, text="not found\n")
