"""
A volume that is full, and then read-only: `full.py ROOT`.

In a mount name space of its own (`unshare --user --map-root-user --mount`) the volume is a tmpfs of
64 KiB; where none may be mounted, the kernel refuses files of more than 48 KiB instead.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from injector import files
from injector.errors import PublicationError
from injector.material import Material, RenderedFile
from tests.injector.files.volume import ours, seen, sets

LIMIT = 48 * 1024


def publish(volume: Path, size: int) -> str:
    """Publish two files, one of that size; gives what went wrong."""
    wanted = {"small": b"s" * 10, "deep/large": b"l" * size}
    try:
        made = [RenderedFile(path, Material(data)) for path, data in wanted.items()]
        files.publish(volume, made)
        files.sweep(volume)
    except PublicationError as exc:
        return f"{exc.reason}: {exc}"
    return ""


def write(volume: Path, size: int) -> str:
    """Write a private file of that size; gives what went wrong."""
    try:
        files.write_private(volume / "state", b"x" * size)
    except PublicationError as exc:
        return f"{exc.reason}: {exc}"
    return ""


def look(volume: Path) -> dict[str, object]:
    """Describe what is there."""
    sizes = {path: len(text) for path, text in seen(volume).items()}
    return {"sizes": sizes, "sets": len(sets(volume)), "ours": ours(volume)}


def main(root: Path) -> None:
    """Fill the volume, empty it again, and make it read-only."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(root)]
    mounted = subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode == 0
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    story = [(publish(root, size), look(root)) for size in (4000, 100_000, 8000)]
    files.publish(root, [])
    files.sweep(root)
    story += [(write(root, size), look(root)) for size in (4000, 100_000, 8000)]
    if mounted:
        remount = ["mount", "-o", "remount,ro", str(root)]
        subprocess.run(remount, check=True)
    else:
        root.chmod(0o555)
    story.append((publish(root, 4000), look(root)))
    story.append((write(root, 4000), look(root)))
    print(json.dumps(story))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
