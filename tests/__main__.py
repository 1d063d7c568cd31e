"""
The test command: every check in the order in which it is cheapest to fail.

`python -m tests` runs all of it, `--lint` the fast half, `--coverage` the tests alone, with what
they do not reach; measuring that costs half as much again. It stops at the first
check that fails and ends with that check's exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
BIN: Final = Path(sys.executable).parent

LINT: Final[tuple[tuple[str, ...], ...]] = (
    ("ruff", "format", "--check", "--quiet", "."),
    ("ruff", "check", "--quiet", "."),
    ("lint-imports", "--no-cache", "pyproject.toml"),
    ("mypy",),
)
TESTS: Final[tuple[tuple[str, ...], ...]] = (("pytest", "-n", "auto", "--dist", "worksteal"),)
COVERAGE: Final[tuple[tuple[str, ...], ...]] = (
    ("pytest", "-n", "auto", "--dist", "worksteal", "--cov", "--cov-report="),
    ("coverage", "report", "--skip-covered", "--sort=cover"),
)
RUNS: Final = {"": LINT + TESTS, "--lint": LINT, "--coverage": COVERAGE}


def run(command: tuple[str, ...]) -> None:
    """Run one check of the virtual environment, or leave with its exit code."""
    print("→ " + " ".join(command), flush=True)
    started = time.monotonic()
    finished = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "random"},
        check=False,
    )
    if finished.returncode:
        print(f"✗ {command[0]} failed with exit code {finished.returncode}", flush=True)
        raise SystemExit(finished.returncode)
    print(f"✓ {command[0]} ({time.monotonic() - started:.0f} s)", flush=True)


def main(arguments: list[str]) -> None:
    """Run the checks that were asked for."""
    chosen = RUNS.get(" ".join(arguments))
    if chosen is None:
        msg = "usage: python -m tests [--lint | --coverage]"
        raise SystemExit(msg)
    for command in chosen:
        run(command)


if __name__ == "__main__":
    main(sys.argv[1:])
