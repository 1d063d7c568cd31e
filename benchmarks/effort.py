"""How often and how long things are measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effort:
    """Numbers of runs, and seconds."""

    starts: int
    """Runs of each process that ends by itself, in turn with the others."""
    renewals: int
    """Leases that are waited for until they are renewed."""
    spawns: int
    """Starts of the admission server."""
    rounds: int
    """Rounds of closed loop on each server, in turn."""
    closed_seconds: float
    open_seconds: float
    idle_seconds: float
    """How long the supervisor is watched."""
    burst_seconds: float
    calm_seconds: float
    """How long the server is watched after the burst."""


FULL: Final = Effort(
    starts=15,
    renewals=8,
    spawns=5,
    rounds=6,
    closed_seconds=2.0,
    open_seconds=12.0,
    idle_seconds=60.0,
    burst_seconds=5.0,
    calm_seconds=10.0,
)
QUICK: Final = Effort(
    starts=4,
    renewals=2,
    spawns=1,
    rounds=2,
    closed_seconds=0.5,
    open_seconds=1.5,
    idle_seconds=10.0,
    burst_seconds=2.0,
    calm_seconds=3.0,
)
