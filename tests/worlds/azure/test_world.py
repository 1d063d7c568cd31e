"""The world itself: hosts and paths, faults over the wire, falling and rising."""

from __future__ import annotations

from http.client import IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING

import pytest

from worlds import faults
from worlds.azure import AzureWorld

if TYPE_CHECKING:
    from tests.worlds.azure.asking import Shop

GONE = (ConnectionResetError, RemoteDisconnected)


def test_at_loopback_the_path_names_the_host(shop: Shop) -> None:
    """`endpoint` gives URLs for clients without a proxy; with no host the first vault serves."""
    secret = shop.get("/acme-kv.vault.azure.net/secrets/db", host=f"127.0.0.1:{shop.world.port}")
    bare = shop.get("/secrets/db", host="localhost")
    login = shop.login(host="127.0.0.1")

    assert (secret.status, bare.status, login.status) == (200, 200, 200)
    base = f"https://127.0.0.1:{shop.world.port}"
    assert shop.world.endpoint(shop.vault) == f"{base}/acme-kv.vault.azure.net"
    assert shop.world.endpoint() == f"{base}/login.microsoftonline.com"


def test_a_vault_that_was_never_made_does_not_answer(shop: Shop) -> None:
    """In earnest its name would not resolve."""
    with pytest.raises(GONE):
        shop.get("/secrets/db", host="other.vault.azure.net")

    assert shop.world.journal.entries[-1].outcome == "NoSuchVault"


def test_vaults_hold_their_own(shop: Shop) -> None:
    """The same name in two vaults is two secrets."""
    second = shop.world.vault("second-kv")
    second.grant(shop.web, "secrets/get")
    shop.world.put_secret(second, "db", "second")

    assert shop.get("/secrets/db", host=second.host).json["value"] == "second"
    assert shop.get("/secrets/db").json["value"] == "s3cret"
    assert [e.region for e in shop.world.journal.calls("GetSecret")] == [
        "second-kv.vault.azure.net",
        "acme-kv.vault.azure.net",
    ]


def test_the_journal_has_no_values(shop: Shop) -> None:
    """Neither secrets nor tokens enter it, nor a version's repr."""
    token = shop.token()
    shop.get("/secrets/db", token)
    made = shop.world.put_secret(shop.vault, "db", "s3cret")

    text = repr(shop.world.journal.entries) + repr(made)

    assert "s3cret" not in text
    assert token not in text


def test_throttling_is_said_in_key_vaults_words(shop: Shop) -> None:
    """429 with Retry-After, bare or as JSON, and then it serves."""
    shop.world.faults.add(faults.status(429, retry_after=2), on="keyvault.GetSecret", times=1)
    shop.world.faults.add(faults.error("Throttled", status=429), on="keyvault", times=1)

    bare, said, served = (shop.get("/secrets/db") for _ in range(3))

    assert (bare.status, bare.headers["Retry-After"]) == (429, "2")
    assert said.refusal == (429, "Throttled", "")
    assert served.status == 200
    outcomes = [entry.outcome for entry in shop.world.journal.calls("GetSecret")]
    assert outcomes == ["fault:status:429", "fault:error:Throttled", "ok"]


def test_entra_is_unavailable_in_its_own_words(shop: Shop) -> None:
    """503 with Entra's JSON."""
    shop.world.faults.add(faults.error("AADSTS90033", status=503), on="login.Token", times=1)

    answer = shop.login()

    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert answer.json["error_codes"] == [90033]
    assert shop.login().status == 200


def test_a_fault_may_be_for_one_host(shop: Shop) -> None:
    """`region` is the host that was asked."""
    shop.world.faults.add(faults.status(503), region="other-kv.vault.azure.net")

    assert shop.get("/secrets/db").status == 200


def test_a_reset_is_no_answer(shop: Shop) -> None:
    """The connection breaks, and the journal knows that nothing was answered."""
    token = shop.token()
    shop.world.faults.add(faults.reset(), on="keyvault.GetSecret", times=1)

    with pytest.raises(GONE):
        shop.get("/secrets/db", token)

    entry = shop.world.journal.entries[-1]
    assert (entry.outcome, entry.status) == ("fault:reset", 0)


def test_latency_is_only_late(shop: Shop) -> None:
    """A client with less patience gives up."""
    token = shop.token()
    shop.world.faults.add(faults.latency(30), on="keyvault", times=1)

    with pytest.raises(TimeoutError, match="timed out"):
        shop.send(
            "GET",
            shop.vault.host,
            "/secrets/db?api-version=7.4",
            {"Authorization": f"Bearer {token}"},
            patience=0.3,
        )


def test_a_truncated_answer_is_cut_within_its_body(shop: Shop) -> None:
    """Right headers, ten bytes, and the end."""
    shop.world.faults.add(faults.truncated(10), on="keyvault", times=1)

    with pytest.raises(IncompleteRead, match="10 bytes read"):
        shop.get("/secrets/db")


def test_redirects_floods_and_foreign_bytes_come_on_demand(shop: Shop) -> None:
    """What a hostile or broken host in the middle could send."""
    shop.world.faults.add(faults.redirect("https://evil.example/"), on="keyvault", times=1)
    shop.world.faults.add(faults.huge(1000), on="keyvault", times=1)
    shop.world.faults.add(faults.not_utf8(), on="keyvault", times=1)

    moved, flood, foreign = (shop.get("/secrets/db") for _ in range(3))

    assert (moved.status, moved.headers["Location"]) == (307, "https://evil.example/")
    assert flood.body == b"a" * 1000
    assert b"\xff\xfe" in foreign.body


def test_a_secret_may_be_rotated_between_two_reads(shop: Shop) -> None:
    """`after` acts when the first answer is made."""

    def rotate() -> None:
        shop.world.put_secret(shop.vault, "db", "two")

    shop.world.faults.add(faults.after(rotate), on="keyvault.GetSecret", times=1)

    values = [shop.get("/secrets/db").json["value"] for _ in range(2)]

    assert values == ["s3cret", "two"]


def test_a_world_goes_down_and_comes_back(shop: Shop) -> None:
    """A part by resets, the whole by refused connections; afterwards on the same port."""
    shop.world.go_down(service="login")
    with pytest.raises(GONE):
        shop.login()
    shop.world.come_back()
    port = shop.world.port
    shop.world.go_down()
    with pytest.raises(ConnectionRefusedError):
        shop.login()

    shop.world.come_back()

    assert shop.login().status == 200
    assert shop.world.port == port
    assert shop.world.connections > 0


def test_the_ca_is_a_file_only_while_the_world_runs() -> None:
    """Its folder goes with it."""
    world = AzureWorld()
    with world:
        path = world.ca_path
        assert path.read_text() == world.ca_pem
    assert not path.exists()
    with pytest.raises(RuntimeError, match="not started"):
        assert world.ca_path
