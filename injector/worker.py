"""
One cycle of the sidecar, in a process that ends afterwards; and what is given back at the end.

It starts from what init or the last worker left, so that there is one login for the pod. Whatever
fails is in the status and the log; the files stay as they are.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from injector import cycle, schedule
from injector.actions import Teller
from injector.edges import Edges
from injector.handover import Handover
from injector.init import tell
from injector.sessions import REVOKE_SECONDS

if TYPE_CHECKING:
    from injector.diagnostics import Log
    from injector.edges import Machine
    from injector.settings import Settings

_DIGITS: Final = 8  # hexadecimal, of a digest: enough to tell replicas apart


def run(settings: Settings, log: Log, machine: Machine, *, everything: bool = False) -> str:
    """Run one cycle, with what is not due as well if wanted; gives the supervisor's line."""
    retry, clock = machine.retry, machine.clock
    until = schedule.worker_deadline(retry.clock())
    sessions = machine.open_sessions(settings, machine.ending(until))
    handover = Handover(settings, log)
    state = handover.take(sessions)
    teller = Teller(clock=retry.clock, sleep=retry.sleep, until=until)
    edges = Edges(
        sessions,
        settings.volume,
        act=teller.tell,
        save=handover.saving(sessions),
        replica=replica(settings.pod_uid),
        clock=clock,
        draw=retry.jitter,
    )
    done = cycle.run(settings.plan, state, edges, everything=everything)
    tell(log, settings.plan, done)
    return handover.leave(done, sessions, clock()).line(settings.plan)


def revoke(settings: Settings, log: Log, machine: Machine) -> None:
    """Give the pod's sessions back, and with them their leases; one short try."""
    began = machine.retry.clock()
    sessions = machine.open_sessions(settings, machine)
    Handover(settings, log).take(sessions)
    done = sessions.revoke(REVOKE_SECONDS - (machine.retry.clock() - began))
    log.write("info", "sessions were given back", sessions=len(done.given))


def replica(pod_uid: str) -> float:
    """Give a pod its fixed place in [0, 1), by which restarts of replicas are spread."""
    return int(hashlib.sha256(pod_uid.encode()).hexdigest()[:_DIGITS], 16) / 16**_DIGITS
