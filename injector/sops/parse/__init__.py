"""
Readers of SOPS' formats: bytes to an encrypted tree with its metadata.

One module a format, imported when a document is in it: only YAML pays for its library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid, printable
from injector.sops.limits import check_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.sops.parse.encrypted import Encrypted
    from injector.sops.tree import Format


def _yaml(data: bytes) -> Encrypted:
    from injector.sops.parse import yaml_format  # noqa: PLC0415 - paid by use

    return yaml_format.read(data)


def _json(data: bytes) -> Encrypted:
    from injector.sops.parse import json_format  # noqa: PLC0415 - paid by use

    return json_format.read(data)


def _dotenv(data: bytes) -> Encrypted:
    from injector.sops.parse import dotenv_format  # noqa: PLC0415 - paid by use

    return dotenv_format.read(data)


def _ini(data: bytes) -> Encrypted:
    from injector.sops.parse import ini_format  # noqa: PLC0415 - paid by use

    return ini_format.read(data)


def _binary(data: bytes) -> Encrypted:
    from injector.sops.parse import binary_format  # noqa: PLC0415 - paid by use

    return binary_format.read(data)


READERS: Final[Mapping[Format, Callable[[bytes], Encrypted]]] = {
    "yaml": _yaml,
    "json": _json,
    "dotenv": _dotenv,
    "ini": _ini,
    "binary": _binary,
}


def format_named(name: str) -> Format:
    """
    Give the format that is called so.

    Raises:
        SopsError: when none is.
    """
    match name:
        case "yaml" | "json" | "dotenv" | "ini" | "binary":
            return name
        case _:
            msg = f"`{printable(name)}` is no format of SOPS; there are {', '.join(READERS)}"
            raise invalid(msg)


def read(data: bytes, format: Format) -> Encrypted:  # noqa: A002 - SOPS' own word for it
    """
    Read a document.

    Args:
        data: the whole file.
        format: what it is read as.

    Raises:
        SopsError: when it is too large, not of this format, or has no metadata.
    """
    check_size(data)
    return READERS[format](data)
