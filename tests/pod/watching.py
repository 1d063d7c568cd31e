"""Looks at command lines and environments of a pod's processes while they run."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PAUSE: Final = 0.02
"""Seconds between looks; the shortest of our processes lives a tenth of a second."""


class Watch:
    """
    Collects what `ps` could show of some processes, from a thread of its own.

    Args:
        leaders: process ids, asked for at each look; whatever is in their sessions is looked at.
    """

    def __init__(self, leaders: Callable[[], Iterable[int | None]]) -> None:
        self._leaders = leaders
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.command_lines: set[str] = set()
        self.environments: set[str] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def text(self) -> str:
        """Everything that was seen."""
        return "\n".join([*self.command_lines, *self.environments])

    def _run(self) -> None:
        while not self._over.is_set():
            leaders = set(self._leaders())
            for entry in Path("/proc").iterdir():
                with suppress(OSError, ValueError):  # no process, or one that ended
                    pid = int(entry.name)
                    if leaders & {pid, os.getsid(pid)}:
                        self.command_lines.add(_read(entry / "cmdline"))
                        self.environments.add(_read(entry / "environ"))
            time.sleep(_PAUSE)


def _read(path: Path) -> str:
    return path.read_bytes().replace(b"\0", b"\n").decode(errors="replace")
