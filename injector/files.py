"""
Set-atomic publication on a shared volume, and private files of our own.

A complete new directory is written first; one rename of the `..data` link then switches every file
at once, as the kubelet does it in its own volumes. Whatever fails, the old set stays as it was.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from injector.material import RenderedFile


def publish(
    directory: Path,
    files: Sequence[RenderedFile],
    *,
    clock: Callable[[], float] = time.time,
    step: Callable[[str], None] = lambda _: None,
) -> bool:
    """
    Make `files` the whole content of a volume, in one switch.

    The replaced set stays beside the new one for readers that are just opening its files; call
    `sweep` at the end of the cycle (the next publication does so as well).

    Args:
        directory: where the volume is mounted; it must exist.
        files: the complete set; paths are checked again.
        clock: seconds since the epoch, for the name of the set.
        step: called with a word after each change to the volume; tests stop there.

    Returns:
        Whether anything changed; equal content and modes touch nothing.

    Raises:
        PublicationError: `disk-full`, `write-failed`, `unsafe-path` or `name-collision`.
    """
    raise NotImplementedError


def differs(directory: Path, files: Sequence[RenderedFile]) -> bool:
    """
    Whether `publish` would switch: something to note down before it happens.

    Raises:
        PublicationError: as `publish`.
    """
    raise NotImplementedError


def sweep(directory: Path) -> None:
    """Remove every set but the current one; what cannot be removed is left to the next time."""
    raise NotImplementedError


def write_private(path: Path, data: bytes) -> None:
    """
    Write a file that only we may read (0600), by rename: the snapshot, the state.

    Raises:
        PublicationError: `disk-full` or `write-failed`; the old file is intact.
    """
    raise NotImplementedError


def read_private(path: Path, limit: int) -> bytes | None:
    """
    Read a private file of at most `limit` bytes.

    Returns:
        None when there is none, or when it is not ours alone (a link, another owner, a mode that
        lets others read or write, too large).
    """
    raise NotImplementedError
