"""What every format is read into: the encrypted tree, and the metadata beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid
from injector.sops.tree import Branch, Comment, Entry

if TYPE_CHECKING:
    from injector.sops.metadata import Metadata
    from injector.sops.tree import Documents

METADATA_KEY: Final = "sops"
BINARY_KEY: Final = "data"
"""The one key of a binary file's envelope."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A SOPS document as it stands in its file, without the `sops` entries."""

    documents: Documents
    metadata: Metadata


def split(branch: Branch) -> tuple[Branch, Branch | None]:
    """Take the `sops` entry out of a document; `None` when there is none."""
    kept: list[Entry | Comment] = []
    metadata = None
    for item in branch.items:
        if isinstance(item, Entry) and item.key == METADATA_KEY:
            if not isinstance(item.value, Branch):
                msg = "the `sops` entry is no mapping"
                raise invalid(msg, path=(METADATA_KEY,))
            metadata = item.value
        else:
            kept.append(item)
    return Branch(tuple(kept)), metadata


def decode(data: bytes) -> str:
    """
    Read UTF-8.

    Raises:
        SopsError: with the line of the first byte that is none.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        msg = "the document is not UTF-8"
        raise invalid(msg, line=data.count(b"\n", 0, exc.start) + 1) from None
