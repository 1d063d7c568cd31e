"""
Keeps a pod as its specification says: one thread that starts, restarts and ends its containers.

It alone changes what an `Instance` holds. Ends of processes and the wish to stop reach it through
one queue, so that nothing here is locked.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from worlds.pods import order, probes, restarts
from worlds.pods.errors import PodError
from worlds.pods.order import Phase, PodPhase
from worlds.pods.restarts import After
from worlds.pods.spec import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from worlds.pods.instances import Instance
    from worlds.pods.launching import Launcher
    from worlds.pods.processes import Process
    from worlds.pods.spec import PodSpec

_PROBE_SECONDS: Final = 0.05
"""Between tries of a startup probe, whatever its period says: nobody waits here for less load."""
_SIDECAR_SECONDS: Final = 2.0
"""What is left to a sidecar when the others took the whole grace period (the kubelet's minimum)."""
_KILL_SECONDS: Final = 10.0
"""After which a process that SIGKILL does not end is given up."""
_KILLED: Final = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a container."""

    at: float
    """Monotonic seconds."""
    container: str
    what: str
    """`started`, `ended`, or the name of a signal that the runner sent."""
    exit_code: int | None = None
    """Of an end."""


class Kubelet:
    """
    The life of one pod.

    Args:
        pod: what is wanted.
        instances: its containers by name.
        launcher: starts them.
        back_off: seconds before the first restart of a container; doubled with each.
        init_restarts: how often an init container that fails is tried again.
    """

    def __init__(
        self,
        pod: PodSpec,
        instances: Mapping[str, Instance],
        launcher: Launcher,
        *,
        back_off: float,
        init_restarts: int,
    ) -> None:
        self._pod = pod
        self._instances = instances
        self._launcher = launcher
        self._back_off = back_off
        self._init_restarts = init_restarts
        self._ends: queue.SimpleQueue[tuple[Instance, Process, int] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._grace: float | None = None
        self.failure: PodError | None = None
        """What a real pod would hang in."""
        self.history: list[Event] = []
        self.over = False
        """Whether every container has ended for good."""

    @property
    def phase(self) -> PodPhase:
        """Where the pod is."""
        return order.phase(self._pod, {name: it.status for name, it in self._instances.items()})

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """End everything in Kubernetes' order, SIGKILL after `grace` seconds, and wait for it."""
        if self._thread.ident is None:
            return
        self._grace = grace
        self._ends.put(None)
        self._thread.join()

    def wait(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait for a condition over the containers; whether it came."""
        with self._changed:
            return bool(self._changed.wait_for(condition, seconds))

    def _live(self) -> None:
        try:
            while self._goes_on():
                self._advance()
                self._tell()
                self._follow(self._take(self._pause()))
        except PodError as exc:
            self.failure = exc
        finally:
            self._end(self._pod.grace_period if self._grace is None else self._grace)
            self.over = True
            self._tell()

    def _goes_on(self) -> bool:
        return self._grace is None and self.phase in {PodPhase.PENDING, PodPhase.RUNNING}

    def _advance(self) -> None:
        """Start what may start; what has started may let the next one start."""
        while self._start_due() or self._pass_probes():
            pass

    def _start_due(self) -> bool:
        due = [it for it in self._startable() if it.due_at <= time.monotonic()]
        for instance in due:
            self._start(instance)
        return bool(due)

    def _pass_probes(self) -> bool:
        """Note what has started, by its startup probe if it has one; whether anything has."""
        before = self._starting()
        for instance in before:
            probe = instance.spec.document.get("startupProbe")
            own = self._launcher.is_own(instance.spec)
            instance.started = not (probe and own) or probes.succeeds(
                probe, instance.spec, self._launcher.place(instance)
            )
        return len(self._starting()) < len(before)

    def _startable(self) -> Iterable[Instance]:
        statuses = {name: it.status for name, it in self._instances.items()}
        return [self._instances[c.name] for c in order.startable(self._pod, statuses)]

    def _starting(self) -> list[Instance]:
        return [it for it in self._instances.values() if it.running and not it.started]

    def _start(self, instance: Instance) -> None:
        self._launcher.start(
            instance, lambda process, code: self._ends.put((instance, process, code))
        )
        instance.phase = Phase.RUNNING
        self._note(instance, "started")
        hook = (instance.spec.document.get("lifecycle") or {}).get("postStart")
        if hook and self._launcher.is_own(instance.spec):
            place = self._launcher.place(instance)
            if not probes.run_hook(hook, instance.spec, place):
                self._signal(instance, signal.SIGKILL)

    def _pause(self) -> float | None:
        """Seconds until there is something to do again; None until something happens."""
        if self._starting():
            return _PROBE_SECONDS
        now = time.monotonic()
        return min((max(0.0, it.due_at - now) for it in self._startable()), default=None)

    def _take(self, seconds: float | None) -> Instance | None:
        """Wait for the end of a container and note it."""
        try:
            end = self._ends.get(timeout=seconds)
        except queue.Empty:
            return None
        if end is None:
            return None
        instance, process, code = end
        if instance.running is not process:
            return None  # killed for a restart of all
        instance.end(code)
        self._note(instance, "ended", code)
        return instance

    def _follow(self, ended: Instance | None) -> None:
        """Decide what follows an end."""
        if ended is None or ended.exit_code is None:
            return
        what = restarts.after(ended.spec, ended.exit_code)
        if what is After.RESTART_ALL:
            self._restart_all()
            return
        given_up = ended.spec.kind is Kind.INIT and ended.restarts >= self._init_restarts
        if what is After.NOTHING or given_up:
            ended.phase = Phase.ENDED
            return
        ended.due_at = time.monotonic() + restarts.pause(ended.restarts, self._back_off)
        ended.phase = Phase.WAITING

    def _restart_all(self) -> None:
        """Kill what runs, without grace or hooks, and begin anew on the same volumes."""
        running = [it for it in self._instances.values() if it.running]
        for instance in running:
            self._signal(instance, signal.SIGKILL)
        for instance in running:
            if instance.running and instance.running.wait(_KILL_SECONDS):
                instance.end(_KILLED)
                self._note(instance, "ended", _KILLED)
        for instance in self._instances.values():
            instance.phase, instance.started, instance.due_at = Phase.WAITING, False, 0.0

    def _end(self, grace: float) -> None:
        """First all but sidecars together, then the sidecars, the last one first."""
        deadline = time.monotonic() + grace
        ordinary = self._of(Kind.INIT, Kind.REGULAR)
        for instance in ordinary:
            self._terminate(instance)
        self._await(ordinary, deadline)
        for instance in reversed(self._of(Kind.SIDECAR)):
            self._terminate(instance)
            self._await([instance], max(deadline, time.monotonic() + _SIDECAR_SECONDS))
        for instance in self._instances.values():
            instance.phase = Phase.ENDED

    def _of(self, *kinds: Kind) -> list[Instance]:
        found = (self._instances[container.name] for container in self._pod.of(*kinds))
        return [instance for instance in found if instance.running]

    def _terminate(self, instance: Instance) -> None:
        hook = (instance.spec.document.get("lifecycle") or {}).get("preStop")
        if hook and self._launcher.is_own(instance.spec):
            probes.run_hook(hook, instance.spec, self._launcher.place(instance))
        self._signal(instance, signal.SIGTERM)

    def _await(self, instances: list[Instance], deadline: float) -> None:
        """Wait for ends; kill what is left at the deadline."""
        killed = False
        while any(instance.running for instance in instances):
            left = deadline - time.monotonic()
            if left <= 0 and killed:
                return
            if left <= 0:
                killed, deadline = True, time.monotonic() + _KILL_SECONDS
                for instance in instances:
                    self._signal(instance, signal.SIGKILL)
                continue
            self._take(left)
            self._tell()

    def _signal(self, instance: Instance, number: signal.Signals) -> None:
        if instance.running is not None:
            instance.running.signal(number)
            self._note(instance, number.name)

    def _note(self, instance: Instance, what: str, exit_code: int | None = None) -> None:
        self.history.append(Event(time.monotonic(), instance.spec.name, what, exit_code))

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
