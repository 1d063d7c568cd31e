"""Two identities in one process: whatever they do, neither reads with the other's token."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from injector.contract.stores import Store
from tests.injector.cycle.pod import file
from tests.injector.vault.pod import VaultPod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace


def test_two_roles_of_one_pod_never_cross(
    vault: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Read at the same time and again, each path is read by its own role's token alone."""
    vault.kv("secret")
    names = ("shop", "billing")
    for name in names:
        vault.put("secret", f"{name}/db", password=name)
        vault.policy(name, {f"secret/data/{name}/*": ["read"]})
        vault.kubernetes_role(name, name)
    secrets = [file(f"{name}:secret/{name}/db#password", name) for name in names]
    pod = VaultPod(vault, cluster, tmp_path, *secrets)
    like = pod.plan.stores[0]
    stores = tuple(Store(name, "vault", {**like.settings, "role": name}) for name in names)
    pod.plan = replace(pod.plan, stores=stores)
    before = dict(os.environ)

    assert pod.init().exit_code == 0
    for number in range(3):
        for name in names:
            vault.put("secret", f"{name}/db", password=f"{name}-{number}")
        pod.work(everything=True)
        assert [pod.read(name) for name in names] == [f"{name}-{number}" for name in names]

    logins = {entry.issued: entry.metadata["role"] for entry in vault.audit.logins()}
    assert sorted(logins.values()) == sorted(names)
    for name in names:
        readers = {
            logins[entry.accessor]
            for entry in vault.audit.calls(f"secret/data/{name}/", operation="read")
        }
        assert readers == {name}
    assert dict(os.environ) == before


def test_two_stores_of_one_role_share_a_login(
    vault: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """What only reads differ in is no other identity."""
    vault.kv("secret")
    vault.put("secret", "db", password="s3cret")
    vault.policy("shop", {"secret/data/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    pod = VaultPod(
        vault, cluster, tmp_path, *(file(f"{name}:secret/db#password", name) for name in "ab")
    )
    like = pod.plan.stores[0]
    stores = (Store("a", "vault", like.settings), Store("b", "vault", {**like.settings, "kv": "2"}))
    pod.plan = replace(pod.plan, stores=stores)

    assert pod.init().exit_code == 0
    assert len(vault.audit.logins()) == 1
