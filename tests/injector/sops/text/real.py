"""What the real `sops` prints: asked with many cases in one document, since a call takes 0.2 s."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from injector.sops.tree import Branch, Entry, Listing, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.sops.tree import Documents, Format, Node

_BINARY = Path(sys.executable).with_name("sops")
Plain = str | float | bool | list["Plain"] | dict[str, "Plain"] | None
"""JSON, in which every number is a float as SOPS 3.11 reads it."""


@dataclass(frozen=True, slots=True)
class Sops:
    """The binary, a directory for its files, and the two halves of a key."""

    directory: Path
    recipient: str
    identity: str = field(repr=False)

    def again(self, text: bytes, format: Format) -> bytes:  # noqa: A002 - SOPS' own word for it
        """Encrypt a text and decrypt it: what SOPS makes of it."""
        return self._decrypt(self._encrypt(text, format), format, format)

    def printed(self, document: Mapping[str, Plain], format: Format) -> bytes:  # noqa: A002 - SOPS' own word for it
        """Print the very tree of a JSON document in another format."""
        encrypted = self._encrypt(json.dumps(document).encode(), "json")
        return self._decrypt(encrypted, "json", format)

    def _encrypt(self, text: bytes, format: Format) -> bytes:  # noqa: A002 - SOPS' own word for it
        types = ["--input-type", format, "--output-type", format]
        return self._run("encrypt", ["--age", self.recipient, *types], text)

    def _decrypt(self, text: bytes, stored: Format, printed: Format) -> bytes:
        return self._run("decrypt", ["--input-type", stored, "--output-type", printed], text)

    def _run(self, command: str, options: list[str], text: bytes) -> bytes:
        file = self.directory / command
        file.write_bytes(text)
        environment = {"SOPS_AGE_KEY": self.identity, "HOME": str(self.directory)}
        arguments = [str(_BINARY), command, *options, str(file)]
        ran = subprocess.run(arguments, env=environment, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr.decode()
        return ran.stdout


def tree(document: Mapping[str, Plain]) -> Documents:
    """Make the tree that SOPS makes of the same JSON document."""
    return (Branch(tuple(Entry(key, _node(value)) for key, value in document.items())),)


def _node(value: Plain) -> Node:
    match value:
        case dict():
            return tree(value)[0]
        case list():
            return Listing(tuple(map(_node, value)))
        case bool() | None | str():
            return Scalar(value)
        case _:
            return Scalar(float(value))
