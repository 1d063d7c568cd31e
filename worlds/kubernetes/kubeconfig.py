"""The file that clients of the world read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, server: str, ca_pem: str, token: str) -> None:
    """Write `kubeconfig` and `ca.crt` into a folder, for one user with a token."""
    (folder / "ca.crt").write_text(ca_pem)
    cluster = {"server": server, "certificate-authority": str(folder / "ca.crt")}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "world", "cluster": cluster}],
        "users": [{"name": "world", "user": {"token": token}}],
        "contexts": [{"name": "world", "context": {"cluster": "world", "user": "world"}}],
        "current-context": "world",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
