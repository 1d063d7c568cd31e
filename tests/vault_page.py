"""
The blocks of docs/providers/vault.md, so that what users copy is what the tests have run.

On the page each block stands below a line `<!-- KIND: NAME -->`: `commands` for a shell, `policy`
of Vault, `aws-policy` of IAM, `operator` for the operator's configuration, `pod` for annotations.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from worlds.openbao.binary import binary

if TYPE_CHECKING:
    from worlds.openbao import Namespace

PAGE: Final = Path(__file__).parent.parent / "docs" / "providers" / "vault.md"
LANGUAGES: Final = {
    "commands": "sh",
    "policy": "hcl",
    "aws-policy": "json",
    "operator": "yaml",
    "pod": "yaml",
}
_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<kind>[a-z-]+): (?P<name>[a-z0-9-]+) -->\n)?^```(?P<language>[a-z]+)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks() -> dict[tuple[str, str], str]:
    """
    Give every block's text by kind and name.

    Raises:
        ValueError: when a block has no name, the name of another one, or another language.
    """
    found: dict[tuple[str, str], str] = {}
    for block in _BLOCK.finditer(PAGE.read_text()):
        key = block["kind"], block["name"]
        if LANGUAGES.get(key[0]) != block["language"] or key in found:
            line = block.string.count("\n", 0, block.start()) + 1
            msg = f"{PAGE.name}:{line}: a block needs a kind and a name of its own: {key}"
            raise ValueError(msg)
        found[key] = block["text"]
    return found


def asked_by(name: str) -> dict[str, str]:
    """Give the annotations of a `pod` block."""
    found: dict[str, str] = yaml.safe_load(blocks()["pod", name])
    return found


def operator(name: str) -> dict[str, Any]:
    """Give the keys of an `operator` block."""
    found: dict[str, Any] = yaml.safe_load(blocks()["operator", name])
    return found


class Shell:
    """
    Where an administrator of Vault pastes the page's commands: `vault` is `bao` there.

    Args:
        vault: whom the commands ask, as whoever may do everything.
        folder: of the files that they name.
    """

    def __init__(self, vault: Namespace, folder: Path) -> None:
        self._vault = vault
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "vault").symlink_to(binary())

    def put(self, name: str, text: str) -> None:
        """Write a file."""
        (self._folder / name).write_text(text)

    def commands(self, name: str, **replaced: str) -> str:
        """
        Run a `commands` block; gives what it wrote.

        Args:
            name: of the block.
            replaced: texts to put in the place of others of the page, by name in `PLACES`.
        """
        text = blocks()["commands", name]
        for key, value in replaced.items():
            assert PLACES[key] in text
            text = text.replace(PLACES[key], value)
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", text],
            cwd=self._folder,
            env={
                "PATH": f"{self._folder}:{os.defpath}",
                "HOME": str(self._folder),
                "BAO_ADDR": self._vault.address,
                "BAO_CACERT_BYTES": self._vault.ca_pem,
                "BAO_TOKEN": self._vault.api.token,
                "BAO_NAMESPACE": self._vault.path,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return done.stdout


PLACES: Final = {
    "api_server": "https://kubernetes.acme.io:6443",
    "issuer": "https://kubernetes.default.svc.cluster.local",
    "database": "db.acme.io:5432/postgres",
    "database_password": " password=postgres",
}
"""What stands on the page for a place that every reader has to replace."""
