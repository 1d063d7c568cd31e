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

READERS: Final[Mapping[str, Callable[[bytes], Encrypted]]] = {
    "yaml": yaml_format.read,
    "json": json_format.read,
    "dotenv": dotenv_format.read,
    "ini": ini_format.read,
    "binary": binary_format.read,
}
"""By the names that `sops --input-type` takes."""


def read(data: bytes, name: str) -> Encrypted:
    """
    Read a document.

    Args:
        data: the whole file.
        name: one of `READERS`.

    Raises:
        SopsError: when it is too large, no such format, or has no metadata.
    """
    reader = READERS.get(name)
    if reader is None:
        msg = f"`{printable(name)}` is no format of SOPS; there are {', '.join(READERS)}"
        raise invalid(msg)
    check_size(data)
    return reader(data)
