"""Dynamic credentials of a real PostgreSQL: one lease a pod, renewed, replaced, given back."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract.plan import Action
from tests.injector.cycle.pod import file
from tests.injector.transport.peer import Peer, reply
from tests.injector.vault.pod import RealTime, VaultPod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld

CREDS = "vault:database/creds/app"
BOTH = (file(f"{CREDS}#username", "user"), file(f"{CREDS}#password", "password"))
RULES = {"database/creds/app": ["read"], "sys/leases/revoke": ["update"]}


def leased(vault: Namespace, postgres: Postgres, ttl: str = "1h", max_ttl: str = "24h") -> None:
    """Let shop/web have credentials of the database."""
    vault.database(postgres, ttl=ttl, max_ttl=max_ttl)
    vault.policy("shop", RULES)
    vault.kubernetes_role("web", "shop", token_ttl="12h", token_max_ttl="24h")


def asked(vault: Namespace, path: str, *, ok: bool = True) -> int:
    """How often pods have asked for a path."""
    return sum(entry.ok is ok for entry in vault.audit.calls(path) if entry.accessor)


def gone(postgres: Postgres, user: str) -> None:
    """Wait until OpenBao has dropped a user, which it does behind its answer."""
    for _ in range(200):
        if user not in postgres.users():
            return
        time.sleep(0.05)
    raise AssertionError(user)


def pair(pod: VaultPod) -> tuple[str, str]:
    """User and password, as an application reads them."""
    return pod.read("user"), pod.read("password")


def test_a_pod_has_one_lease_through_every_restart(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """Init, its repetition and each worker of the sidecar use what the first has got."""
    leased(vault, postgres)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    first = pair(pod)
    pod.work()
    pod.init()
    pod.work_after(60)

    assert postgres.admits(*first)
    assert pair(pod) == first
    assert asked(vault, "database/creds/app") == 1
    assert len(vault.audit.logins()) == 1
    assert len(vault.leases("database/creds/app")) == 1


def test_a_forced_refresh_makes_no_second_lease(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """SIGHUP reads what can be read again."""
    leased(vault, postgres)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    pod.work(everything=True)

    assert asked(vault, "database/creds/app") == 1


def test_a_lease_is_renewed_at_two_thirds_of_its_life(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """By the moment that the worker has told, and nothing is published for it."""
    leased(vault, postgres)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    first, target = pair(pod), (pod.volume() / "..data").readlink()
    for _ in range(3):
        report = pod.work()
        assert 0.5 * 3600 < report["next"] <= 3600 * 2 / 3
        pod.time.now += report["next"]
    pod.work()

    assert asked(vault, "sys/leases/renew") == 3
    assert asked(vault, "database/creds/app") == 1
    assert (pair(pod), (pod.volume() / "..data").readlink()) == (first, target)


def test_a_lease_at_its_maximum_leads_to_new_credentials_before_it_ends(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """User and password change together, the application is told once, the old user goes."""
    leased(vault, postgres, ttl="4s", max_ttl="6s")
    with Peer(reply(b"")) as application:
        told = Action("http", method="POST", url=f"http://127.0.0.1:{application.port}/reload")
        secrets = [replace(secret, on_change=told) for secret in BOTH]
        pod = VaultPod(vault, cluster, tmp_path, *secrets, time=RealTime())
        pod.init()
        first = pair(pod)
        while pair(pod) == first:
            assert postgres.admits(*first), "it ended before its successor was there"
            pod.time.sleep(pod.work()["next"])
            pod.work()

        assert postgres.admits(*pair(pod))
        gone(postgres, first[0])
        assert len(application.requests) == 1
    assert len(vault.leases("database/creds/app")) == 1


def test_a_lease_that_nobody_may_give_back_ends_by_itself(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """The policy does not allow it: it is asked once, and the pod goes on."""
    leased(vault, postgres, ttl="3s", max_ttl="3s")
    vault.policy("shop", {"database/creds/app": ["read"]})
    pod = VaultPod(vault, cluster, tmp_path, *BOTH, time=RealTime())
    pod.init()
    first = pair(pod)
    while pair(pod) == first:
        pod.time.sleep(pod.work()["next"])
        pod.work()
    pod.work()

    assert asked(vault, "sys/leases/revoke", ok=False) == 1
    assert postgres.admits(*pair(pod))


def test_a_token_at_its_maximum_leads_to_a_new_login_and_new_credentials(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """For its leases end with it; the old token is given back after the switch."""
    leased(vault, postgres)
    vault.kubernetes_role("web", "shop", token_ttl="4s", token_max_ttl="6s")
    pod = VaultPod(vault, cluster, tmp_path, *BOTH, time=RealTime())
    pod.init()
    first = pair(pod)
    while pair(pod) == first:
        assert postgres.admits(*first)
        pod.time.sleep(pod.work()["next"])
        pod.work()

    assert postgres.admits(*pair(pod))
    gone(postgres, first[0])
    assert (len(vault.tokens()), len(vault.leases("database/creds/app"))) == (1, 1)
    assert asked(vault, "auth/token/renew-self") >= 1


def test_a_token_is_renewed_for_ever_while_it_can_be(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """Whoever has a lease wakes for it, in time, and stays one token."""
    leased(vault, postgres)
    vault.kubernetes_role("web", "shop", token_ttl="60s", token_period="60s")
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    for _ in range(20):
        report = pod.work()
        assert report["next"] <= 40
        pod.time.now += report["next"]
    pod.work()

    assert len(vault.audit.logins()) == 1
    assert asked(vault, "auth/token/renew-self") == 20
    assert asked(vault, "database/creds/app") == 1
    assert len(vault.tokens()) == 1


def test_a_token_that_somebody_has_revoked_is_replaced(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """A 403 is looked into: the credentials of the old one are no more, and new ones are got."""
    leased(vault, postgres)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    first = pair(pod)
    for accessor in vault.tokens():
        vault.api.write("auth/token/revoke-accessor", accessor=accessor)
    gone(postgres, first[0])
    pod.work_after(pod.work()["next"])

    assert pair(pod) != first
    assert postgres.admits(*pair(pod))
    assert len(vault.audit.logins()) == 2


def test_a_lease_that_somebody_has_revoked_is_replaced(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """At the next renewal, with the same token."""
    leased(vault, postgres)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    first = pair(pod)
    vault.revoke("database/creds/app")
    pod.work_after(pod.work()["next"])

    assert pair(pod) != first
    assert postgres.admits(*pair(pod))
    assert len(vault.audit.logins()) == 1


def test_an_outage_at_a_renewal_keeps_the_files_and_is_over_in_time(
    vault: Namespace,
    front: VaultWorld,
    postgres: Postgres,
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    """It is tried again long before the lease ends, and there is no other user afterwards."""
    leased(vault, postgres)
    pod = VaultPod(front.front_of(vault), cluster, tmp_path, *BOTH, namespace=vault.path)
    pod.init()
    first = pair(pod)
    due = pod.work()["next"]
    front.go_down()
    report = pod.work_after(due)
    for _ in range(3):
        assert pair(pod) == first
        assert report["next"] <= 3600 / 8
        report = pod.work_after(report["next"])
    front.come_back()
    pod.work_after(report["next"])

    assert pair(pod) == first
    assert asked(vault, "sys/leases/renew") == 1
    assert postgres.admits(*first)


def test_everything_is_given_back_at_the_end_of_the_pod(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """The token, and with it the lease and the user of the database."""
    leased(vault, postgres)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    pod.init()
    assert pod.work()["revoke"] == 1
    user, _ = pair(pod)
    pod.revoke()

    assert vault.tokens() == {}
    gone(postgres, user)


def test_the_end_of_a_pod_with_a_vault_that_is_down_is_quiet(
    vault: Namespace,
    front: VaultWorld,
    postgres: Postgres,
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    """Short lives of tokens are the guarantee, not the giving back."""
    leased(vault, postgres)
    pod = VaultPod(front.front_of(vault), cluster, tmp_path, *BOTH, namespace=vault.path)
    pod.init()
    front.go_down()
    pod.revoke()

    assert len(vault.tokens()) == 1
    assert postgres.admits(*pair(pod))


@pytest.mark.parametrize("token_type", ["batch", "service"])
def test_a_token_of_either_type_works(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path, token_type: str
) -> None:
    """A batch token cannot be renewed: a new login comes before its end, with new credentials."""
    leased(vault, postgres)
    vault.kubernetes_role("web", "shop", token_ttl="1h", token_type=token_type)
    pod = VaultPod(vault, cluster, tmp_path, *BOTH)
    assert pod.init().exit_code == 0
    first = pair(pod)
    for _ in range(3):
        pod.work_after(pod.work()["next"])

    assert (pair(pod) == first) is (token_type == "service")
    assert postgres.admits(*pair(pod))
