"""What one request may be: routes, types, sizes, framing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.webhook.server.client import post
from tests.webhook.server.house import REVIEW, Running, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


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
