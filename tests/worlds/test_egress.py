"""The egress proxy leads known names to worlds, and nothing else anywhere."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from worlds.egress import Egress
from worlds.server import Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Iterator


def _hello(request: Request) -> Response:
    return Response(200, request.headers["host"].encode())


@pytest.fixture
def server() -> Iterator[Server]:
    """A world without TLS, to see what passes."""
    server = Server(_hello)
    server.start()
    yield server
    server.stop()


def _ask(egress: Egress, line: str, then: str = "") -> bytes:
    with socket.create_connection(("127.0.0.1", int(egress.url.rpartition(":")[2]))) as client:
        client.settimeout(10)
        client.sendall(f"{line}\r\nHost: x\r\n\r\n".encode())
        said = client.recv(4096)
        if then and b" 200 " in said:
            client.sendall(then.encode())
            said += client.recv(4096)
    return said


def test_a_known_name_is_led_to_its_world(server: Server) -> None:
    """By its pattern, whatever its case."""
    with Egress({"*.vault.azure.net": ("127.0.0.1", server.port)}) as egress:
        request = "GET / HTTP/1.1\r\nHost: acme-kv.vault.azure.net\r\n\r\n"
        said = _ask(egress, "CONNECT Acme-KV.vault.azure.net:443 HTTP/1.1", request)

        assert said.endswith(b"acme-kv.vault.azure.net")
        assert egress.refused == ()


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT attacker.example:443 HTTP/1.1",
        "CONNECT acme-kv.vault.azure.net:80 HTTP/1.1",
        "CONNECT 169.254.169.254:443 HTTP/1.1",
        "GET http://acme-kv.vault.azure.net/ HTTP/1.1",
        "nonsense",
    ],
)
def test_everything_else_is_refused(server: Server, line: str) -> None:
    """Other names, other ports, other methods."""
    with Egress({"*.vault.azure.net": ("127.0.0.1", server.port)}) as egress:
        assert _ask(egress, line).startswith(b"HTTP/1.1 403 ")
    assert server.connections == 0
