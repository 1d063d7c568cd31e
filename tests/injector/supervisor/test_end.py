"""How the supervisor ends: in order, and in time."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.injector.supervisor.process import Sidecar, alive, eventually

if TYPE_CHECKING:
    from pathlib import Path

LEASED = "report(revoke=1)"


def test_without_leases_it_just_ends(tmp_path: Path) -> None:
    """SIGTERM ends it with 0 when there is nothing to give back."""
    with Sidecar(tmp_path, "report()", revoke="note('revoked')").start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"] and not sidecar.children)
        sidecar.send(signal.SIGTERM)

        assert sidecar.wait() == 0
        assert sidecar.journal == ["worker"]


def test_leases_are_revoked_first(tmp_path: Path) -> None:
    """SIGTERM runs the revoking worker to its end, then ends with 0."""
    with Sidecar(tmp_path, LEASED, revoke="time.sleep(0.2); note('revoked')").start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"] and not sidecar.children)
        sidecar.send(signal.SIGTERM)

        assert sidecar.wait() == 0
        assert sidecar.journal == ["worker", "revoke", "revoked"]


def test_a_revocation_that_hangs_is_cut_off(tmp_path: Path) -> None:
    """Short lives of tokens are the guarantee: the pod's end does not wait for the provider."""
    revoke = "note(str(os.getpid())); time.sleep(600)"
    with Sidecar(tmp_path, LEASED, revoke=revoke).start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"] and not sidecar.children)
        sidecar.send(signal.SIGTERM)

        assert sidecar.wait() == 0
        eventually(lambda: not alive(int(sidecar.journal[2])))


def test_a_running_worker_is_stopped(tmp_path: Path) -> None:
    """SIGTERM in the middle of a cycle stops the worker's group at once."""
    worker = "note(str(os.getpid())); time.sleep(600)"
    with Sidecar(tmp_path, worker).start() as sidecar:
        eventually(lambda: len(sidecar.journal) == 2)
        sidecar.send(signal.SIGTERM)

        assert sidecar.wait() == 0
        eventually(lambda: not alive(int(sidecar.journal[1])))


def test_a_classic_sidecar_works_on_while_the_application_drains(tmp_path: Path) -> None:
    """It gets SIGTERM with the application: it refreshes until the grace period's end is near."""
    worker = "report(revoke=1, classic=1, grace=6.5)"
    with Sidecar(tmp_path, worker).start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"] and not sidecar.children)
        sidecar.send(signal.SIGTERM)
        sidecar.send(signal.SIGHUP)

        assert sidecar.wait() == 0
        assert sidecar.journal == ["worker", "worker now", "revoke"]


def test_a_second_sigterm_does_not_wait(tmp_path: Path) -> None:
    """Whoever asks twice is not told to be patient."""
    worker = "report(revoke=1, classic=1, grace=3600)"
    with Sidecar(tmp_path, worker).start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"] and not sidecar.children)
        sidecar.send(signal.SIGTERM)
        sidecar.send(signal.SIGHUP)
        eventually(lambda: len(sidecar.journal) == 2 and not sidecar.children)
        sidecar.send(signal.SIGTERM)

        assert sidecar.wait() == 0
        assert sidecar.journal[-1] == "revoke"
