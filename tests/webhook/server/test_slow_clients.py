"""Clients that say nothing, or too slowly, or do not listen."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.webhook.server.client import PATIENCE, Client, post
from tests.webhook.server.house import REVIEW, SHORT, Fake, Running, serving
from webhook.decisions import Answer, Decision, Outcome
from webhook.limits import Limits

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the module."""
    with serving(tmp_path_factory.mktemp("pki")) as running:
        yield running


def test_a_silent_connection_is_cut(running: Running) -> None:
    """TCP without a byte is the kernel's until its time, then ours for the handshake's."""
    with Client(running.port) as client:
        assert client.closed()


def test_a_slow_handshake_is_cut(running: Running) -> None:
    """Half a ClientHello does not keep its place."""
    with Client(running.port) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")

        assert client.closed()
    assert running.metric("syrette_failed_handshakes_total") >= 1


def test_silence_after_the_handshake_is_cut(running: Running) -> None:
    """A first request has to begin in time."""
    with running.client() as client:
        assert client.closed()


@pytest.mark.parametrize("size", [1, 20, 90])
def test_half_a_header_is_cut(running: Running, size: int) -> None:
    """Headers have a deadline of their own, not the keep-alive time."""
    with running.client() as client:
        client.send(post(REVIEW)[:size])

        assert client.closed()


def test_a_dripping_header_is_cut(running: Running) -> None:
    """The deadline counts from the first byte, whatever follows it."""
    with running.client() as client:
        client.peer.settimeout(0.1)
        for byte in post(REVIEW)[:60]:
            client.peer.send(bytes([byte]))
            try:
                if client.peer.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("a header of 60 slow bytes was let in")


def test_a_slow_header_on_a_used_connection_is_cut(running: Running) -> None:
    """Having asked once buys no time."""
    with running.client() as client:
        assert client.ask(post(REVIEW)).status == 200
        client.send(b"POST /mut")

        assert client.closed()


@pytest.mark.parametrize("size", [0, 10])
def test_half_a_body_is_answered_and_cut(running: Running, size: int) -> None:
    """The sender learns why."""
    with running.client() as client:
        reply = client.ask(post(REVIEW)[: -len(REVIEW) + size])

        assert reply.status == 408
        assert reply.headers["connection"] == "close"
        assert client.closed()


def test_a_quiet_connection_is_kept(running: Running) -> None:
    """Between requests the keep-alive time counts, not the deadlines."""
    with running.client() as client:
        assert client.ask(post(REVIEW)).status == 200
        assert not client.closed(SHORT.header_seconds * 3)
        assert client.ask(post(REVIEW)).status == 200


def test_the_keep_alive_time_outlasts_the_api_servers() -> None:
    """The API server closes idle connections after 90 s; we must not be the first."""
    assert SHORT.keep_alive_seconds >= 120
    assert Limits().first_request_seconds >= 120


def test_a_connection_that_was_dialled_ahead_is_kept(tmp_path: Path) -> None:
    """An API server may ask for the first time long after the handshake."""
    limits = replace(SHORT, first_request_seconds=10 * PATIENCE)
    with serving(tmp_path, limits=limits) as running, running.client() as client:
        assert not client.closed(SHORT.header_seconds * 3)
        assert client.ask(post(REVIEW)).status == 200


def test_a_quiet_connection_ends_after_the_keep_alive_time(tmp_path: Path) -> None:
    """It is not kept for ever."""
    limits = replace(SHORT, keep_alive_seconds=0.3)
    with serving(tmp_path, limits=limits) as running, running.client() as client:
        assert client.ask(post(REVIEW)).status == 200
        assert client.closed()


class Verbose(Fake):
    """An admission whose answers fill every buffer."""

    async def mutate(self, body: bytes) -> Answer:
        """Allow at length."""
        del body
        return Answer(200, b" " * (8 << 20), Decision(Outcome.ALLOWED))


def test_a_client_that_does_not_read_is_cut(tmp_path: Path) -> None:
    """An answer nobody takes does not stay in memory."""
    limits = replace(SHORT, answer_seconds=0.4)
    with serving(tmp_path, Verbose(), limits) as running, running.client() as client:
        client.send(post(REVIEW) * 3)

        assert _until(running, "syrette_cut_connections_total", 1)
        assert _until(running, "syrette_connections", 0)


def test_slow_connections_do_not_stop_the_others(tmp_path: Path) -> None:
    """With 200 of every slow kind, an honest request is answered."""
    limits = replace(SHORT, connections=100, handshakes=16, header_seconds=5, handshake_seconds=5)
    with serving(tmp_path, limits=limits) as running, contextlib.ExitStack() as stack:
        context = running.pki.client()
        for number in range(200):
            client = stack.enter_context(Client(running.port))
            if number % 2:
                client.send(b"\x16\x03\x01")
        for number in range(40):
            client = _tls(stack, running, context)
            client.send(post(REVIEW)[: number * 5])

        assert _tls(stack, running, context).ask(post(REVIEW)).status == 200


def test_slow_clients_of_the_probe_port_are_cut(running: Running) -> None:
    """The second port has the same deadlines."""
    with Client(running.metrics_port) as client:
        client.send(b"GET /healthz HTT")

        assert client.closed()


def test_a_reset_during_the_handshake_harms_nobody(running: Running) -> None:
    """A port scan is not an event."""
    for _ in range(20):
        plain = socket.create_connection(("127.0.0.1", running.port))
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        plain.send(b"\x16\x03")
        plain.close()

    assert running.ask(post(REVIEW)).status == 200


def _tls(stack: contextlib.ExitStack, running: Running, context: ssl.SSLContext) -> Client:
    return stack.enter_context(Client(running.port, context))


def _until(running: Running, metric: str, value: float) -> bool:
    """Whether a metric reaches `value` before patience ends."""
    for _ in range(300):
        if running.metric(metric) == value:
            return True
        time.sleep(0.01)
    return False
