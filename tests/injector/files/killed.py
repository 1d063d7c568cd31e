"""
A publication that is killed at every step: `killed.py publish|private ROOT`.

A fresh child publishes into a fresh volume, and ends itself by SIGKILL before its n-th call into
the interpreter's C code, for n = 1, 2, … until one lives to its end. Every system call is one of
those calls. The volumes `ROOT/<n>` are left as they were found.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path

from injector import files
from injector.material import Material, RenderedFile

OLD = {"same": "old", "shared/x": "old", "becomes": "old", "gone/y": "old"}
NEW = {"same": "new", "shared/x": "new", "becomes/inner": "new", "fresh": "new"}


def made(contents: dict[str, str]) -> list[RenderedFile]:
    """Make the files of a publication."""
    return [RenderedFile(path, Material(text.encode())) for path, text in contents.items()]


def write(kind: str, volume: Path, contents: dict[str, str]) -> None:
    """Publish a set, or write a private file."""
    if kind == "publish":
        files.publish(volume, made(contents))
        files.sweep(volume)
    else:
        files.write_private(volume / "state", "".join(contents.values()).encode())


def die_at(number: int) -> None:
    """End this process before the n-th call from now on."""
    calls = count(1)

    def profile(_frame: object, event: str, _call: object) -> None:
        if event == "c_call" and next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(profile)


def main(kind: str, root: Path) -> None:
    """Kill one child after another."""
    for number in count(1):
        volume = root / str(number)
        volume.mkdir()
        write(kind, volume, OLD)
        child = os.fork()
        if child == 0:
            die_at(number)
            write(kind, volume, NEW)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
