"""
Instructions that a program takes in user mode: the same on a busy machine as on one at rest.

The processor's own counter, by perf(1), where the machine has one; else what Valgrind's Cachegrind
counts while it runs the program, which takes thirty times as long.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Pattern = re.Pattern[str]
PERF: Final = re.compile(r"^(\d+),[^,]*,instructions:u,", re.MULTILINE)
VALGRIND: Final = re.compile(r"I\s+refs:\s+([0-9,]+)")
_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Counter:
    """One way to count."""

    name: str
    command: tuple[str, ...]
    """In front of what is counted; `{}` is the file that it writes."""
    number: Pattern
    """Finds the count in that file."""
    slow: bool
    """Whether the program takes many times as long, so that it is run once only."""

    def count(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """
        Run a command to its end.

        Raises:
            RuntimeError: if it does not end with 0, or nothing was counted.
        """
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            report = Path(folder) / "report"
            front = [word.format(report) for word in self.command]
            done = subprocess.run(
                [*front, *command],
                env={"PATH": os.defpath, **environment},
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
            text = report.read_text() if report.exists() else ""
        found = self.number.search(text)
        if done.returncode or found is None:
            msg = f"{self.name}: {command[0]} ended with {done.returncode}: {done.stderr[-600:]!r}"
            raise RuntimeError(msg)
        return int(found[1].replace(",", ""))


def _counts(counter: Counter) -> bool:
    """Whether it counts here: a virtual machine may hide its processor's counters."""
    try:
        counter.count(["/bin/true"], {})
    except (RuntimeError, OSError):
        return False
    return True


def counter() -> Counter | None:
    """Find what counts on this machine; None when nothing does."""
    perf, valgrind = shutil.which("perf"), shutil.which("valgrind")
    if perf is not None:
        stat = (perf, "stat", "-x,", "-e", "instructions:u", "-o", "{}", "--")
        found = Counter("perf", stat, PERF, slow=False)
        if _counts(found):
            return found
    if valgrind is None:
        return None
    words = (
        *(valgrind, "--tool=cachegrind", "--cache-sim=no"),
        *("--cachegrind-out-file=/dev/null", "--log-file={}"),
    )
    return Counter("Valgrind", words, VALGRIND, slow=True)
