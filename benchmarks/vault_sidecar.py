"""
Vault's sidecar: at rest beside a resident `bao agent`, and what it takes to renew.

Both have written the same files and have nothing to do for minutes.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from benchmarks import bao_agent, servers, sidecar
from benchmarks.processes import cpu_seconds, memory, peak
from benchmarks.rows import Goal, Part, Row
from benchmarks.vault import FIVE, PEER, beside, measured, templates
from benchmarks.vault_world import BRIEF_ROLE, BRIEF_SECONDS, CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.effort import Effort
    from benchmarks.processes import Cost
    from benchmarks.scene import Scene

_READY_SECONDS: Final = 20.0
_DUE: Final = BRIEF_SECONDS * 0.7
"""Seconds after which both are due, and have not ended: two thirds of the life, and a little."""
_RENEWED: Final = frozenset({"update auth/token/renew-self", "update sys/leases/renew"})
_MEBIBYTE: Final = 1 << 20


class Residents:
    """Our supervisor and an agent, at rest from now on."""

    def __init__(self, ours: int, agent: int) -> None:
        self._pids = ours, agent
        self._since = time.monotonic()
        self._before = cpu_seconds(ours), cpu_seconds(agent)

    def parts(self, seconds: float) -> Iterator[Part]:
        """Wait until they rested for so long, and say what they take."""
        time.sleep(max(0.0, self._since + seconds - time.monotonic()))
        rested = time.monotonic() - self._since
        (resident, private), (their_resident, their_private) = map(memory, self._pids)
        cpu, their_cpu = (
            cpu_seconds(pid) - before for pid, before in zip(self._pids, self._before, strict=True)
        )
        rows = (
            Row(
                "Vault supervisor: RSS",
                resident / _MEBIBYTE,
                "MiB",
                PEER,
                their_resident / _MEBIBYTE,
                Goal(0.15, of_ratio=True),
            ),
            Row(
                "Vault supervisor: private memory",
                private / 1e6,
                "MB",
                PEER,
                their_private / 1e6,
                Goal(0.25, of_ratio=True),
            ),
            Row(
                f"Vault supervisor: CPU in {rested:.0f} s", cpu * 1000, "ms", PEER, their_cpu * 1000
            ),
            Row(f"{PEER}, resident: most RSS that it had", peak(self._pids[1]) / 1e6, "MB"),
        )
        yield Part("Vault, sidecar between refreshes", rows)


@contextmanager
def residents(scene: Scene) -> Iterator[Residents]:
    """Start both, and let them come to rest."""
    with sidecar.asleep(scene, templates(FIVE)) as ours:
        agent = bao_agent.place(scene, scene.folder / "resident-agent", FIVE, stays=True)
        with subprocess.Popen(
            agent.command,
            env=agent.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                servers.pin(process.pid, servers.measured_core())
                _wait_for(process, agent.secrets)
                yield Residents(ours.pid, process.pid)
            finally:
                process.terminate()


def _wait_for(process: subprocess.Popen[bytes], folder: Path) -> None:
    """
    Wait until an agent has written all its files.

    Raises:
        RuntimeError: if it does not.
    """
    until = time.monotonic() + _READY_SECONDS
    while len(list(folder.iterdir())) < FIVE:
        if process.poll() is not None or time.monotonic() > until:
            msg = f"{PEER} has not written its files"
            raise RuntimeError(msg)
        time.sleep(0.05)
    time.sleep(0.2)


def renewals(scene: Scene, effort: Effort) -> Iterator[Part]:
    """
    Measure workers that renew the pod's token and a lease, beside the init containers before them.

    Raises:
        RuntimeError: without a PostgreSQL, and if a worker has not renewed both.
    """
    failure = scene.world.ask("database")
    if failure:
        raise RuntimeError(failure)
    patched = scene.patched(
        {
            "syrette.dev/file.user": f"vault:{CREDENTIALS}#username",
            "syrette.dev/file.password": f"vault:{CREDENTIALS}#password",
            "syrette.dev/vault.role": BRIEF_ROLE,
        }
    )
    inits: list[Cost] = []
    workers: list[Cost] = []
    for number in range(effort.renewals + 1):
        init, worker = scene.place(patched)
        first = measured(init.command, init.environment)
        time.sleep(_DUE)
        scene.calls()
        renewed = measured(worker.injector("worker"), worker.environment)
        asked = scene.calls()["actions"]
        if set(asked) != _RENEWED:
            msg = f"a worker was to renew a token and a lease, and asked for {asked}"
            raise RuntimeError(msg)
        if number:
            inits.append(first)
            workers.append(renewed)
    rows = beside("Vault worker, renews token and lease", workers, "init, one lease", inits)
    yield Part("Vault, renewal of a token and of a lease of a PostgreSQL", tuple(rows))
