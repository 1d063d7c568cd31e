"""Whole processes, measured from outside: what they cost, and medians over interleaved runs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER: Final = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost: seconds, seconds, bytes."""

    wall: float
    cpu: float
    peak: int


def run(command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None) -> Cost:
    """
    Run one command to its end.

    Raises:
        RuntimeError: if it does not end with 0; a failed run measures nothing.
    """
    finished = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), *command],
        env=dict(environment),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    report = json.loads(finished.stderr.strip().splitlines()[-1])
    if report["code"] != 0:
        msg = f"{command[0]} ended with {report['code']}: {finished.stderr[-600:]}"
        raise RuntimeError(msg)
    return Cost(report["wall"], report["cpu"], report["peak"])


def typical(costs: Sequence[Cost]) -> Cost:
    """The medians of several runs."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.cpu for cost in costs),
        int(median(cost.peak for cost in costs)),
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a living process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100  # clock ticks of Linux are 1/100 s


def memory(pid: int) -> tuple[int, int]:
    """Resident and private bytes of a living process (proc(5), smaps_rollup)."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = {row.split(":")[0]: int(row.split()[1]) for row in rows if row.endswith("kB")}
    return kib["Rss"] * 1024, kib["Private_Dirty"] * 1024


def switches(pid: int) -> int:
    """Voluntary context switches of a living process so far: how often it went back to sleep."""
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        if row.startswith("voluntary_ctxt_switches"):
            return int(row.split()[1])
    return 0
