"""A pod whose secrets are in the real OpenBao: its projected token, volumes and programs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from injector import worker
from injector.contract import names
from injector.contract.plan import Plan
from injector.contract.stores import Store
from injector.diagnostics import Log
from tests.injector.cycle.pod import Pod, Time, machine

if TYPE_CHECKING:
    from pathlib import Path

    from injector.contract.plan import Secret
    from tests.openbao import Cluster
    from worlds.openbao import Namespace


class RealTime(Time):
    """The machine's own time, for what a server does by its own clock."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def __call__(self) -> float:
        """Give the present moment."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class VaultPod(Pod):
    """
    The pod `shop/web`, which logs in with the role `web`.

    Args:
        vault: the namespace with its secrets.
        cluster: projects its token.
        root: a folder for its volumes.
        secrets: of its plan.
        time: virtual, from now on, if it is not given.
        settings: of its store, spelled with `_`.
    """

    def __init__(
        self,
        vault: Namespace,
        cluster: Cluster,
        root: Path,
        *secrets: Secret,
        time: Time | None = None,
        **settings: Any,  # noqa: ANN401 - of a store
    ) -> None:
        self.vault = vault
        self.cluster = cluster
        self.root = root
        self.time = time or Time(RealTime()())
        self.plan = Plan(
            secrets=secrets,
            stores=(self.store(**settings),),
            volumes=tuple(sorted({volume for secret in secrets for volume in secret.volumes})),
            ca_bundle=vault.ca_pem,
        )
        self.prepare()

    def store(self, **settings: Any) -> Store:  # noqa: ANN401 - of a store
        """Give the store as admission leaves it."""
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        ours = {
            "address": self.vault.address,
            "auth": "kubernetes",
            "auth-mount": given.get("auth", "kubernetes"),
            "role": "web",
            "audience": "vault",
            "namespace": self.vault.path,
        }
        made = {name: value for name, value in (ours | given).items() if value}
        return Store("vault", "vault", made)

    def rotate_token(self) -> None:
        """Project a new token, as the kubelet does."""
        self.project(self.cluster.token())

    def project(self, token: str, audience: str = "vault") -> None:
        """Write a token where the kubelet does."""
        folder = self.root / names.TOKEN_DIRECTORY[1:]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / names.token_file(audience)).write_text(token + "\n")

    def revoke(self) -> None:
        """Run what the supervisor runs at the end."""
        with machine(self.time) as here:
            worker.revoke(self.settings, Log("error"), here)
