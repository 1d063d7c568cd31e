"""What one request may be: routes, types, sizes, framing."""

from __future__ import annotations

import contextlib
import ssl
import warnings
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.webhook.server.client import Client, post
from tests.webhook.server.house import REVIEW, Fake, Running, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNKED = (
    b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the module; no test harms it."""
    with serving(tmp_path_factory.mktemp("pki")) as running:
        yield running


@pytest.mark.parametrize("path", ["/mutate", "/mutate?timeout=5s", "/review-workload?timeout=1s"])
def test_a_review_is_answered(running: Running, path: str) -> None:
    """Both routes answer, with or without the API server's query."""
    reply = running.ask(post(REVIEW, path=path))

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert msgspec.json.decode(reply.body)["response"] == {"uid": "u-1", "allowed": True}


@pytest.mark.parametrize(
    "media",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;v=1 ; a=b"],
)
def test_json_with_parameters_in_any_case_is_json(running: Running, media: str) -> None:
    """A content type is compared as RFC 9110 says."""
    assert running.ask(post(REVIEW, content_type=media)).status == 200


@pytest.mark.parametrize(
    "media", ["text/plain", "application/yaml", "", "application/jsonx", "application/json+patch"]
)
def test_other_content_types_are_refused(running: Running, media: str) -> None:
    """Anything but JSON is 415."""
    reply = running.ask(post(REVIEW, content_type=media))

    assert reply.status == 415
    assert reply.body.startswith(b"wrong-content-type: ")


def test_a_missing_content_type_is_refused(running: Running) -> None:
    """No content type is not JSON."""
    request = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"

    assert running.ask(request).status == 415


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_an_encoded_body_is_refused_and_not_inflated(running: Running, coding: str) -> None:
    """The API server does not compress what it posts; a bomb would."""
    reply = running.ask(post(REVIEW, extra=f"Content-Encoding: {coding}\r\n"))

    assert reply.status == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json SENTINEL",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'"x',
    ],
    ids=["empty", "garbage", "cut", "null", "list", "object", "brackets", "binary", "string"],
)
def test_what_is_no_review_is_refused_without_an_echo(running: Running, body: bytes) -> None:
    """A bad body is 400, says so, and does not come back."""
    reply = running.ask(post(body))

    assert reply.status == 400
    assert reply.body.startswith(b"malformed-review: ")
    assert b"SENTINEL" not in reply.body


@pytest.mark.parametrize(
    "path", ["/", "/mutate/", "/healthz", "/metrics", "/mutate%00", "/../mutate"]
)
def test_other_paths_are_not_found(running: Running, path: str) -> None:
    """Probes and metrics are not on the admission port."""
    assert running.ask(post(REVIEW, path=path)).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_not_allowed(running: Running, method: str) -> None:
    """Only POST decides."""
    reply = running.ask(post(REVIEW).replace(b"POST", method.encode(), 1))

    assert reply.status == 405
    assert reply.headers["allow"] == "POST"


def test_three_mebibytes_are_read(running: Running) -> None:
    """The largest body that an API server sends gets in."""
    body = REVIEW + b" " * ((3 << 20) - len(REVIEW))

    assert running.ask(post(body)).status == 200


@pytest.mark.parametrize("size", [(3 << 20) + 1, 5 << 20, 64 << 20, 1 << 62])
def test_a_larger_body_is_refused_by_its_length(running: Running, size: int) -> None:
    """Nothing of it needs to be sent for the answer, and then the connection ends."""
    head = post(b"", extra="").replace(b"Content-Length: 0", b"Content-Length: %d" % size)
    with running.client() as client:
        reply = client.ask(head + b" " * 1000)

        assert reply.status == 413
        assert reply.headers["connection"] == "close"
        assert client.closed()


def test_a_body_of_64_megabytes_is_not_held(tmp_path: Path) -> None:
    """Sent in chunks, it is cut at 3 MiB, whatever the client still wants to say."""
    fake = Fake()
    with serving(tmp_path, fake) as running, running.client() as client:
        client.send(CHUNKED)
        chunk = b"%x\r\n" % (1 << 16) + b" " * (1 << 16) + b"\r\n"
        sent = 0
        with contextlib.suppress(OSError):
            for _ in range(1024):
                client.send(chunk)
                sent += 1 << 16

        assert sent < 64 << 20
        assert fake.bodies == []
        assert (
            running.metric(
                'syrette_admission_requests_total{reason="body-too-large",verdict="refused"}'
            )
            == 1
        )


def test_a_chunked_body_is_read(running: Running) -> None:
    """Framing is HTTP's business."""
    half = len(REVIEW) // 2
    pieces = [b"%x;name=value\r\n%s\r\n" % (len(x), x) for x in (REVIEW[:half], REVIEW[half:])]
    with running.client() as client:
        client.send(CHUNKED)
        for piece in [*pieces, b"0\r\nTrailer: x\r\n\r\n"]:
            client.send(piece)

        assert client.reply().status == 200


def test_a_damaged_chunk_is_a_bad_request(running: Running) -> None:
    """Broken framing ends the connection, not the server."""
    with running.client() as client:
        client.send(CHUNKED)
        reply = client.ask(b"zz\r\nSENTINEL\r\n")

        assert reply.status in {400, 408}  # the deadline finds it when the parser came too late
        assert b"SENTINEL" not in reply.body


def test_a_client_that_asks_first_may_send(running: Running) -> None:
    """`Expect: 100-continue` is answered before the body comes."""
    whole = post(REVIEW, extra="Expect: 100-continue\r\n")
    with running.client() as client:
        first = client.ask(whole[: -len(REVIEW)])
        second = client.ask(REVIEW)

    assert (first.status, second.status) == (100, 200)


def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    """Requests may be sent ahead of their answers."""
    uids = [f"u-{number}" for number in range(100)]
    requests = [post(REVIEW.replace(b"u-1", uid.encode())) for uid in uids]
    with running.client() as client:
        client.send(b"".join(requests))
        answered = [msgspec.json.decode(client.reply().body)["response"]["uid"] for _ in uids]

    assert answered == uids


def test_a_connection_serves_many_requests(running: Running) -> None:
    """Keep-alive is the rule, also after a refusal."""
    bodies = [REVIEW, b"garbage", REVIEW]
    with running.client() as client:
        statuses = [client.ask(post(body)).status for body in bodies]

    assert statuses == [200, 400, 200]


def test_a_body_in_small_pieces_is_put_together(running: Running) -> None:
    """Where the segments break does not matter."""
    request = post(REVIEW)
    with running.client() as client:
        for start in range(0, len(request), 37):
            client.send(request[start : start + 37])

        assert client.reply().status == 200


NO_HTTP = {
    "garbage": b"\x00\x01SENTINEL\r\n\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version": b"POST /mutate HTTP/9.9\r\nHost: SENTINEL\r\n\r\n",
    "long-line": b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "long-header": b"POST /mutate HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "many-headers": b"POST /mutate HTTP/1.1\r\n" + b"X: SENTINEL\r\n" * 1000 + b"\r\n",
    "negative-length": b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two-lengths": b"POST /mutate HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "smuggling": b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "bad-header": b"POST /mutate HTTP/1.1\r\nHost : SENTINEL\r\n\r\n",
    "null-header": b"POST /mutate HTTP/1.1\r\nHost: SENT\x00INEL\r\n\r\n",
    "method": b"P\xc3\x96ST /mutate HTTP/1.1\r\nHost: SENTINEL\r\n\r\n",
}


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_bad_http_ends_its_connection_only(running: Running, data: bytes) -> None:
    """It is answered 400 without an echo and closed; the next client is served."""
    with running.client() as client:
        reply = client.ask(data)

        assert reply.status == 400
        assert b"SENTINEL" not in reply.body
        assert client.closed()
    assert running.ask(post(REVIEW)).status == 200


@pytest.mark.parametrize(
    "extra",
    ["Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: Upgrade\r\nUpgrade: h2c\r\n"],
)
def test_an_offer_to_upgrade_is_ignored(running: Running, extra: str) -> None:
    """No other protocol is spoken, and the server goes on."""
    with running.client() as client:
        client.send(post(REVIEW, extra=extra))
        reply = client.reply()

    assert reply.status == 200
    assert "upgrade" not in reply.headers
    assert running.ask(post(REVIEW)).status == 200


def test_http_1_0_is_answered_and_closed(running: Running) -> None:
    """The old version has no keep-alive by default."""
    with running.client() as client:
        reply = client.ask(post(REVIEW).replace(b"HTTP/1.1", b"HTTP/1.0", 1))

        assert reply.status == 200
        assert client.closed()


def test_plain_http_on_the_tls_port_is_dropped(running: Running) -> None:
    """Nothing is answered outside TLS."""
    with Client(running.port) as client:
        client.send(post(REVIEW))

        assert client.closed()


def test_old_tls_is_refused(running: Running) -> None:
    """TLS 1.1 gets no handshake."""
    context = running.pki.client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError, match=r"(?i)protocol|alert|ciphers"):
        Client(running.port, context)


def test_http_1_1_is_negotiated(running: Running) -> None:
    """A client that offers HTTP/2 as well learns that it is not spoken."""
    context = running.pki.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Client(running.port, context) as client:
        assert client.peer.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    "error",
    [ValueError("SENTINEL"), RecursionError("SENTINEL"), MemoryError(), KeyError("SENTINEL")],
    ids=lambda error: type(error).__name__,
)
def test_a_defect_of_ours_is_a_500_without_details(tmp_path: Path, error: Exception) -> None:
    """The process lives on, the log names type and place, nobody sees the text."""

    async def fail(_: bytes) -> None:
        raise error

    fake = Fake(before=fail)
    with serving(tmp_path, fake) as running:
        with running.client() as client:
            reply = client.ask(post(REVIEW))
            fake.before = None
            assert client.ask(post(REVIEW)).status == 200
        lines = running.lines()

    assert (reply.status, reply.body) == (500, b"internal: see the webhook's log\n")
    assert [x["error"] for x in lines if x["level"] == "error"] == [type(error).__name__]
    assert "SENTINEL" not in str(lines)


def test_a_client_that_leaves_in_the_middle_harms_nobody(running: Running) -> None:
    """Half a request and a closed socket are not an error of ours."""
    for size in (10, 100, len(post(REVIEW)) - 5):
        with running.client() as client:
            client.send(post(REVIEW)[:size])

    assert running.ask(post(REVIEW)).status == 200


def test_every_request_is_one_line(tmp_path: Path) -> None:
    """Decisions and refusals are logged once, with what happened and never with content."""
    with serving(tmp_path) as running:
        running.ask(post(REVIEW))
        running.ask(post(b"SENTINEL"))
        running.ask(post(b"{}", content_type="text/plain"))
        lines = running.lines()

    decided = [x for x in lines if x["message"] == "decided"]
    assert [(x["verdict"], x["reason"], x["uid"]) for x in decided] == [
        ("allowed", None, "u-1"),
        ("refused", "malformed-review", ""),
        ("refused", "wrong-content-type", ""),
    ]
    assert "SENTINEL" not in str(lines)


def test_requests_are_counted_by_verdict_and_reason(tmp_path: Path) -> None:
    """The metrics port shows what was decided."""
    with serving(tmp_path) as running:
        running.ask(post(REVIEW))
        running.ask(post(b"x"))
        name = "syrette_admission_requests_total"

        assert running.metric(name + '{reason="",verdict="allowed"}') == 1
        assert running.metric(name + '{reason="malformed-review",verdict="refused"}') == 1
        assert running.metric("syrette_admission_duration_seconds_count") == 2


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/mutate", 404)]
)
def test_probes_have_a_plain_port_of_their_own(running: Running, path: str, status: int) -> None:
    """The kubelet needs no certificate, and gets no admission."""
    assert running.probe(path).status == status


def test_a_probe_is_a_get(running: Running) -> None:
    """Nothing is posted to the second port."""
    with Client(running.metrics_port) as client:
        assert client.ask(post(REVIEW, path="/readyz")).status == 405
