"""A pod with secrets of Vault that lives: a lease through a death, an outage, its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.injector.supervisor.process import ask, eventually, free_port, status_of
from tests.pod.tier import INIT, SIDECAR
from tests.pod.vault.shop import CREDENTIALS, DB

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from tests.pod.vault.shop import Shop
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld


def test_a_lease_lives_as_long_as_its_pod(tier: Tier, shop: Shop, postgres: Postgres) -> None:
    """Init takes it, a killed sidecar keeps it, and at the end token and user are gone."""
    shop.lease(postgres)
    shop.put("old")
    asked = {
        "file.user": f"vault:{CREDENTIALS}#username",
        "file.word": f"vault:{CREDENTIALS}#password",
        "file.db": f"{DB}#password",
    }
    runner = tier.start(shop.pod(asked), back_off=0.01)
    files = runner.directory("app", "/secrets")
    pair = ((files / "user").read_text(), (files / "word").read_text())
    assert postgres.admits(*pair)
    runner.kill(SIDECAR)
    shop.put("new")
    eventually(lambda: (files / "db").read_text() == "new")

    assert {name: it.restarts for name, it in runner.containers.items()} == {
        INIT: 0,
        SIDECAR: 1,
        "app": 0,
    }
    assert ((files / "user").read_text(), (files / "word").read_text()) == pair
    assert (shop.logins(), len(shop.vault.leases(CREDENTIALS))) == (1, 1)
    runner.stop()
    assert shop.vault.tokens() == {}
    assert [it.path for it in shop.vault.audit.revocations()] == ["auth/token/revoke-self"]
    eventually(lambda: pair[0] not in postgres.users())
    assert runner.containers[SIDECAR].exit_code == 0


def test_a_vault_that_is_down_changes_nothing(tier: Tier, shop: Shop, front: VaultWorld) -> None:
    """Files stay, nothing restarts, the probe is good; when it is back, so are new values."""
    port = free_port()
    reference = "payments:secret/prod/db"
    shop.put("old")
    runner = tier.start(shop.pod({"file.db": f"{reference}#password", "metrics-port": str(port)}))
    file = runner.directory("app", "/secrets") / "db"

    def failures() -> int:
        try:
            reply = ask(port, b"GET /status HTTP/1.1\r\n\r\n")
        except ConnectionError:  # its port is not open yet
            return 0
        document = json.loads(reply.partition(b"\r\n\r\n")[2])
        return int(document["reads"][reference]["failures"])

    shop.put("new")
    front.go_down()
    eventually(lambda: failures() >= 2)

    assert file.read_text() in {"old", "new"}
    kept = file.read_text()
    eventually(lambda: failures() >= 3)
    assert file.read_text() == kept
    assert status_of(ask(port)) == 200
    shop.put("newest")
    front.come_back()
    eventually(lambda: file.read_text() == "newest")
    assert {it.restarts for it in runner.containers.values()} == {0}
    assert shop.logins() == 1
