"""The worlds' HTTP server, asked by bytes."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from worlds.certificates import issue
from worlds.server import Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ASK = b"POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nContent-Length: 3\r\n\r\nabc"


@contextmanager
def _serving(
    handle: Callable[[Request], Response], context: ssl.SSLContext | None = None
) -> Iterator[Server]:
    server = Server(handle, context)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _echo(request: Request) -> Response:
    text = f"{request.method} {request.path} {request.query} {request.headers['host']}"
    return Response(200, f"{text} {request.connection}".encode() + request.body)


def _connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=5)


def _ask(server: Server, data: bytes) -> bytes:
    """Send bytes, say that no more come, and give all that is answered."""
    with _connect(server) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


def test_a_request_reaches_the_handler_whole() -> None:
    """Method, raw path, query, headers in lower case without outer blanks, and body."""
    seen: list[Request] = []

    def handle(request: Request) -> Response:
        seen.append(request)
        return Response(299, b"body", {"X-Answer": "yes"})

    with _serving(handle) as server:
        answer = _ask(server, _ASK)

    headers = {"host": "h", "x-one": "two", "content-length": "3"}
    assert seen == [Request("POST", "/a%20b", "x=1", headers, b"abc", 1)]
    assert answer.startswith(b"HTTP/1.1 299 Unknown\r\n")
    assert answer.endswith(b"\r\nX-Answer: yes\r\n\r\nbody")


def test_connections_are_kept_and_counted() -> None:
    """Two requests go over one connection; the next one has the next number."""
    with _serving(_echo) as server:
        first = _ask(server, _ASK + _ASK)
        second = _ask(server, _ASK)

        assert first.count(b"x=1 h 1abc") == 2
        assert b"x=1 h 2abc" in second
        assert server.connections == 2


def test_a_handshake_that_goes_no_further_holds_up_no_end() -> None:
    """A client that falls silent in the middle is sent away when the server stops."""
    outgoing = ssl.MemoryBIO()
    half = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="h")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    with _serving(_echo, issue().context()) as server, _connect(server) as silent:
        silent.sendall(outgoing.read())
        assert silent.recv(1)

        server.stop()

        assert silent.makefile("rb").read()
        assert (server.connections, server.failed_handshakes) == (0, 1)


def test_close_is_heeded() -> None:
    """A client that asks for the end gets it after the answer."""
    with _serving(_echo) as server:
        answer = _ask(server, _ASK.replace(b"X-One:  two", b"Connection: close") + _ASK)

    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert b"\r\nConnection: close\r\n" in answer


def test_a_body_can_be_announced_first() -> None:
    """`Expect: 100-continue` is answered before the body."""
    with _serving(_echo) as server:
        answer = _ask(server, _ASK.replace(b"X-One:  two", b"Expect: 100-continue"))

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


_LINE = b"GET / HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"GET / HTTP/1.1\nHost: h\n\n", b"request line"),
        (b"GET /\r\nHost: h\r\n\r\n", b"request line"),
        (b"GET / HTTP/1.0\r\nHost: h\r\n\r\n", b"request line"),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", b"request line"),
        (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", b"request line"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"request line"),
        (_LINE + b"\r\n", b"Host"),
        (_LINE + b"Host: h\nX: y\r\n\r\n", b"CRLF"),
        (_LINE + b"Host h\r\n\r\n", b"CRLF"),
        (_LINE + b"Host : h\r\n\r\n", b"CRLF"),
        (_LINE + b"Host: h\r\n folded\r\n\r\n", b"CRLF"),
        (_LINE + b"Host: h\r\nhost: i\r\n\r\n", b"twice"),
        (_LINE + b"".join(b"X-%d: y\r\n" % n for n in range(120)) + b"\r\n", b"too many"),
        (_LINE + b"Host: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"Content-Length"),
        (_LINE + b"Host: h\r\nContent-Length: -1\r\n\r\n", b"Content-Length"),
        (_LINE + b"Host: h\r\nContent-Length: 99999999\r\n\r\n", b"Content-Length"),
    ],
)
def test_requests_against_the_rules_are_refused(data: bytes, word: bytes) -> None:
    """A 400 says which rule, and the connection ends, whatever would follow."""
    with _serving(_echo) as server:
        answer = _ask(server, data + _ASK)

    head, _, reason = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert word in reason
    assert b"200 OK" not in reason


def test_half_a_body_is_never_handled() -> None:
    """A client that goes away within its body is not answered."""
    with _serving(_echo) as server:
        assert _ask(server, _ASK[:-1]) == b""


def test_a_cut_response_announces_more_than_it_sends() -> None:
    """Headers are right, the body ends early, and the connection with it."""
    with _serving(lambda _: Response(200, b"whole body", cut=5)) as server:
        answer = _ask(server, _ASK)

    assert b"Content-Length: 10\r\n" in answer
    assert answer.endswith(b"\r\n\r\nwhole")


@pytest.mark.parametrize("tls", [False, True])
def test_a_reset_is_a_reset(*, tls: bool) -> None:
    """The client sees its connection broken, not ended, under TLS too."""
    made = issue()
    trust = ssl.create_default_context(cadata=made.ca)
    with _serving(lambda _: Response(0, reset=True), made.context() if tls else None) as server:
        plain = _connect(server)
        raw = plain.dup()  # below TLS, whose reading does not tell a reset from an end
        with trust.wrap_socket(plain, server_hostname="localhost") if tls else plain as connection:
            connection.sendall(_ASK)

            with raw, pytest.raises(ConnectionResetError, match="reset"):
                raw.makefile("rb").read()


def test_a_late_response_does_not_hold_up_the_end() -> None:
    """Stopping does not wait for answers that are yet to come."""
    asked = threading.Event()
    threads = threading.active_count()

    def handle(_: Request) -> Response:
        asked.set()
        return Response(200, delay=3600)

    with _serving(handle) as server, _connect(server) as connection:
        connection.sendall(_ASK)
        assert asked.wait(5)
        server.stop()

        assert connection.recv(1) == b""
        assert threading.active_count() == threads


def test_a_stopped_server_refuses_and_comes_back_on_its_port() -> None:
    """Going down refuses connections; starting again serves where it was."""
    with _serving(_echo) as server:
        port = server.port
        server.stop()
        assert not server.listening
        with pytest.raises(ConnectionRefusedError, match="refused"):
            _connect(server)

        server.start()

        assert (server.port, server.listening) == (port, True)
        assert b"200 OK" in _ask(server, _ASK)


def test_a_handler_may_stop_its_own_server() -> None:
    """A fault that takes the world down answers nobody any more."""

    def handle(_: Request) -> Response:
        server.stop()
        return Response(200)

    server = Server(handle)
    server.start()

    assert _ask(server, _ASK) == b""
    assert not server.listening


def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    """An end is an end."""
    server = Server(_echo)

    server.stop()
    server.start()
    server.stop()
    server.stop()

    assert not server.listening


def test_tls_serves_who_trusts_it_and_counts_who_does_not() -> None:
    """A client without the authority breaks off in the handshake."""
    made = issue()
    with _serving(_echo, made.context()) as server:
        trust = ssl.create_default_context(cadata=made.ca)
        with trust.wrap_socket(_connect(server), server_hostname="localhost") as connection:
            connection.sendall(_ASK.replace(b"X-One:  two", b"Connection: close"))
            assert connection.makefile("rb").read().endswith(b"abc")

        plain = _connect(server)
        with plain, pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
        server.stop()  # waits for the connection's thread, which counts

        assert (server.connections, server.failed_handshakes) == (1, 1)
