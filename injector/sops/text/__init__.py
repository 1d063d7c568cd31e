"""
From a decrypted tree to the bytes that `sops -d` prints. Pure.

The rules are those of SOPS 3.11 and of what it writes with: go-yaml v3.0.4 (go.yaml.in), Go's
encoding/json, go-ini v1.67. Errors name the path of a key, never a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.text import binary, capacity, dotenv, ini, jsontext, yamltext
from injector.sops.text.errors import SopsTextError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.sops.tree import Documents, Format

__all__ = ["SopsTextError", "emit"]

_EMITTERS: Final[Mapping[Format, Callable[[Documents], bytes]]] = {
    "yaml": yamltext.emit,
    "json": jsontext.emit,
    "dotenv": dotenv.emit,
    "ini": ini.emit,
    "binary": binary.emit,
}


def emit(documents: Documents, format: Format) -> bytes:  # noqa: A002 - SOPS' own word for it
    """
    Write a tree as its format is written by `sops -d`.

    Args:
        documents: the decrypted tree, without the metadata.
        format: of the document that it came from.

    Raises:
        SopsTextError: `decode-failed` for what the format cannot hold, `not-a-mapping` for a
            value where INI has a section, `output-too-large` above 1 MiB or 64 levels.
    """
    capacity.check(documents)
    return _EMITTERS[format](documents)
