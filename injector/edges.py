"""What a process and its cycle touch of the world, as values: tests give their own."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from injector import logins
from injector.providers import PROVIDERS
from injector.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from injector.contract.plan import Action
    from injector.providers.interface import Provider
    from injector.sessions import SessionCache
    from injector.settings import Settings
    from injector.state import State


def open_sessions(settings: Settings, machine: Machine) -> SessionCache:
    """Open an empty cache whose calls end when the process must."""
    return logins.open_sessions(
        settings.plan, settings.identity, retry=machine.retry, clock=machine.clock
    )


@dataclass(frozen=True, slots=True)
class Machine:
    """What a process has of the machine: clocks, dice, and the way out."""

    retry: Retry = field(default_factory=Retry)
    """Its monotonic clock, its sleep and its jitter; `until` is when the process must end."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    open_sessions: Callable[[Settings, Machine], SessionCache] = open_sessions

    def ending(self, until: float) -> Machine:
        """Give the same machine to a process that must end by then (monotonic seconds)."""
        return replace(self, retry=replace(self.retry, until=until))


def forget(_: State) -> None:
    """Write nothing down: `on-change` may then be lost, but nothing else."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The doors of one process."""

    sessions: SessionCache
    volume: Callable[[str], Path]
    """Where a volume of files is mounted."""
    act: Callable[[Action], None] | None = None
    """
    Tells the application of a change, raising `InjectorError` when it could not; None where no
    application runs yet.
    """
    save: Callable[[State], None] = forget
    """Writes the state down before files are switched; raises nothing."""
    replica: float = 0.0
    """This replica's place among all, in [0, 1): restarts are spread by it."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    draw: Callable[[], float] = random.random
    """Uniform in [0, 1)."""
    providers: Mapping[str, Provider] = field(default_factory=lambda: PROVIDERS)
