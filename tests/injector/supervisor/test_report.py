"""The one line of a worker, read by a process that must not die of it."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.supervision import NEVER, Report, _milliseconds
from tests.house.source import ROOT


@given(st.binary(max_size=80))
def test_any_bytes_are_a_report_or_an_error(line: bytes) -> None:
    """ValueError and nothing else."""
    assert _read(line) is None or line.endswith(b"\n")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"next=1 at=1",
        b"next=1\n",
        b"at=1\n",
        b"next=nan at=1\n",
        b"next=-1 at=1\n",
        b"next=1 at=-inf\n",
        b"next=one at=1\n",
        b"next at=1\n",
        b"next=1 at=1 port=\n",
        b"next=1 at=1 \xff=1\n",
        b'{"next": 1}\n',
    ],
)
def test_a_broken_line_is_an_error(line: bytes) -> None:
    """Cut off, without what is needed, or with what is no moment."""
    assert _read(line) is None


def test_what_is_not_known_is_skipped() -> None:
    """A later worker may say more; what it does not say has its default."""
    later = Report(b"new=1 next=1 at=9e9\n")

    assert (later.next, later.stale_at, later.grace, later.port) == (1.0, NEVER, 30.0, 0)
    assert (later.revoke, later.restart, later.classic) == (False, False, False)


@given(st.floats(min_value=0, allow_nan=False), st.floats(min_value=0, allow_nan=False))
def test_a_line_never_delays_beyond_what_it_says(seconds: float, at: float) -> None:
    """However old it is, and whatever the clock was."""
    report = Report(f"next={seconds!r} at={at!r} port={at!r} grace={seconds!r}\n".encode())

    assert 0 <= report.next <= seconds
    assert 0 <= report.port <= 65535


@given(st.floats(allow_nan=False))
def test_every_sleep_is_one_that_poll_takes(seconds: float) -> None:
    """Never negative, rounded up, at most 31 bits, without an overflow."""
    wait = _milliseconds(seconds)

    assert (wait is None) == (seconds == math.inf)
    assert wait is None or 0 < wait < 2**31
    assert wait is None or wait >= min(seconds * 1000, 2e9)


def test_a_log_that_nobody_reads_ends_nothing() -> None:
    """A broken pipe, a closed descriptor, and a full pipe whose reader sleeps."""
    code = """
import os
from injector.diagnostics import Log
from injector.supervision import log
reader, writer = os.pipe()
os.dup2(writer, 2)
os.close(reader)
log("info", "broken")
Log().write("info", "broken")
reader, writer = os.pipe()
os.dup2(writer, 2)
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"x" * 65536)
except BlockingIOError:
    log("info", "full")
    Log().write("info", "full")
os.close(2)
log("info", "closed")
Log().write("info", "closed")
print("alive")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )

    assert ended.stdout == "alive\n"


def _read(line: bytes) -> Report | None:
    try:
        return Report(line)
    except ValueError:
        return None
