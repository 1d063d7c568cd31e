"""The end of a server's life: nothing that was sent is lost, and it does end."""

from __future__ import annotations

import contextlib
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.webhook.server.client import PATIENCE, Client, post
from tests.webhook.server.house import PKI, REVIEW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Program:
    """A server process; ports are read from its first line."""

    def __init__(self, pki: PKI, drain_seconds: float) -> None:
        self.context = pki.client()
        command = [sys.executable, "-m", "tests.webhook.server.program"]
        self.process = subprocess.Popen(
            [*command, str(pki.certificate.parent), str(drain_seconds)],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        serving = msgspec.json.decode(self.process.stdout.readline())
        assert serving["message"] == "serving"
        self.port: int = serving["port"]
        self.metrics_port: int = serving["metrics_port"]

    def ready(self) -> bool:
        """What the kubelet sees."""
        with Client(self.metrics_port) as client:
            return client.ask(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200

    def end(self) -> list[dict[str, object]]:
        """Wait for the end, which has to be clean; gives what was logged."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0
        return [msgspec.json.decode(line) for line in output.splitlines()]

    def close(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def _program(folder: Path, drain_seconds: float) -> Iterator[Program]:
    program = Program(PKI(folder), drain_seconds)
    try:
        yield program
    finally:
        program.close()


@dataclass
class Rollout:
    """The endpoints of a Service: clients take the current one for each new connection."""

    current: Program
    answered: int = 0
    closing: int = 0
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask_for_ever(self) -> None:
        """Ask on keep-alive connections, as an API server does, until it is over."""
        client: Client | None = None
        while not self.over.is_set():
            try:
                if client is None:
                    client = Client(self.current.port, self.current.context)
                reply = client.ask(post(REVIEW))
            except (OSError, ssl.SSLError) as exc:
                self.failures.append(repr(exc))
                return
            with self.lock:
                self.answered += reply.status == 200
                self.closing += reply.headers.get("connection") == "close"
            if reply.status != 200:
                self.failures.append(str(reply))
            if reply.headers.get("connection") == "close":
                client.__exit__(None, None, None)
                client = None
        if client is not None:
            client.__exit__(None, None, None)


def test_a_rollout_loses_no_admission(tmp_path: Path) -> None:
    """Under constant load one server is replaced by another: every request is answered."""
    folders = [tmp_path / "old", tmp_path / "new"]
    for folder in folders:
        folder.mkdir()
    with _program(folders[0], 0.8) as old, _program(folders[1], 0.0) as new:
        rollout = Rollout(old)
        threads = [threading.Thread(target=rollout.ask_for_ever) for _ in range(12)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        before = rollout.answered
        old.process.send_signal(signal.SIGTERM)
        while old.ready():
            time.sleep(0.01)
        time.sleep(0.3)  # the endpoint is still in the API servers' tables
        rollout.current = new
        lines = old.end()
        time.sleep(0.2)
        rollout.over.set()
        for thread in threads:
            thread.join(PATIENCE)

    assert rollout.failures == []
    assert rollout.answered > before > 0
    assert rollout.closing > 0
    assert lines[-1]["message"] == "ended"
    assert lines[-1]["unfinished"] == 0


def test_while_draining_it_serves_and_says_goodbye(tmp_path: Path) -> None:
    """Readiness is off, health is on, and every answer closes its connection."""
    with _program(tmp_path, 5.0) as program, Client(program.port, program.context) as client:
        assert client.ask(post(REVIEW)).headers.get("connection") is None
        program.process.send_signal(signal.SIGTERM)
        while program.ready():
            time.sleep(0.01)
        last = client.ask(post(REVIEW))
        with Client(program.port, program.context) as late:
            answered = late.ask(post(REVIEW))
        with Client(program.metrics_port) as kubelet:
            health = kubelet.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

        assert (last.status, last.headers["connection"]) == (200, "close")
        assert client.closed()
        assert (answered.status, answered.headers["connection"]) == (200, "close")
        assert health.status == 200


@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGINT),
        (signal.SIGINT,),
        (signal.SIGINT, signal.SIGTERM, signal.SIGTERM),
    ],
    ids=lambda signals: "-".join(x.name for x in signals),
)
def test_a_second_signal_shortens_the_drain(
    tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    """A person at a terminal does not wait for the drain period, and it ends cleanly."""
    with _program(tmp_path, 600.0) as program:
        for number in signals:
            program.process.send_signal(number)
            time.sleep(0.02)
        lines = program.end()

    assert [x["message"] for x in lines] == ["draining", "ended"]


def test_a_request_that_is_arriving_at_the_end_is_answered(tmp_path: Path) -> None:
    """Half a request when the listener closes is still a request."""
    whole = post(REVIEW)
    with _program(tmp_path, 0.0) as program:
        halves = (30, len(whole) - 5)
        clients = [Client(program.port, program.context) for _ in halves]
        for client, half in zip(clients, halves, strict=True):
            client.send(whole[:half])
        time.sleep(0.1)
        program.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        replies = []
        for client, half in zip(clients, halves, strict=True):
            client.send(whole[half:])
            replies.append(client.reply())
            client.__exit__(None, None, None)
        program.end()

    assert [reply.status for reply in replies] == [200, 200]
