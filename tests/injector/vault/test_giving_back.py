"""What init leaves in Vault: nothing where it fails, and nothing without need where it is alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract.plan import Action
from injector.contract.reasons import ExitCode
from tests.injector.cycle.pod import file
from tests.injector.transport.peer import Peer
from tests.injector.vault.pod import RealTime, VaultPod
from worlds import faults

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from injector.contract.plan import Secret
    from tests.openbao import Cluster
    from worlds.openbao import Namespace
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld

DB = file("vault:secret/prod/db#password", "db")
DENIED = file("vault:secret/test/db#password", "denied")
CREDS = "vault:database/creds/app"
USER = file(f"{CREDS}#username", "user")
PASSWORD = file(f"{CREDS}#password", "password")
CERTIFICATE = file("vault:pki/issue/web?data.common_name=web.svc#certificate", "tls.crt")


@pytest.fixture
def shop(vault: Namespace) -> Namespace:
    """A secret that shop/web may read, one that it may not, and certificates."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="s3cret")
    vault.put("secret", "test/db", password="other")
    vault.pki()
    rules = {
        "secret/data/prod/*": ["read"],
        "pki/issue/web": ["update"],
        "database/creds/app": ["read"],
    }
    vault.policy("shop", rules)
    vault.kubernetes_role("web", "shop", token_ttl="12h", token_max_ttl="24h")
    return vault


def alone(pod: VaultPod) -> VaultPod:
    """Let no sidecar follow."""
    pod.plan = replace(pod.plan, init_only=True)
    return pod


def test_ten_inits_that_fail_leave_no_token(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Each try of the kubelet logs in anew, and gives back what the denied secret made useless."""
    pod = VaultPod(shop, cluster, tmp_path, DB, DENIED)
    codes = [pod.init().exit_code for _ in range(10)]

    assert codes == [ExitCode.DENIED] * 10
    assert len(shop.audit.logins()) == 10
    assert shop.tokens() == {}


def test_an_init_that_gives_up_leaves_no_token(
    shop: Namespace, front: VaultWorld, cluster: Cluster, tmp_path: Path
) -> None:
    """Its time is over, but not that of giving back."""
    pod = VaultPod(front.front_of(shop), cluster, tmp_path, DB, namespace=shop.path)
    front.faults.add(faults.status(503), on="secret.Read")
    outcome = pod.init()

    assert "gave up after 120 s" in outcome.message
    assert len(shop.audit.logins()) == 1
    assert shop.tokens() == {}


def test_an_init_that_fails_again_gives_back_what_the_first_has_got(
    shop: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """The containers of the pod have ended, and its next try logs in anew."""
    shop.database(postgres)
    pod = VaultPod(shop, cluster, tmp_path, DB, USER)
    assert pod.init().exit_code == 0
    first = pod.read("user")
    shop.policy("shop", {"database/creds/app": ["read"]})
    pod.time.now += 900
    (pod.settings.session_directory / "state").unlink()
    assert pod.init().exit_code == ExitCode.DENIED
    assert shop.tokens() == {}

    shop.policy("shop", {"secret/data/prod/*": ["read"], "database/creds/app": ["read"]})
    assert pod.init().exit_code == 0
    assert pod.read("user") != first
    assert len(shop.audit.logins()) == 2
    assert len(shop.tokens()) == 1


@pytest.mark.parametrize("secret", [DB, CERTIFICATE], ids=["kv", "certificate"])
def test_an_init_that_is_alone_gives_back_its_token(
    shop: Namespace, cluster: Cluster, tmp_path: Path, secret: Secret
) -> None:
    """Neither a value nor a certificate needs it any more, and no sidecar would end it."""
    pod = alone(VaultPod(shop, cluster, tmp_path, secret))
    outcome = pod.init()

    assert outcome.exit_code == 0
    assert pod.names == [secret.path]
    assert shop.tokens() == {}
    again = pod.init()
    assert again.exit_code == 0
    assert shop.tokens() == {}


def test_an_init_that_is_alone_keeps_the_token_of_a_lease(
    shop: Namespace,
    postgres: Postgres,
    cluster: Cluster,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A job works with the credentials, which would go with it; their end is in the log."""
    shop.database(postgres, ttl="2h")
    pod = alone(VaultPod(shop, cluster, tmp_path, DB, USER, PASSWORD))
    assert pod.init("warning").exit_code == 0
    (line,) = (json.loads(text) for text in capfd.readouterr().err.splitlines())

    assert postgres.admits(pod.read("user"), pod.read("password"))
    assert len(shop.tokens()) == 1
    assert line["reference"] == CREDS
    assert line["lease_ends"] < line["token_ends"]


def test_of_two_logins_the_one_without_a_lease_is_given_back(
    shop: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """Each store's token is looked at for itself."""
    shop.database(postgres)
    shop.jwt_role("web", "shop")
    pod = alone(
        VaultPod(shop, cluster, tmp_path, USER, file("other:secret/prod/db#password", "db"))
    )
    other = replace(pod.store(auth="jwt"), name="other")
    pod.plan = replace(pod.plan, stores=(*pod.plan.stores, other))
    assert pod.init().exit_code == 0

    assert [token["path"] for token in shop.tokens().values()] == ["auth/kubernetes/login"]


def test_a_vault_that_does_not_take_back_holds_nothing_up(
    shop: Namespace, front: VaultWorld, cluster: Cluster, tmp_path: Path
) -> None:
    """Init ends as it would have, and the token by itself."""
    hanging = front.faults.add(faults.latency(3600), on="RevokeToken")
    pod = VaultPod(front.front_of(shop), cluster, tmp_path, DB, DENIED, namespace=shop.path)

    assert pod.init().exit_code == ExitCode.DENIED
    pod.plan = replace(pod.plan, secrets=(DB,), init_only=True)
    assert pod.init().exit_code == 0
    assert pod.read("db") == "s3cret"
    assert hanging.hits == 2


def test_a_worker_that_is_killed_while_it_tells_leaves_its_token_to_the_end(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """It had to log in anew, and the pod ends while the application takes its time."""
    called, over = threading.Event(), threading.Event()

    def script(_sock: socket.socket, _request: bytes) -> bool:
        called.set()
        over.wait(60)
        return False

    with Peer(script) as application:
        told = Action("http", method="POST", url=f"http://127.0.0.1:{application.port}/reload")
        pod = VaultPod(shop, cluster, tmp_path, replace(DB, on_change=told), time=RealTime())
        pod.init()
        (first,) = shop.tokens()
        shop.api.write("auth/token/revoke-accessor", accessor=first)
        shop.put("secret", "prod/db", password="fresh")
        command = [sys.executable, "-m", "injector", "worker", "now"]
        with subprocess.Popen(command, env={**os.environ, **pod.environment}) as worker:
            assert called.wait(60)
            worker.kill()
        over.set()
    (second,) = shop.tokens()
    pod.revoke()

    assert second != first
    assert shop.tokens() == {}
