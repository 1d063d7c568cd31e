"""
Readers of SOPS' formats: bytes to an encrypted tree with its metadata.

One module a format; `read` finds the right one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid, printable
from injector.sops.limits import check_size
from injector.sops.parse import (
    binary_format,
    dotenv_format,
    ini_format,
    json_format,
    yaml_format,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.sops.parse.encrypted import Encrypted
    from injector.sops.tree import Format

READERS: Final[Mapping[Format, Callable[[bytes], Encrypted]]] = {
    "yaml": yaml_format.read,
    "json": json_format.read,
    "dotenv": dotenv_format.read,
    "ini": ini_format.read,
    "binary": binary_format.read,
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
