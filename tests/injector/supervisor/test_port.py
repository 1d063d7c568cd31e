"""The metrics port: whole files, staleness of the moment, and clients that misbehave."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from injector.metrics_port import CLIENTS
from tests.injector.supervisor.process import (
    PATIENCE,
    Sidecar,
    ask,
    eventually,
    free_port,
    line,
    status_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METRICS = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A sidecar that serves two files."""
    number = free_port()
    with _serving(tmp_path, number, "inf"):
        yield number


def test_the_worker_s_files_are_served_whole(port: int) -> None:
    """Metrics and status are what the worker wrote, with the supervisor's own two beside."""
    metrics = ask(port, METRICS)

    assert b"one_metric 1\n" in metrics
    assert b"syrette_sidecar_stale 0\n" in metrics
    assert b"syrette_sidecar_worker_failures 0\n" in metrics
    assert ask(port, b"GET /status HTTP/1.1\r\n\r\n").endswith(b'\r\n\r\n{"a": 1}')


def test_a_healthy_sidecar_says_so(port: int) -> None:
    """Nothing is stale."""
    assert ask(port).endswith(b"\r\n\r\nok\n")


def test_staleness_is_compared_with_the_present(tmp_path: Path) -> None:
    """A moment that has passed is stale, though no worker ran since."""
    number = free_port()
    with _serving(tmp_path, number, "1000000"):
        assert status_of(ask(number)) == 503
        assert b"syrette_sidecar_stale 1\n" in ask(number, METRICS)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"POST /metrics HTTP/1.1", 405),
        (b"GET /other HTTP/1.1", 404),
        (b"GET /../sessions HTTP/1.1", 404),
        (b"GET /state HTTP/1.1", 404),
        (b"GET /metrics", 400),
        (b"\x16\x03\x01", 400),
        (b"GET /healthz?x=1 HTTP/1.0", 200),
    ],
)
def test_every_request_gets_its_answer(port: int, request_line: bytes, status: int) -> None:
    """Only three paths and one method are served."""
    assert status_of(ask(port, request_line + b"\r\n\r\n")) == status


def test_a_request_without_end_is_cut_off(port: int) -> None:
    """Headers beyond the bound end the connection, and the port serves on."""
    reply = b""
    with suppress(ConnectionError):  # a reset, when it was closed before all had arrived
        reply = ask(port, b"GET /healthz HTTP/1.1\r\n" + b"x" * 20_000)

    assert reply == b""
    assert status_of(ask(port)) == 200


def test_silent_clients_do_not_keep_others_out(port: int) -> None:
    """More silent connections than there are places: they are dropped, others are served."""
    silent = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(12)]

    assert status_of(ask(port)) == 200
    for connection in silent:
        connection.close()


def test_the_oldest_silent_client_makes_room(port: int) -> None:
    """A probe that waits for a second only is answered at once, not when places become free."""
    silent = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(12)]
    answered = status_of(ask(port))
    here = sum(_is_open(connection) for connection in silent)
    for connection in silent:
        connection.close()

    assert (answered, here) == (200, CLIENTS - 1)


def test_missing_files_are_no_error(tmp_path: Path) -> None:
    """Before the first cycle there is nothing to serve but the supervisor's own."""
    number = free_port()
    sidecar = Sidecar(tmp_path, "")
    (sidecar.session / "report").write_text(line(port=number))
    with sidecar.start():
        eventually(lambda: _listens(number))

        assert b"syrette_sidecar_stale 0\n" in ask(number, METRICS)
        assert ask(number, b"GET /status HTTP/1.1\r\n\r\n").endswith(b"{}\n")


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    """Nobody can make the port serve another file."""
    number = free_port()
    (tmp_path / "private").write_text("c4nary")
    with _serving(tmp_path, number, "inf") as sidecar:
        (sidecar.session / "status.json").unlink()
        (sidecar.session / "status.json").symlink_to(tmp_path / "private")

        assert b"c4nary" not in ask(number, b"GET /status HTTP/1.1\r\n\r\n")


def test_a_port_that_is_taken_is_tried_again(tmp_path: Path) -> None:
    """The sidecar lives without its port, and takes it when it is free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        number: int = other.getsockname()[1]
        sidecar = Sidecar(tmp_path, f"report(next=0.05, port={number})").start()
        eventually(lambda: len(sidecar.journal) > 2)
    with sidecar:
        eventually(lambda: _listens(number))


def _serving(folder: Path, number: int, stale: str) -> Sidecar:
    sidecar = Sidecar(folder, "")
    (sidecar.session / "metrics.prom").write_text("one_metric 1\n")
    (sidecar.session / "status.json").write_text('{"a": 1}')
    (sidecar.session / "report").write_text(line(port=number, stale=float(stale)))
    sidecar.start()
    eventually(lambda: _listens(number))
    return sidecar


def _is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


def _listens(port: int) -> bool:
    try:
        return ask(port) != b""
    except ConnectionError:
        return False
