"""A clock that is put right: what a pod got while it was wrong must not end because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.cycle.pod import file
from tests.injector.vault.pod import VaultPod
from tests.injector.vault.test_leases import CREDS, asked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace
    from worlds.postgres import Postgres


@pytest.mark.parametrize("ahead", [1800.0, 86400.0], ids=["half an hour", "a day"])
def test_token_and_lease_are_renewed_in_time_after_a_clock_that_was_ahead(
    vault: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path, ahead: float
) -> None:
    """By the moments that the wrong clock has noted they would be renewed long after their end."""
    vault.database(postgres, ttl="1h", max_ttl="24h")
    vault.policy("shop", {"database/creds/app": ["read"]})
    vault.kubernetes_role("web", "shop", token_period="15m")
    pod = VaultPod(vault, cluster, tmp_path, file(f"{CREDS}#password", "password"))
    pod.time.now += ahead
    pod.init()
    password = pod.read("password")
    asleep = pod.work()["next"]

    pod.time.now += asleep - ahead
    assert pod.work()["next"] <= 600

    assert asleep <= 600
    assert asked(vault, "auth/token/renew-self") == 1
    assert asked(vault, "sys/leases/renew") == 1
    assert pod.read("password") == password
    assert len(vault.audit.logins()) == 1
