"""
The peer of Vault's init container and sidecar: `bao agent`, configured as vault-k8s configures it.

Auto-auth with the pod's projected token, a sink for its token, one template for each secret. The
same files come out of it as out of ours.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.vault_world import ENGINE, ROLE
from benchmarks.world import secret
from worlds.openbao.binary import binary

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.scene import Scene

AUDIENCE: Final = "vault"
_TEMPLATE: Final = (
    '{{{{ with secret "{path}" }}}}username={{{{ .Data.data.username }}}}\n'
    "password={{{{ .Data.data.password }}}}\n{{{{ end }}}}"
)


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, ready to be started."""

    command: list[str]
    environment: dict[str, str]
    secrets: Path
    """Where its files come to lie."""


def place(scene: Scene, root: Path, secrets: int, *, stays: bool = False) -> Agent:
    """
    Write token and configuration of an agent.

    Args:
        scene: whose Vault it asks.
        root: a folder that is not there yet.
        secrets: number of its templates.
        stays: whether it goes on after the files are there, as a sidecar does.
    """
    out = root / "secrets"
    out.mkdir(parents=True)
    token = root / "token"
    token.write_text(scene.mint(AUDIENCE))
    login = {
        "type": "kubernetes",
        "mount_path": "auth/kubernetes",
        "config": {"role": ROLE, "token_path": str(token)},
    }
    sink = {"type": "file", "config": {"path": str(root / "vault-token")}}
    config = {
        "vault": {"address": scene.about["address"], "ca_cert": str(scene.world_ca)},
        "exit_after_auth": not stays,
        "auto_auth": {"method": login, "sink": [sink]},
        "template_config": {"exit_on_retry_failure": True},
        "template": [
            {
                "contents": _TEMPLATE.format(path=f"{ENGINE}/data/{secret(number)}"),
                "destination": str(out / f"s{number:02}"),
            }
            for number in range(secrets)
        ],
    }
    path = root / "agent.json"
    path.write_text(json.dumps(config))
    environment = {"HOME": str(root), "PATH": os.defpath}
    return Agent([binary(), "agent", f"-config={path}"], environment, out)
