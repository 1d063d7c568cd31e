"""
From a decrypted tree to the bytes that `sops -d` prints. Pure.

The rules are those of SOPS 3.11 and of what it writes with: go-yaml v3.0.4 (go.yaml.in), Go's
encoding/json, go-ini v1.67. Errors name the path of a key, never a value. A format's module is
imported when a document is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.text import capacity
from injector.sops.text.errors import SopsTextError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.sops.tree import Documents, Format

__all__ = ["SopsTextError", "emit"]


def _yaml(documents: Documents) -> bytes:
    from injector.sops.text import yamltext  # noqa: PLC0415 - paid by use

    return yamltext.emit(documents)


def _json(documents: Documents) -> bytes:
    from injector.sops.text import jsontext  # noqa: PLC0415 - paid by use

    return jsontext.emit(documents)


def _dotenv(documents: Documents) -> bytes:
    from injector.sops.text import dotenv  # noqa: PLC0415 - paid by use

    return dotenv.emit(documents)


def _ini(documents: Documents) -> bytes:
    from injector.sops.text import ini  # noqa: PLC0415 - paid by use

    return ini.emit(documents)


def _binary(documents: Documents) -> bytes:
    from injector.sops.text import binary  # noqa: PLC0415 - paid by use

    return binary.emit(documents)


_EMITTERS: Final[Mapping[Format, Callable[[Documents], bytes]]] = {
    "yaml": _yaml,
    "json": _json,
    "dotenv": _dotenv,
    "ini": _ini,
    "binary": _binary,
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
