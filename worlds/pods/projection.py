"""
Files of a volume as the kubelet writes them: a new directory, then one rename of `..data`.

Source: pkg/volume/util/atomic_writer.go. A reader never sees half of a rotation.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA: Final = "..data"
_NEW: Final = "..data_tmp"
DEFAULT_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume."""

    content: bytes
    mode: int = DEFAULT_MODE


def write(volume: Path, files: Mapping[str, File]) -> None:
    """
    Make `files` the content of a volume, in one switch.

    Args:
        volume: its directory.
        files: by path relative to it, without `..`.
    """
    replaced = volume / (volume / DATA).readlink() if (volume / DATA).is_symlink() else None
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
    payload = Path(tempfile.mkdtemp(prefix=stamp, dir=volume))
    payload.chmod(0o755)
    for path, file in files.items():
        target = payload / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    (volume / _NEW).symlink_to(payload.name)
    (volume / _NEW).rename(volume / DATA)
    for top in {path.partition("/")[0] for path in files}:
        if not (volume / top).is_symlink():
            (volume / top).symlink_to(f"{DATA}/{top}")
    if replaced is not None:
        shutil.rmtree(replaced)
