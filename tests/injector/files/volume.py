"""A volume as an application sees it, and sets of files to publish into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract import names
from injector.material import Material, RenderedFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def rendered(contents: Mapping[str, str], mode: int = 0o444) -> list[RenderedFile]:
    """Make the files of one publication."""
    return [RenderedFile(path, Material(text.encode()), mode) for path, text in contents.items()]


def seen(volume: Path) -> dict[str, str]:
    """Give every file that an application can read under the names at the top."""
    found: dict[str, str] = {}
    for entry in volume.iterdir():
        if entry.name.startswith(".."):
            continue
        below = entry.rglob("*") if entry.is_dir() else [entry]
        files = [path for path in below if path.is_file()]
        found |= {str(path.relative_to(volume)): path.read_text() for path in files}
    return found


def current(volume: Path) -> dict[str, str]:
    """Give every file of the set that is published."""
    data = volume / names.PAYLOAD_LINK
    files = (path for path in data.rglob("*") if path.is_file())
    return {str(path.relative_to(data)): path.read_text() for path in files}


def sets(volume: Path) -> list[str]:
    """Give the names of all sets that are there, published or not."""
    return sorted(path.name for path in volume.iterdir() if path.name.startswith("..2"))


def ours(volume: Path) -> list[str]:
    """Give what of our own making is there beside the sets."""
    found = (path.name for path in volume.iterdir() if path.name.startswith(".."))
    return sorted(name for name in found if not name.startswith("..2"))
