"""The way out of a test, asked by bytes."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from worlds.egress import Asked, Egress
from worlds.server import Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

ABORT = struct.pack("ii", 1, 0)


@contextmanager
def _world() -> Iterator[Server]:
    def handle(request: Request) -> Response:
        return Response(200, request.headers["host"].encode(), reset=request.path == "/reset")

    server = Server(handle)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _open(egress: Egress, line: str) -> tuple[socket.socket, bytes]:
    """Send a request line, and give the connection with the head of the answer."""
    connection = socket.create_connection(("127.0.0.1", egress.port), timeout=5)
    connection.sendall(f"{line} HTTP/1.1\r\nHost: proxy\r\n\r\n".encode())
    return connection, connection.recv(4096)


def _status(egress: Egress, line: str) -> str:
    connection, head = _open(egress, line)
    connection.close()
    return head.split(b" ")[1].decode()


def _get(connection: socket.socket, path: str = "/") -> bytes:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: true.example\r\n\r\n".encode())
    return connection.recv(4096)


def test_a_true_host_leads_to_its_world() -> None:
    """The tunnel passes bytes both ways, more than once."""
    with _world() as world, Egress({"true.example:443": ("127.0.0.1", world.port)}) as egress:
        connection, head = _open(egress, "CONNECT true.example:443")

        assert head == b"HTTP/1.1 200 Connection established\r\n\r\n"
        assert _get(connection).endswith(b"true.example")
        assert _get(connection).endswith(b"true.example")
        connection.close()

    assert egress.url == f"http://127.0.0.1:{egress.port}"


def test_a_pattern_stands_for_one_label() -> None:
    """As in certificates; names are compared without case."""
    with _world() as world, Egress({"*.vault.example:443": ("127.0.0.1", world.port)}) as egress:
        answers = [
            _status(egress, f"CONNECT {host}")
            for host in (
                "acme.vault.example:443",
                "ACME.Vault.Example:443",
                "a.b.vault.example:443",
                "vault.example:443",
                "acme.vault.example:80",
                "acme.vault.example.evil:443",
                "acme.vault.example",
            )
        ]

    assert answers == ["200", "200", "403", "403", "403", "403", "403"]


def test_everything_else_is_refused_and_noted() -> None:
    """An unknown host, another method, a loopback address: 403, and known afterwards."""
    with _world() as world, Egress({"true.example:443": ("127.0.0.1", world.port)}) as egress:
        lines = [
            "CONNECT evil.example:443",
            "GET http://true.example/",
            "CONNECT 127.0.0.1:443",
            "nonsense",
        ]
        answers = [_status(egress, line) for line in lines]
        assert world.connections == 0
        answers.append(_status(egress, "CONNECT true.example:443"))

    assert answers == ["403", "403", "403", "403", "200"]
    assert egress.asked == (
        Asked("evil.example:443", allowed=False),
        Asked("GET http://true.example/ HTTP/1.1", allowed=False),
        Asked("127.0.0.1:443", allowed=False),
        Asked("nonsense HTTP/1.1", allowed=False),
        Asked("true.example:443", allowed=True),
    )
    assert egress.targets[-1] == "true.example:443"
    assert egress.refused == egress.targets[:-1]


def test_a_world_that_does_not_listen_is_a_bad_gateway() -> None:
    """502, as proxies say it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with Egress({"true.example:443": ("127.0.0.1", port)}) as egress:
        assert _status(egress, "CONNECT true.example:443") == "502"


def test_routes_may_be_added_while_it_runs() -> None:
    """The mapping is read at each request."""
    routes: dict[str, tuple[str, int]] = {}
    with _world() as world, Egress(routes) as egress:
        before = _status(egress, "CONNECT true.example:443")
        routes["true.example:443"] = ("127.0.0.1", world.port)

        assert (before, _status(egress, "CONNECT true.example:443")) == ("403", "200")


def test_a_reset_behind_it_is_a_reset_before_it() -> None:
    """Worlds that reset connections do so through it, too."""
    with _world() as world, Egress({"true.example:443": ("127.0.0.1", world.port)}) as egress:
        connection, _ = _open(egress, "CONNECT true.example:443")

        with pytest.raises(ConnectionResetError):
            _get(connection, "/reset")
        connection.close()


def test_the_end_of_one_side_is_passed_on() -> None:
    """A half-closed connection still gets its answer."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Egress({"true.example:443": listener.getsockname()}) as egress,
    ):
        connection, _ = _open(egress, "CONNECT true.example:443")
        behind, _ = listener.accept()
        with connection, behind:
            connection.sendall(b"all I have")
            connection.shutdown(socket.SHUT_WR)
            assert behind.makefile("rb").read() == b"all I have"
            behind.sendall(b"thanks")
            behind.shutdown(socket.SHUT_WR)
            assert connection.makefile("rb").read() == b"thanks"


def test_its_end_closes_every_tunnel() -> None:
    """No thread and no open connection is left, and nothing listens."""
    with _world() as world:
        egress = Egress({"true.example:443": ("127.0.0.1", world.port)})
        egress.start()
        connection, _ = _open(egress, "CONNECT true.example:443")
        silent = socket.create_connection(("127.0.0.1", egress.port), timeout=5)

        mine = f"egress:{egress.port}"
        egress.stop()
        egress.stop()

        assert connection.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", egress.port), timeout=5)
        connection.close()
        silent.close()
    assert not [t for t in threading.enumerate() if t.name == mine]
