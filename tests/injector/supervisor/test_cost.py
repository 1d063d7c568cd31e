"""What the resident process costs every pod that has one."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from injector import metrics_port, report, status, supervision, supervisor
from injector.contract import names
from injector.schedule import WORKER_DEADLINE
from tests.injector.supervisor.process import ROOT, Sidecar, ask, eventually, free_port, line

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1024  # KiB
BUILT_IN = {"_signal", "_socket", "select", "time"}


def test_the_supervisor_imports_nothing_of_weight() -> None:
    """Beside os and sys: built-in modules and our own; no enum, no dataclasses, no contract."""
    code = f"""
import os, sys
before = set(sys.modules)
sys.path.append({str(ROOT)!r})
import injector.supervisor
print(" ".join(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    ours = {"injector", "injector.supervisor", "injector.supervision", "injector.metrics_port"}

    assert set(done.stdout.split()) <= BUILT_IN | ours


def test_its_copies_of_the_contract_are_true() -> None:
    """What the supervisor cannot import it repeats, and this compares."""
    assert supervisor.SESSION_DIRECTORY == names.SESSION_DIRECTORY
    assert supervision.RESTART_EXIT_CODE == names.RESTART_EXIT_CODE
    assert supervision.REPORT_FILE == report.FILE
    assert metrics_port.METRICS_FILE == status.METRICS_FILE
    assert metrics_port.STATUS_FILE == status.STATUS_FILE
    assert supervision.WORKER_SECONDS > WORKER_DEADLINE
    assert names.ROOT_VARIABLE.startswith(supervisor.PASSED_ON)


def test_idle_it_is_small_and_never_woken(tmp_path: Path) -> None:
    """With its port open, after a cycle and a scrape: at most 9.5 MiB, and no context switch."""
    port = free_port()
    sidecar = Sidecar(tmp_path, "report()")
    (sidecar.session / "report").write_text(line(next=0.0, port=float(port)))
    (tmp_path / "worker.py").write_text(f"report(port={port})")
    with sidecar.start():
        eventually(lambda: sidecar.journal and not sidecar.children)
        ask(port, b"GET /metrics HTTP/1.1\r\n\r\n")
        time.sleep(0.5)
        before = sidecar.number("voluntary_ctxt_switches")
        time.sleep(2)

        assert sidecar.number("voluntary_ctxt_switches") == before
        assert sidecar.number("VmRSS") <= 9.5 * MEBIBYTE
