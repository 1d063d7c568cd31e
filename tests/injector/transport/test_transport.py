"""The HTTP client against peers that answer well, badly, slowly or not at all."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from injector.contract.plan import Proxy
from injector.contract.reasons import Reason
from injector.transport import MAX_BODY, Request, Response, Transport, TransportError
from tests.injector.supervisor.process import free_port
from tests.injector.transport.peer import Peer, Script, reply, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANARY = "canary-7f3a"
PATIENCE = 30.0


@pytest.fixture
def transport() -> Iterator[Transport]:
    """A transport without a CA of its own."""
    one = Transport()
    yield one
    one.close()


def send(transport: Transport, url: str, *, seconds: float = 5.0, ca_bundle: str = "") -> Response:
    """Post a canary, to be looked for in errors."""
    until = time.monotonic() + seconds
    headers = {"Authorization": CANARY}
    request = Request("POST", f"{url}/x?q={CANARY}", until, headers, CANARY.encode(), ca_bundle)
    return transport.send(request)


def test_reply_is_read_whole_with_status_and_headers(transport: Transport) -> None:
    """Status, headers and body arrive as sent."""
    with Peer(reply(b"body", "403 Forbidden", "X-Id: 7")) as peer:
        response = send(transport, peer.url)

    assert (response.status, response.headers["X-Id"], response.body) == (403, "7", b"body")
    assert peer.requests[0].startswith(f"POST /x?q={CANARY} HTTP/1.1".encode())
    assert peer.requests[0].endswith(CANARY.encode())


def test_connection_is_kept_for_the_next_request(transport: Transport) -> None:
    """Three requests to one origin take one connection."""
    with Peer(reply(b"body")) as peer:
        for _ in range(3):
            send(transport, peer.url)

    assert (peer.connections, len(peer.requests)) == (1, 3)


def test_connection_opened_early_is_the_one_that_is_used(transport: Transport) -> None:
    """Opening early costs no connection of its own, however often it is announced."""
    with Peer(reply(b"body")) as peer:
        transport.open_early(peer.url)
        transport.open_early(peer.url)
        send(transport, peer.url)

    assert peer.connections == 1


def test_early_failure_is_reported_by_the_request(transport: Transport) -> None:
    """A connection that could not be opened early is tried again, and its failure named."""
    url = f"http://127.0.0.1:{free_port()}"
    transport.open_early(url)

    with pytest.raises(TransportError, match="refused the connection"):
        send(transport, url)


def test_kept_connection_that_was_closed_is_replaced(transport: Transport) -> None:
    """A peer that closes between two requests costs a new connection, not an error."""
    with Peer(_once(b"body")) as peer:
        first = send(transport, peer.url)
        second = send(transport, peer.url)

    assert (first.body, second.body, peer.connections) == (b"body", b"body", 2)


def test_connection_that_the_peer_ends_is_not_kept(transport: Transport) -> None:
    """A reply that announces the end is the last on its connection."""
    with Peer(reply(b"body", "200 OK", "Connection: close")) as peer:
        bodies = [send(transport, peer.url).body for _ in range(2)]

    assert (bodies, peer.connections) == ([b"body"] * 2, 2)


def test_kept_connection_knows_the_deadline_of_each_request(transport: Transport) -> None:
    """A request whose time is over is not sent over a connection that stands either."""
    with Peer(reply(b"body")) as peer:
        send(transport, peer.url)
        with pytest.raises(TransportError, match="in time"):
            send(transport, peer.url, seconds=-1)

    assert len(peer.requests) == 1


def test_redirect_is_a_reply_and_not_followed(transport: Transport) -> None:
    """Credentials never go where a redirect points."""
    with Peer(reply(b"stolen")) as other:
        location = f"Location: {other.url}/"
        with Peer(reply(b"", "307 Temporary Redirect", location)) as peer:
            response = send(transport, peer.url)

    assert response.status == 307
    assert other.connections == 0


def test_environment_proxies_are_ignored(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxy variables of the pod change nothing."""
    with Peer(reply(b"proxy")) as proxy, Peer(reply(b"straight")) as peer:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        response = send(transport, peer.url)

    assert (response.body, proxy.connections) == (b"straight", 0)


def test_slow_body_ends_at_the_deadline(transport: Transport) -> None:
    """A byte now and then does not stretch a deadline."""
    with Peer(_trickle) as peer, pytest.raises(TransportError, match="did not answer in time"):
        send(transport, peer.url, seconds=0.3)


def test_slow_headers_end_at_the_deadline(transport: Transport) -> None:
    """Neither do headers that never end."""
    with Peer(_trickle_headers) as peer, pytest.raises(TransportError, match="in time"):
        send(transport, peer.url, seconds=0.3)


def test_deadline_in_the_past_sends_nothing(transport: Transport) -> None:
    """A worker whose time is over does not start a request."""
    with Peer(reply(b"body")) as peer, pytest.raises(TransportError, match="in time"):
        send(transport, peer.url, seconds=-1)

    assert peer.requests == []


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
        b"",
    ],
)
def test_cut_reply_is_an_error_and_never_a_short_body(transport: Transport, data: bytes) -> None:
    """Half a body is no body."""

    def script(sock: socket.socket, _request: bytes) -> bool:
        sock.sendall(data)
        return False

    with Peer(script) as peer, pytest.raises(TransportError, match="before the reply was complete"):
        send(transport, peer.url)


def test_reply_that_is_no_http_is_named_and_not_quoted(transport: Transport) -> None:
    """What a broken peer sends stays out of the message."""

    def script(sock: socket.socket, _request: bytes) -> bool:
        sock.sendall(b"SECRET nonsense\r\n\r\n")
        return False

    with Peer(script) as peer, pytest.raises(TransportError, match="no HTTP") as caught:
        send(transport, peer.url)

    assert "SECRET" not in str(caught.value)


def test_huge_reply_is_refused(transport: Transport) -> None:
    """A body has a largest size."""
    with Peer(reply(bytes(MAX_BODY + 1))) as peer, pytest.raises(TransportError, match="larger"):
        send(transport, peer.url)


def test_refused_connection_names_the_usual_suspects(transport: Transport) -> None:
    """The remedy says what refuses connections in clusters."""
    with pytest.raises(TransportError, match="refused the connection") as caught:
        send(transport, f"http://127.0.0.1:{free_port()}")

    assert caught.value.reason is Reason.UNAVAILABLE
    for suspect in ("NetworkPolicy", "egress proxy", "mesh proxy"):
        assert suspect in caught.value.remedy


def test_errors_hold_nothing_of_the_request(transport: Transport) -> None:
    """No header, query or body of a request is in an error or behind it."""
    with pytest.raises(TransportError, match="refused") as caught:
        send(transport, f"http://127.0.0.1:{free_port()}")

    assert CANARY not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.remedy}"
    assert CANARY not in repr(Request("POST", "http://a", 0.0, {"a": CANARY}, CANARY.encode()))


def test_given_ca_is_trusted_and_the_hostname_checked() -> None:
    """PEM certificates of the plan make a private endpoint trusted, for its own name only."""
    ca = trustme.CA()
    pem = ca.cert_pem.bytes().decode()
    transport = Transport(ca_bundle=pem)
    with Peer(reply(b"body"), _tls(ca, "localhost")) as peer:
        response = send(transport, peer.url)
    with (
        Peer(reply(b"body"), _tls(ca, "other.test")) as peer,
        pytest.raises(TransportError, match="is for another name") as caught,
    ):
        send(transport, peer.url)
    transport.close()

    assert response.body == b"body"
    assert "ca-bundle" not in caught.value.remedy


@pytest.mark.parametrize(("days", "text"), [(-2, "has expired"), (2, "is not valid yet")])
def test_time_of_a_certificate_is_told_from_its_trust(days: int, text: str) -> None:
    """No other CA helps against a clock."""
    ca = trustme.CA()
    transport = Transport(ca_bundle=ca.cert_pem.bytes().decode())
    with (
        Peer(reply(b"body"), _tls(ca, "localhost", days=days)) as peer,
        pytest.raises(TransportError, match=text) as caught,
    ):
        send(transport, peer.url)
    transport.close()

    assert "clock" in caught.value.remedy


def test_pod_without_another_thread_connects_all_the_same(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pod that may have no more processes waits for its connections in turn."""

    class Thread(threading.Thread):
        def start(self) -> None:
            if "_open_aside" in self.name:  # the peer has threads, too
                msg = "can't start new thread"
                raise RuntimeError(msg)
            super().start()

    with Peer(reply(b"body")) as peer:
        monkeypatch.setattr(threading, "Thread", Thread)
        transport.open_early(peer.url)

        assert send(transport, peer.url).body == b"body"
        assert peer.connections == 1


def test_trust_of_a_request_stands_in_place_of_the_transports() -> None:
    """A store's own CA is asked, not the plan's."""
    ours, theirs = trustme.CA(), trustme.CA()
    transport = Transport(ca_bundle=theirs.cert_pem.bytes().decode())
    with Peer(reply(b"body"), _tls(ours, "localhost")) as peer:
        response = send(transport, peer.url, ca_bundle=ours.cert_pem.bytes().decode())
    transport.close()

    assert response.body == b"body"


def test_unknown_ca_is_refused_whatever_the_environment_says(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SSL_CERT_FILE of the pod adds no trust, and the message says where to give a CA."""
    ca = trustme.CA()
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with (
        Peer(reply(b"body"), _tls(ca, "localhost")) as peer,
        pytest.raises(TransportError, match="not trusted") as caught,
    ):
        send(transport, peer.url)

    assert "ca-bundle" in caught.value.remedy


def test_damaged_ca_bundle_is_named() -> None:
    """A bundle that is no PEM is an error of its own."""
    transport = Transport(ca_bundle="not a certificate")
    with Peer(reply(b"")) as peer, pytest.raises(TransportError, match="CA certificates"):
        send(transport, f"https://127.0.0.1:{peer.port}")


def test_https_goes_through_the_operators_proxy() -> None:
    """The proxy is asked for the origin, with its own credentials; TLS is with the origin."""
    ca = trustme.CA()
    with Peer(reply(b"body"), _tls(ca, "secrets.test")) as peer, Peer(tunnel(peer.port)) as via:
        proxy = Proxy(https=f"http://me:p%40ss@127.0.0.1:{via.port}")
        transport = Transport(ca_bundle=ca.cert_pem.bytes().decode(), proxy=proxy)
        response = send(transport, "https://secrets.test")
        transport.close()

    assert response.body == b"body"
    assert via.requests[0].startswith(b"CONNECT secrets.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in via.requests[0]


def test_proxy_that_refuses_is_named() -> None:
    """A proxy's no says which host to allow where."""
    with Peer(reply(b"", "403 Forbidden")) as via:
        transport = Transport(proxy=Proxy(https=f"http://127.0.0.1:{via.port}"))
        with pytest.raises(TransportError, match=r"answered 403 for secrets.test:443") as caught:
            send(transport, "https://secrets.test")

    assert "no_proxy" in caught.value.remedy


def test_slow_proxy_ends_at_the_deadline() -> None:
    """A proxy whose answer never ends does not stretch a deadline either."""
    with Peer(_trickle_headers) as via:
        transport = Transport(proxy=Proxy(https=f"http://127.0.0.1:{via.port}"))
        with pytest.raises(TransportError, match="did not answer in time"):
            send(transport, "https://secrets.test", seconds=0.3)


def test_name_that_does_not_resolve_points_at_dns(transport: Transport) -> None:
    """A misspelt region reads differently from a blocked one."""
    with pytest.raises(TransportError, match="cannot be resolved") as caught:
        send(transport, "http://sts.nowhere.invalid")

    assert "DNS" in caught.value.remedy


def test_resolver_that_is_silent_does_not_stretch_a_deadline(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The C library asks for a minute where nobody answers; the remedy is DNS, then the others."""
    over = threading.Event()

    def resolve(*_: object, **__: object) -> None:
        over.wait(PATIENCE)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(TransportError, match="was not found or did not answer") as caught:
        send(transport, "http://sts.test", seconds=0.2)
    waiting = not over.is_set()
    over.set()

    assert waiting
    assert caught.value.remedy.startswith("check DNS")


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _tls(ca: trustme.CA, name: str, *, days: int = 0) -> ssl.SSLContext:
    """Serve with a certificate that is good for a day, so many days from now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    half, middle = timedelta(hours=12), datetime.now(UTC) + timedelta(days=days)
    cert = ca.issue_cert(name, not_before=middle - half, not_after=middle + half)
    cert.configure_cert(context)
    return context


def _once(body: bytes) -> Script:
    whole = reply(body)

    def script(sock: socket.socket, request: bytes) -> bool:
        whole(sock, request)
        return False

    return script


def _trickle(sock: socket.socket, _request: bytes) -> bool:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(200):
        sock.sendall(b"x")
        time.sleep(0.05)
    return False


def _trickle_headers(sock: socket.socket, _request: bytes) -> bool:
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        sock.sendall(f"X-{number}: y\r\n".encode())
        time.sleep(0.05)
    return False
