"""
The server's life: open the ports, serve, and on a signal drain without losing an admission.

On SIGTERM readiness goes false while both ports keep serving, and every answer closes its
connection, so that the API server's next request goes to another replica. After the drain
period the listener closes, what is in flight ends, and the process may exit. A second signal, or
SIGINT, skips the rest of the drain period; it never drops a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from webhook.connections import Connections
from webhook.listener import Listener, bind
from webhook.server import AdmissionServer, ProbeServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Sequence

    from webhook.decisions import Admission
    from webhook.limits import Limits
    from webhook.log import Log
    from webhook.metrics import Metrics
    from webhook.tls import CertificateSource

_SETTLE_SECONDS: Final = 0.02
_AGAIN_SECONDS: Final = 5.0


class Ports:
    """
    The two listening sockets, bound before anything else may fail late.

    Raises:
        OSError: if an address cannot be had.
    """

    def __init__(self, admission: tuple[str, int], probes: tuple[str, int], limits: Limits) -> None:
        seconds = limits.header_seconds
        self.admission: socket.socket = bind(*admission, silent_seconds=seconds)
        try:
            self.probes: socket.socket = bind(*probes, silent_seconds=seconds)
        except OSError:
            self.admission.close()
            raise


class Service:
    """
    Both servers with everything that runs beside them.

    Args:
        admission: decides.
        certificate: served on the admission port, watched for changes.
        limits: sizes and deadlines.
        metrics: counts.
        log: is told.
        ready: whether what decisions need is there; asked at each probe.
        beside: what else runs as long as the server does.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each its own part
        self,
        admission: Admission,
        certificate: CertificateSource,
        *,
        limits: Limits,
        metrics: Metrics,
        log: Log,
        ready: Callable[[], bool] = lambda: True,
        beside: Sequence[Callable[[], Coroutine[None, None, None]]] = (),
    ) -> None:
        self._server = AdmissionServer(admission, limits=limits, metrics=metrics, log=log)
        self._serving = False
        self._probes = ProbeServer(metrics, lambda: self._serving and certificate.ready and ready())
        self._beside = (certificate.watch, *beside)
        self._certificate = certificate
        self._limits = limits
        self._metrics = metrics
        self._log = log
        self._hurry = asyncio.Event()
        self._stop = asyncio.Event()

    def terminate(self) -> None:
        """Begin the drain; a second call skips the rest of it."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def interrupt(self) -> None:
        """End without a drain period; requests in flight are still answered."""
        self._hurry.set()
        self._stop.set()

    async def run(self, ports: Ports) -> None:
        """Serve until told to end."""
        metrics, limits = self._metrics, self._limits
        requests = Connections(
            self._server.handle, limits=limits, cut=metrics.cut, malformed=self._server.malformed
        )
        probes = Connections(
            self._probes.handle,
            limits=replace(limits, first_request_seconds=limits.header_seconds),
            cut=metrics.cut,
            malformed=lambda: None,
        )
        listeners = [
            Listener(
                ports.admission,
                requests,
                limits=limits,
                context=self._certificate.context,
                failed=metrics.handshake_failed,
            ),
            Listener(ports.probes, probes, limits=limits, failed=lambda: None),
        ]
        metrics.watch("connections", lambda: len(requests))
        metrics.watch("dropped_log_lines", lambda: self._log.dropped)
        beside = [
            asyncio.create_task(self._sweep([requests, probes], listeners)),
            *(asyncio.create_task(self._keep_running(run)) for run in self._beside),
        ]
        try:
            await self._serve(listeners)
            await self._finish(listeners, requests)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await requests.abort()
            await probes.abort()

    async def _serve(self, listeners: list[Listener]) -> None:
        for listener in listeners:
            listener.start()
        self._serving = True
        (host, port), (probe_host, probe_port) = (listener.address for listener in listeners)
        self._log.event(
            "info",
            "serving",
            host=host,
            port=port,
            metrics_host=probe_host,
            metrics_port=probe_port,
        )
        await self._stop.wait()
        self._serving = False
        self._server.draining = True
        self._log.event("info", "draining", seconds=self._limits.drain_seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._limits.drain_seconds)

    async def _keep_running(self, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """A defect beside the server must not end it, nor be forgotten."""
        while True:
            try:
                await run()
            except Exception as exc:  # noqa: BLE001 - said above
                self._log.failure("a task beside the server failed", exc)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _finish(self, listeners: list[Listener], requests: Connections) -> None:
        """Stop listening, answer what has arrived or is arriving, close the rest."""
        for listener in listeners:
            listener.stop()
        end = monotonic() + self._limits.finish_seconds
        # Requests that are on their way through the kernel come up in these turns.
        await asyncio.sleep(_SETTLE_SECONDS)
        while monotonic() < end:
            if requests.settle(monotonic()) and not listeners[0].handshakes:
                break
            await asyncio.sleep(_SETTLE_SECONDS)
        self._log.event("info", "ended", unfinished=len(requests))

    async def _sweep(self, groups: list[Connections], listeners: list[Listener]) -> None:
        """Beat, and cut what is past its deadline, a few times per deadline."""
        limits = self._limits
        shortest = min(limits.lag_seconds, limits.header_seconds, limits.handshake_seconds)
        while True:
            await asyncio.sleep(min(shortest, limits.answer_seconds) / 4)
            now = monotonic()
            self._server.pulse.beat(now)
            for listener in listeners:
                listener.sweep(now)
            for group in groups:
                group.sweep(now)


async def live(service: Service, ports: Ports, log: Log) -> None:
    """Serve until a signal ends it."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _unexpected(log, context))
    loop.add_signal_handler(signal.SIGTERM, service.terminate)
    loop.add_signal_handler(signal.SIGINT, service.interrupt)
    # What is alive now stays alive: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        await service.run(ports)
    finally:
        # The loop's end gives signals back their default, and one more would kill what has ended.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _unexpected(log: Log, context: dict[str, Any]) -> None:
    """Log what the loop reports, without its text, which may quote input."""
    error = context.get("exception")
    if isinstance(error, Exception):
        log.failure("an event failed", error)
