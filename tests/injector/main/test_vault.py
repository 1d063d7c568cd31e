"""The end of a pod with secrets of Vault: real processes, a real server, nothing left in it."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.injector.cycle.pod import file
from tests.injector.main.test_programs import command, run
from tests.injector.main.test_sidecar import Sidecar
from tests.injector.supervisor.process import PATIENCE, ROOT, SCRIPT, eventually
from tests.injector.vault.pod import VaultPod
from worlds import faults

if TYPE_CHECKING:
    from tests.openbao import Cluster
    from worlds.openbao import Namespace
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld

DB = file("vault:secret/prod/db#password", "db")
USER = file("vault:database/creds/app#username", "user")
# As supervisor.py, on a machine that may be too busy to start a process within 1.5 s.
_PATIENT = f"""
import os, sys
sys.path.append({str(ROOT)!r})
from injector.supervision import Supervisor
directory = os.environ["SYRETTE_ROOT"] + "/run/syrette/session"
sys.exit(Supervisor(sys.argv[1:], dict(os.environ), directory, revoke_seconds={PATIENCE}).run())
"""
HANGING = 600.0
"""Seconds: longer than any test waits."""


@pytest.fixture
def shop(vault: Namespace, postgres: Postgres) -> Namespace:
    """A secret and a database, which shop/web may read."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="first")
    vault.database(postgres)
    vault.policy("shop", {"secret/data/prod/*": ["read"], "database/creds/app": ["read"]})
    vault.kubernetes_role("web", "shop", token_ttl="12h", token_max_ttl="24h")
    return vault


def started(pod: VaultPod) -> VaultPod:
    """Run init, as the kubelet does."""
    done = run(pod.environment, "init")
    assert done.returncode == 0, done.stderr
    return pod


def running(pod: VaultPod, script: tuple[str, ...] = ()) -> Sidecar:
    """Start the sidecar, and wait until it listens to signals."""
    sidecar = Sidecar(pod, script or ("-c", _PATIENT))
    status = Path(f"/proc/{sidecar.process.pid}/status")

    def listens() -> bool:
        caught = next(line for line in status.read_text().splitlines() if line[:6] == "SigCgt")
        return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)

    eventually(listens)
    return sidecar


def test_sigterm_gives_back_token_and_lease(
    shop: Namespace, postgres: Postgres, cluster: Cluster, tmp_path: Path
) -> None:
    """The supervisor ends when they are gone."""
    pod = started(VaultPod(shop, cluster, tmp_path, DB, USER))
    with running(pod) as sidecar:
        assert len(shop.tokens()) == 1

        assert sidecar.stop(signal.SIGTERM) == 0
    assert shop.tokens() == {}
    eventually(lambda: pod.read("user") not in postgres.users())


def test_a_vault_that_hangs_does_not_keep_the_pod(
    shop: Namespace, front: VaultWorld, cluster: Cluster, tmp_path: Path
) -> None:
    """The end comes all the same, and the token ends by itself."""
    vault = front.front_of(shop)
    pod = started(VaultPod(vault, cluster, tmp_path, DB, namespace=shop.path))
    front.faults.add(faults.latency(HANGING))
    with running(pod, (str(SCRIPT),)) as sidecar:
        assert sidecar.stop(signal.SIGTERM) == 0


def test_a_classic_sidecar_keeps_its_token_while_the_application_drains(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Both get SIGTERM at once: it still reads with it, and gives it back near the end."""
    pod = VaultPod(shop, cluster, tmp_path, DB)
    pod.plan = replace(pod.plan, classic=True, grace_period=3600.0)
    with running(started(pod)) as sidecar:
        sidecar.process.send_signal(signal.SIGTERM)
        shop.put("secret", "prod/db", password="second")
        sidecar.process.send_signal(signal.SIGHUP)
        eventually(lambda: pod.read("db") == "second")
        tokens = len(shop.tokens())

        assert sidecar.stop(signal.SIGTERM) == 0  # who asks twice is not told to be patient
    assert tokens == 1
    assert len(shop.audit.logins()) == 1
    assert shop.tokens() == {}


def test_a_classic_sidecar_gives_back_before_the_grace_period_ends(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """By itself, five seconds before the kubelet kills it."""
    pod = VaultPod(shop, cluster, tmp_path, DB)
    pod.plan = replace(pod.plan, classic=True, grace_period=6.0)
    with running(started(pod)) as sidecar:
        assert sidecar.stop(signal.SIGTERM) == 0
    assert shop.tokens() == {}


def test_init_that_is_ended_gives_back_what_it_holds(
    shop: Namespace, front: VaultWorld, cluster: Cluster, tmp_path: Path
) -> None:
    """A pod that is deleted while one of its secrets cannot be had leaves no token."""
    vault = front.front_of(shop)
    pod = VaultPod(vault, cluster, tmp_path, DB, namespace=shop.path)
    hanging = front.faults.add(faults.latency(HANGING), on="secret.Read")
    with subprocess.Popen(command("init"), env=pod.environment, stderr=-3) as process:
        eventually(lambda: hanging.hits)
        tokens = len(shop.tokens())
        process.terminate()

        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert tokens == 1
    assert shop.tokens() == {}


def test_init_that_is_ended_twice_does_not_wait(
    shop: Namespace, front: VaultWorld, cluster: Cluster, tmp_path: Path
) -> None:
    """A Vault that hangs holds up nobody who insists."""
    vault = front.front_of(shop)
    pod = VaultPod(vault, cluster, tmp_path, DB, namespace=shop.path)
    hanging = front.faults.add(faults.latency(HANGING))
    with subprocess.Popen(command("init"), env=pod.environment, stderr=-3) as process:
        eventually(lambda: hanging.hits)
        process.terminate()
        time.sleep(0.1)
        process.terminate()

        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
