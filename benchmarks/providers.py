"""
What a family of providers costs a pod: one secret of 600 bytes from one of them, and from all five.

The floor is the same pod whose plan asks for nothing: interpreter, plan, volumes, an empty set. In
turn, after one run of each that is not counted. Counts are of one init container and the same on a
busy machine as on one at rest; times are not, hence ratios.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks import instructions, provider_world, servers
from benchmarks.imports import imported, packages
from benchmarks.processes import Cost, memory, run, typical
from benchmarks.rows import Part, Row, paired
from benchmarks.vault import beside, measured
from injector.contract import codec, names
from injector.handover import STATE_FILE
from injector.report import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.effort import Effort
    from benchmarks.instructions import Counter
    from benchmarks.placing import Placed
    from benchmarks.scene import Scene

FLOOR: Final = "no provider"
_MEBIBYTE: Final = 1 << 20
_PATIENCE: Final = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of pod, patched by the webhook."""

    name: str
    pod: dict[str, Any]

    def place(self, scene: Scene) -> tuple[Placed, Placed]:
        """Put its init container and its sidecar into a new folder."""
        init, sidecar = scene.place(self.pod)
        if self.name != FLOOR:
            return init, sidecar
        return _without_secrets(init), _without_secrets(sidecar)


def operator_config(about: dict[str, Any]) -> dict[str, Any]:
    """Give the operator's document, which the world has written."""
    config: dict[str, Any] = about["operator"]
    return config


def measure(scene: Scene, effort: Effort) -> Iterator[Part]:
    """Measure costs, then what stays in memory, then count."""
    pods = {name: scene.patched(provider_world.asked(name)) for name in provider_world.PODS}
    floor = Subject(FLOOR, next(iter(pods.values())))
    subjects = [floor, *(Subject(name, pod) for name, pod in pods.items())]
    yield _costs(scene, subjects, effort)
    yield _residents(scene, subjects[1:], effort)
    yield _counts(scene, subjects, effort)


def _without_secrets(placed: Placed) -> Placed:
    plan = codec.load(placed.environment[names.PLAN_VARIABLE])
    empty = codec.dump(replace(plan, secrets=(), stores=()))
    return replace(placed, environment={**placed.environment, names.PLAN_VARIABLE: empty})


def _costs(scene: Scene, subjects: list[Subject], effort: Effort) -> Part:
    inits: dict[str, list[Cost]] = {subject.name: [] for subject in subjects}
    workers: dict[str, list[Cost]] = {subject.name: [] for subject in subjects}
    for number in range(effort.starts + 1):
        for subject in subjects:
            init, sidecar = subject.place(scene)
            first = measured(init.command, init.environment)
            again = measured(sidecar.injector("worker", "now"), sidecar.environment)
            shutil.rmtree(init.root)
            if number:
                inits[subject.name].append(first)
                workers[subject.name].append(again)
    rows: list[Row] = []
    for name in list(inits)[1:]:
        rows += beside(f"init, {name}", inits[name], FLOOR, inits[FLOOR])
        rows += _refresh(name, workers[name], workers[FLOOR])
    return Part("A pod of one provider: login and 1 secret", tuple(rows))


def _refresh(name: str, ours: list[Cost], floor: list[Cost]) -> Iterator[Row]:
    mine, other = typical(ours), typical(floor)
    ratio = paired([cost.cpu for cost in ours], [cost.cpu for cost in floor])
    what = f"worker, {name}"
    yield Row(f"{what}: CPU", mine.cpu * 1000, "ms", FLOOR, other.cpu * 1000, None, ratio)
    yield Row(f"{what}: peak RSS", mine.peak / 1e6, "MB", FLOOR, other.peak / 1e6)


def _residents(scene: Scene, subjects: list[Subject], effort: Effort) -> Part:
    found: dict[str, list[int]] = {subject.name: [] for subject in subjects}
    for number in range(effort.spawns + 1):
        for subject in subjects:
            resident = _resident(*subject.place(scene))
            if number:
                found[subject.name].append(resident)
    rows = (
        Row(f"supervisor, {name}: RSS after its worker", median(each) / _MEBIBYTE, "MiB")
        for name, each in found.items()
    )
    return Part("Sidecar of a pod of one provider, after a refresh", tuple(rows))


def _resident(init: Placed, sidecar: Placed) -> int:
    """
    Give the bytes of a supervisor whose first worker has ended.

    Raises:
        RuntimeError: if no worker has written its report.
    """
    run(init.command, init.environment)
    session = init.root / names.SESSION_DIRECTORY[1:]
    # Without what init has left a supervisor starts a worker at once, which reads everything.
    for left in (FILE, STATE_FILE):
        (session / left).unlink()
    with subprocess.Popen(
        sidecar.command, env=sidecar.environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            servers.pin(process.pid, servers.measured_core())
            until = time.monotonic() + _PATIENCE
            while not (session / FILE).exists() or _children(process.pid):
                if process.poll() is not None or time.monotonic() > until:
                    msg = "a worker of a supervisor has not ended"
                    raise RuntimeError(msg)
                time.sleep(0.02)
            return memory(process.pid)[0]
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(init.root)


def _children(pid: int) -> bool:
    """Whether a process has children (proc(5))."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123 - as others here
        return bool(file.read().strip())


def _counts(scene: Scene, subjects: list[Subject], effort: Effort) -> Part:
    counter = instructions.counter()
    rows: list[Row] = []
    floor = _counted(scene, subjects[0], counter, effort)
    for subject in subjects[1:]:
        rows += _counted(scene, subject, counter, effort).beside(subject.name, floor)
    how = f"counted by {counter.name}" if counter else "no perf counters and no Valgrind here"
    return Part(f"Init of a pod of one provider: instructions ({how}) and imports", tuple(rows))


@dataclass(frozen=True, slots=True)
class Counted:
    """Instructions of one init container (0 where nothing counts), and what it imported."""

    instructions: float
    modules: frozenset[str]

    def beside(self, name: str, floor: Counted) -> Iterator[Row]:
        """Give the rows of a pod beside the floor's."""
        if self.instructions:
            millions, least = self.instructions / 1e6, floor.instructions / 1e6
            yield Row(f"init, {name}: millions of instructions", millions, "", FLOOR, least)
        names_of = ", ".join(packages(self.modules)) or "no package"
        number, least = len(self.modules), len(floor.modules)
        yield Row(f"init, {name}: modules imported ({names_of})", number, "", FLOOR, least)


def _counted(scene: Scene, subject: Subject, counter: Counter | None, effort: Effort) -> Counted:
    init, _ = subject.place(scene)
    modules = imported(init.environment, "init")
    shutil.rmtree(init.root)
    if counter is None:
        return Counted(0.0, modules)
    runs = []
    for _ in range(1 if counter.slow else effort.starts):
        init, _ = subject.place(scene)
        runs.append(counter.count(init.injector("init"), init.environment))
        shutil.rmtree(init.root)
    return Counted(median(runs), modules)
