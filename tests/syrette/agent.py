"""The real agent of OpenBao, which renders templates of consul-template once and ends."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from worlds.openbao.binary import binary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from worlds.openbao import OpenBao

_MOUNTS: Final = {"secret": 2, "team/kv": 2, "kv": 1, "database": 1, "pki": 1}
"""Engines of the cases, all of them KV of one version: what is read is what was written."""
_PATH: Final = re.compile(rf"([\"`] ?/?)({'|'.join(_MOUNTS)})/")


class Agent:
    """
    Templates and their secrets, each with mounts of its own.

    Args:
        server: where the secrets are.
        folder: for the agent's configuration and the files.
    """

    def __init__(self, server: OpenBao, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._templates: list[dict[str, str]] = []

    def add(self, template: str, delimiters: Sequence[str], secrets: Mapping[str, Any]) -> None:
        """Write the secrets, by reference of ours without the store, and take the template."""
        number = len(self._templates)
        mounted: set[str] = set()
        for reference, fields in secrets.items():
            path, _, query = reference.partition("?")
            mount = next(name for name in _MOUNTS if path.startswith(f"{name}/"))
            place = f"m{number}-{mount}"
            if place not in mounted:
                self._server.root.kv(place, _MOUNTS[mount])
                mounted.add(place)
            for _ in range(int(query.partition("=")[2] or 1)):
                self._server.root.put(place, quote(path.removeprefix(f"{mount}/")), **fields)
        contents = _PATH.sub(rf"\g<1>m{number}-\g<2>/", template)
        self.take(contents, delimiters)

    def take(self, template: str, delimiters: Sequence[str] = ("{{", "}}")) -> None:
        """Take a template as it is."""
        self._templates.append(
            {
                "contents": template,
                "destination": str(self._folder / str(len(self._templates))),
                "left_delimiter": delimiters[0],
                "right_delimiter": delimiters[1],
            }
        )

    def files(self) -> list[bytes]:
        """Render all of them, as the injector's init container does; in the order of `add`."""
        token = self._folder / "token"
        token.write_text(self._server.root.api.token)
        # Lists, since an object with a single key is a label to the agent's reader.
        method = {"type": "token_file", "config": [{"token_file_path": str(token)}]}
        config = {
            "vault": {"address": self._server.address, "ca_cert": str(self._server.ca_path)},
            "auto_auth": [{"method": [method]}],
            "template": self._templates,
            "template_config": {"exit_on_retry_failure": True},
            "exit_after_auth": True,
        }
        file = self._folder / "agent.json"
        file.write_text(json.dumps(config))
        done = subprocess.run(
            [binary(), "agent", f"-config={file}"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return [(self._folder / str(n)).read_bytes() for n in range(len(self._templates))]
