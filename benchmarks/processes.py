"""Whole processes, measured from outside: what they cost, and medians over several runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LAUNCHER: Final = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost: seconds, seconds, bytes."""

    wall: float
    cpu: float
    peak: int


def run(
    command: Sequence[str], environment: Mapping[str, str], cores: Collection[int] = ()
) -> Cost:
    """
    Run one command to its end, on some cores or on any.

    Raises:
        RuntimeError: if it does not end with 0; a failed run measures nothing.
    """
    where = ",".join(map(str, cores)) or "any"
    finished = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), where, *command],
        env=dict(environment),
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
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> tuple[int, int]:
    """Resident and private bytes of a living process (proc(5), smaps_rollup)."""
    kib = _numbers(Path(f"/proc/{pid}/smaps_rollup"))
    return kib["Rss"] * 1024, kib["Private_Dirty"] * 1024


def peak(pid: int) -> int:
    """The most resident bytes that a living process ever had."""
    return _numbers(Path(f"/proc/{pid}/status"))["VmHWM"] * 1024


def switches(pid: int) -> int:
    """Voluntary context switches of a living process so far: how often it went back to sleep."""
    return _numbers(Path(f"/proc/{pid}/status"))["voluntary_ctxt_switches"]


def _numbers(path: Path) -> dict[str, int]:
    pairs = [line.partition(":") for line in path.read_text().splitlines()]
    words = {name: text.split() for name, _, text in pairs}
    return {name: int(found[0]) for name, found in words.items() if found and found[0].isdigit()}
