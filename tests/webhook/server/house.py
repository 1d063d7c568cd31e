"""A running server for tests: uvloop in a thread of its own, a fake admission, real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import trustme
import uvloop

from injector.contract.reasons import Reason
from tests.webhook.server.client import PATIENCE, Client, Reply
from webhook.decisions import Answer, Decision, Outcome
from webhook.drain import Ports, Service
from webhook.errors import RequestError
from webhook.limits import Limits
from webhook.log import Log
from webhook.metrics import Metrics
from webhook.tls import CertificateFiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

SHORT = Limits(
    handshake_seconds=0.5,
    header_seconds=0.5,
    first_request_seconds=0.5,
    crowded_seconds=0.1,
    body_seconds=0.4,
    decision_seconds=0.4,
    answer_seconds=1.0,
    linger_seconds=0.3,
    shutdown_seconds=0.2,
    drain_seconds=0.5,
    finish_seconds=2.0,
)
"""The defaults, but nobody waits long."""


class PKI:
    """A certificate authority and what it issues into a folder."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.certificate = folder / "tls.crt"
        self.key = folder / "tls.key"
        self.issue()

    def issue(self) -> trustme.LeafCert:
        """Write a new pair."""
        leaf = self.authority.issue_cert("localhost", "127.0.0.1")
        self.put(self.certificate, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        self.put(self.key, leaf.private_key_pem.bytes())
        return leaf

    @staticmethod
    def put(path: Path, content: bytes) -> None:
        """Write a file at once, so that nobody reads half of it."""
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(content)
        new.replace(path)

    def client(self) -> ssl.SSLContext:
        """A context that trusts the authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context


@dataclass
class Fake:
    """An admission that allows everything, after whatever a test wants to happen."""

    before: Callable[[bytes], Awaitable[None]] | None = None
    bodies: list[int] = field(default_factory=list)

    async def mutate(self, body: bytes) -> Answer:
        """Allow."""
        self.bodies.append(len(body))
        if self.before is not None:
            await self.before(body)
        try:
            uid = msgspec.json.decode(body)["request"]["uid"]
        except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
            raise RequestError(Reason.MALFORMED_REVIEW, "no admission review") from None
        answer = msgspec.json.encode({"response": {"uid": uid, "allowed": True}})
        return Answer(200, answer, Decision(Outcome.ALLOWED, uid=uid, pod="web-"))

    async def review_workload(self, body: bytes) -> Answer:
        """Allow, too."""
        return await self.mutate(body)


class Scarce(socket.socket):
    """
    A listening socket of a process that has no more descriptors than `places` connections.

    Args:
        listening: is taken over.
        places: how many accepted connections may be open.
    """

    def __init__(self, listening: socket.socket, places: int) -> None:
        super().__init__(listening.family, listening.type, 0, listening.detach())
        self.settimeout(0)
        self._places = places
        self._accepted: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, object]:
        """Give one connection, or fail as the system call does."""
        self._accepted = [it for it in self._accepted if it.fileno() != -1]
        if len(self._accepted) >= self._places:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        accepted, address = super().accept()
        self._accepted.append(accepted)
        return accepted, address


class Running:
    """A service in a thread; `port` and `metrics_port` are on 127.0.0.1."""

    def __init__(
        self,
        admission: Fake,
        pki: PKI,
        limits: Limits,
        poll_seconds: float,
        *,
        places: int | None,
    ) -> None:
        self.pki = pki
        self.metrics = Metrics()
        self._admission = admission
        self._limits = limits
        self._reading, writing = os.pipe()
        self._log = Log(writing)
        self._writing = writing
        self.certificate = CertificateFiles(
            pki.certificate,
            pki.key,
            metrics=self.metrics,
            log=self._log,
            poll_seconds=poll_seconds,
        )
        ports = Ports(("127.0.0.1", 0), ("127.0.0.1", 0), limits)
        if places is not None:
            ports.admission = Scarce(ports.admission, places)
        self.port: int = ports.admission.getsockname()[1]
        self.metrics_port: int = ports.probes.getsockname()[1]
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, args=(ports,))
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def _live(self, ports: Ports) -> None:
        async def live() -> None:
            self._loop = asyncio.get_running_loop()
            self.service = Service(
                self._admission,
                self.certificate,
                limits=self._limits,
                metrics=self.metrics,
                log=self._log,
            )
            self._loop.call_soon(self._ready.set)
            await self.service.run(ports)

        try:
            uvloop.run(live())
        except BaseException as exc:  # noqa: BLE001 - told to the test in `end`
            self._failure = exc

    def client(self) -> Client:
        """A TLS connection to the admission port."""
        return Client(self.port, self.pki.client())

    def ask(self, request: bytes) -> Reply:
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(request)

    def probe(self, path: str) -> Reply:
        """One GET on the second port."""
        with Client(self.metrics_port) as client:
            return client.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def metric(self, name: str) -> float:
        """The value of one line of /metrics."""
        for line in self.probe("/metrics").body.decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        return 0.0

    def terminate(self) -> None:
        """What SIGTERM does."""
        self._loop.call_soon_threadsafe(self.service.terminate)

    def end(self) -> None:
        """End without a drain, and fail if the server did."""
        with contextlib.suppress(RuntimeError):  # it may have ended already
            self._loop.call_soon_threadsafe(self.service.interrupt)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1
        assert self._failure is None, self._failure

    def lines(self) -> list[dict[str, object]]:
        """Everything logged; ends the server first."""
        self.end()
        with os.fdopen(self._reading, "rb") as stream:
            self._reading = -1
            return [msgspec.json.decode(line) for line in stream]

    def close(self) -> None:
        """End and forget."""
        self.end()
        if self._reading >= 0:
            os.close(self._reading)


@contextlib.contextmanager
def serving(
    folder: Path,
    admission: Fake | None = None,
    limits: Limits = SHORT,
    poll_seconds: float = 0.02,
    *,
    places: int | None = None,
) -> Iterator[Running]:
    """A server for the length of a block; with `places`, one without many descriptors."""
    running = Running(admission or Fake(), PKI(folder), limits, poll_seconds, places=places)
    try:
        yield running
    finally:
        running.close()


REVIEW = msgspec.json.encode(
    {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "u-1", "operation": "CREATE", "kind": {"kind": "Pod"}, "object": {}},
    }
)
