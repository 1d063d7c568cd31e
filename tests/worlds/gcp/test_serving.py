"""What a test in a real cluster may call through the control port."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.worlds.gcp.wire import ACCESSOR, USER, access, exchange
from worlds.control import Control
from worlds.gcp.serving import calls
from worlds.server import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from worlds.gcp import GcpWorld


@pytest.fixture
def call(world: GcpWorld) -> Callable[..., object]:
    """Ask the control port as a cluster's API server passes it on."""
    control = Control(calls(world), {"/journal": world.journal.documents})

    def ask(name: str, *args: object, **kwargs: object) -> object:
        asked = json.dumps({"call": name, "args": args, "kwargs": kwargs})
        query = urlencode({"json": asked})
        response = control.handle(Request("GET", "/call", query, {"host": "x"}, b"", 1))
        assert response.status == 200, response.body
        return json.loads(response.body)

    return ask


def test_a_cluster_test_sets_up_and_sees(world: GcpWorld, call: Callable[..., object]) -> None:
    """Everything by names, and the journal as JSON."""
    audience = call("provider")
    member = call("member", "shop", "web")
    email = call("service_account", "web")
    secret = call("put_secret", "db", "one")
    call("grant", member, USER, call("service_account_name", "web"))
    call("grant", member, ACCESSOR, secret)
    assert call("rotate", secret, "two") == 2

    provider = world.pool().providers["prod"]
    token = exchange(world, provider, world.issuer.mint("shop", "web", provider.audience))
    found = access(world, token.content["access_token"], f"{secret}/versions/latest")

    assert (audience, email) == (provider.audience, "web@shop-prod.iam.gserviceaccount.com")
    assert found.content["payload"]["data"] == "dHdv"
    assert [entry["principal"] for entry in world.journal.documents()][-1] == member
    assert json.dumps(world.journal.documents())


def test_a_cluster_test_may_break_it(world: GcpWorld, call: Callable[..., object]) -> None:
    """And mend it."""
    token = world.access_token(world.service_account("web"))
    call("break_down", 503, "secretmanager")
    broken = access(world, token, "projects/shop-prod/secrets/db/versions/1").status
    call("come_back")
    call("latency", 0.0)
    call("clear_faults")

    assert broken == 503
    assert access(world, token, "projects/shop-prod/secrets/db/versions/1").status == 403


def test_a_cluster_test_has_something_to_decrypt(
    world: GcpWorld, call: Callable[..., object]
) -> None:
    """Of a key that is named."""
    name = call("crypto_key", "db")
    sealed = call("seal", "db", "data key")

    assert world.crypto_key("db").name == name
    assert base64.b64decode(str(sealed)).startswith(b"\x0a\x24")
