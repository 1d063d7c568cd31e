"""
Vault: init container, worker and sidecar beside `bao agent`, all against one real OpenBao over TLS.

The same projected token, the same KV v2 secrets and the same five templates, written to memory.
In turn, after one run of each that is not counted.
"""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING, Any, Final

from benchmarks import bao_agent, servers
from benchmarks.processes import Cost, run, typical
from benchmarks.rows import Goal, Part, Row, paired
from benchmarks.vault_world import ENGINE, ROLE
from benchmarks.world import secret
from injector.contract import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.bao_agent import Agent
    from benchmarks.effort import Effort
    from benchmarks.placing import Placed
    from benchmarks.scene import Scene

FIVE: Final = 5
PEER: Final = "bao agent"
INIT: Final = "Vault init, 5 templates"
VALUES: Final = "Vault init, 5 values without a template"
_WORKER: Final = "worker"


def operator_config(about: dict[str, Any]) -> dict[str, Any]:
    """Give the operator's document for a world of Vault."""
    defaults = {"vault.address": about["address"], "vault.role": ROLE}
    return {"cluster": "bench", "defaults": defaults, "ca-bundle": about["ca"]}


def templates(secrets: int) -> dict[str, str]:
    """Annotations of files, one a secret, each from a template of two fields."""
    item = """
- from: vault:{path}
  file: s{number:02}
  template: |
    username={{{{ username }}}}
    password={{{{ password }}}}
"""
    paths = [f"{ENGINE}/{secret(number)}" for number in range(secrets)]
    text = "".join(item.format(path=path, number=number) for number, path in enumerate(paths))
    return {"syrette.dev/secrets": text}


def values(secrets: int) -> dict[str, str]:
    """Annotations of files, one a secret, each with one field."""
    return {
        f"syrette.dev/file.s{number:02}": f"vault:{ENGINE}/{secret(number)}#password"
        for number in range(secrets)
    }


def measure(scene: Scene, effort: Effort) -> Iterator[Part]:
    """Measure costs, then count calls."""
    yield _costs(scene, effort)
    yield _calls(scene)


def _costs(scene: Scene, effort: Effort) -> Part:
    patched = {INIT: scene.patched(templates(FIVE)), VALUES: scene.patched(values(FIVE))}
    init, sidecar = scene.place(patched[INIT])
    measured(init.command, init.environment)  # leaves what the workers of `sidecar` start from
    numbers = itertools.count()
    agent = _agent(scene, next(numbers))
    measured(agent.command, agent.environment)
    _compare(init, agent)
    runs: dict[str, Callable[[], Cost]] = {
        INIT: lambda: _first(scene.place(patched[INIT])[0]),
        PEER: lambda: _rendered(_agent(scene, next(numbers))),
        VALUES: lambda: _first(scene.place(patched[VALUES])[0]),
        _WORKER: lambda: measured(sidecar.injector("worker", "now"), sidecar.environment),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for number in range(effort.starts + 1):
        for name, once in runs.items():
            cost = once()
            if number:
                costs[name].append(cost)
    title = "Vault, init container: kubernetes login and 5 secrets of KV v2, TLS"
    return Part(title, tuple(_rows(costs)))


def _agent(scene: Scene, number: int) -> Agent:
    return bao_agent.place(scene, scene.folder / f"agent-{number}", FIVE)


def _compare(init: Placed, agent: Agent) -> None:
    """
    Compare what both have written.

    Raises:
        RuntimeError: if it differs: they would not be measured at the same work.
    """
    run_directory = init.root / names.RUN_DIRECTORY[1:]
    for theirs in sorted(agent.secrets.iterdir()):
        ours = [path.read_bytes() for path in run_directory.glob(f"*/{theirs.name}")]
        if ours != [theirs.read_bytes()]:
            msg = f"{PEER} has written another {theirs.name}"
            raise RuntimeError(msg)


def _first(init: Placed) -> Cost:
    """Run an init container that has not run yet, and take its pod away."""
    return _taken_away(measured(init.command, init.environment), init.root)


def _rendered(agent: Agent) -> Cost:
    return _taken_away(measured(agent.command, agent.environment), agent.secrets.parent)


def _taken_away(cost: Cost, root: Path) -> Cost:
    shutil.rmtree(root)
    return cost


def measured(command: list[str], environment: dict[str, str]) -> Cost:
    """Run on the core of what is measured."""
    return run(command, environment, servers.measured_core())


def _rows(costs: dict[str, list[Cost]]) -> Iterator[Row]:
    goals = Goal(1.0, of_ratio=True), Goal(0.45, of_ratio=True)
    yield from beside(INIT, costs[INIT], PEER, costs[PEER], *goals)
    yield from beside(VALUES, costs[VALUES], PEER, costs[PEER])
    yield from beside("Vault worker, one refresh of all", costs[_WORKER], INIT, costs[INIT])


def beside(
    name: str, ours: list[Cost], peer: str, theirs: list[Cost], *goals: Goal
) -> Iterator[Row]:
    """
    Give CPU, wall and peak beside a peer of the same rounds.

    Args:
        name: of ours.
        ours: its runs.
        peer: its name.
        theirs: its runs.
        goals: of the ratio of CPU, and of that of memory; none is no goal.
    """
    mine, other = typical(ours), typical(theirs)
    cpu, memory = goals or (None, None)
    ratio = paired([cost.cpu for cost in ours], [cost.cpu for cost in theirs])
    yield Row(f"{name}: CPU", mine.cpu * 1000, "ms", peer, other.cpu * 1000, cpu, ratio)
    ratio = paired([cost.wall for cost in ours], [cost.wall for cost in theirs])
    yield Row(f"{name}: wall", mine.wall * 1000, "ms", peer, other.wall * 1000, None, ratio)
    yield Row(f"{name}: peak RSS", mine.peak / 1e6, "MB", peer, other.peak / 1e6, memory)


def _calls(scene: Scene) -> Part:
    """Count what OpenBao was asked for pods of several sizes, at first and at a refresh."""
    rows: list[Row] = []
    for number, what in ((1, "1 secret"), (FIVE, "5 secrets"), (20, "20 secrets")):
        init, sidecar = scene.place(scene.patched(values(number)))
        agent = bao_agent.place(scene, scene.folder / f"agent-of-{number}", number)
        scene.calls()
        run(init.command, init.environment)
        first = scene.calls()
        refreshed = run(sidecar.injector("worker", "now"), sidecar.environment)
        refresh = scene.calls()
        run(agent.command, agent.environment)
        theirs = scene.calls()
        # A TLS 1.3 handshake after the one of TCP; then one call waits for the other's answer.
        rows += [
            Row(f"round trips of Vault init, {what}", 2 + len(first["actions"]), ""),
            Row(
                f"calls of Vault init, {what}",
                len(first["actions"]),
                "",
                PEER,
                len(theirs["actions"]),
            ),
            Row(
                f"TLS connections of Vault init, {what}",
                first["connections"],
                "",
                PEER,
                theirs["connections"],
            ),
            Row(f"calls of a Vault refresh, {what}", len(refresh["actions"]), ""),
            Row(f"peak RSS of a Vault refresh, {what}", refreshed.peak / 1e6, "MB"),
        ]
    return Part("OpenBao's audit log: TCP, TLS, then calls", tuple(rows))
