"""
The init container: the first cycle, repeated while what fails may pass.

A definite no ends it at once; the pod then shows the class of the failure as exit code and its
causes as termination message. Nothing is published before everything required is there. What it
has logged in to is given back where it fails, or where no sidecar follows and nothing needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector import cycle, diagnostics, schedule
from injector.edges import Edges
from injector.handover import Handover

if TYPE_CHECKING:
    from injector.contract.plan import Plan
    from injector.cycle import CycleReport
    from injector.diagnostics import Log
    from injector.edges import Machine
    from injector.errors import InjectorError
    from injector.retry import Retry
    from injector.sessions import SessionCache
    from injector.settings import Settings
    from injector.state import State

FIRST_FETCH_SPREAD: Final = 0.25
"""
Seconds over which first fetches are spread: a node starts its pods within about a second anyway,
and somebody waits for this one.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How init ended."""

    exit_code: int = 0
    message: str = ""
    """For the pod's status; empty when all went well."""


def run(settings: Settings, log: Log, machine: Machine) -> Outcome:
    """Fetch and publish everything once."""
    machine = machine.ending(machine.retry.clock() + settings.plan.init_timeout)
    retry, clock = machine.retry, machine.clock
    sessions = machine.open_sessions(settings, machine)
    handover = Handover(settings, log)
    state = handover.take(sessions)
    save = handover.saving(sessions)
    edges = Edges(sessions, settings.volume, clock=clock, draw=retry.jitter, save=save)
    complete = False
    try:
        retry.sleep(schedule.first_fetch_delay(retry.jitter(), FIRST_FETCH_SPREAD))
        done, outcome = _attempts(settings.plan, state, edges, log, retry)
        complete = done.complete
    finally:
        if not complete:
            # Each further try of the kubelet logs in anew: 3000 of them must not be 3000 tokens.
            sessions.revoke()
            handover.withdraw(sessions)
    if complete:
        if settings.plan.init_only:
            _give_back(log, done.state, sessions)
        handover.leave(done, sessions, clock())
    return outcome


def _give_back(log: Log, state: State, sessions: SessionCache) -> None:
    """Give back what has no lease, for nobody comes after init; say when the leases end."""
    leases = {
        reference: read.lease
        for reference, read in state.reads.items()
        if read.lease is not None and read.lease.id
    }
    left = sessions.revoke(keeping={lease.accessor for lease in leases.values()}).kept
    ends = {record.credentials.accessor: record.expires_at for record in left}
    for reference, lease in leases.items():
        end = lease.issued_at + lease.duration
        log.write(
            "warning",
            "nobody renews this lease, and its token lives on for it",
            reference=str(reference),
            lease_ends=diagnostics.stamp(min(end, ends.get(lease.accessor, end))),
            token_ends=diagnostics.stamp(ends.get(lease.accessor, end)),
        )


def _attempts(
    plan: Plan, state: State, edges: Edges, log: Log, retry: Retry
) -> tuple[CycleReport, Outcome]:
    """Run cycles until one is complete or says no, or until it is too late for another."""
    attempt = 0
    while True:
        attempt += 1
        done = cycle.run(plan, state, edges)
        tell(log, plan, done)
        if done.complete:
            log.write("info", "published", secrets=len(plan.secrets), attempts=attempt)
            return done, Outcome()
        errors = _errors(done)
        pause = schedule.back_off(
            attempt,
            retry.jitter(),
            base=schedule.INIT_BACK_OFF_BASE,
            cap=schedule.INIT_BACK_OFF_CAP,
        )
        definite = any(not error.retryable for error in errors)
        if definite or retry.clock() + pause >= retry.until:
            lead = "" if definite else f"gave up after {plan.init_timeout:g} s"
            return done, _failed(done, errors, lead)
        log.write("warning", "init is tried again", attempts=attempt, seconds=round(pause, 1))
        retry.sleep(pause)
        state = done.state


def tell(log: Log, plan: Plan, done: CycleReport) -> None:
    """Log what a cycle did, and what it could not do."""
    for failure in done.failures:
        log.failure(failure)
    for volume, error in (done.unpublished or {}).items():
        log.problem("a volume was not written", error, volume=volume)
    for action, error in (done.untold or {}).items():
        log.problem("the application was not told", error, action=action.kind)
    for warning in sorted({text for item in done.fetched.values() for text in item.warnings}):
        log.write("warning", warning)
    for reference, item in done.fetched.items():
        if item.served_by and item.served_by == plan.store(reference.store).text("failover-region"):
            log.write(
                "warning",
                "served by the failover region",
                reference=str(reference),
                region=item.served_by,
            )
    if done.switched:
        log.write("info", "files were switched", volumes=done.switched)


def _errors(done: CycleReport) -> list[InjectorError]:
    lacking = [failure.error for failure in done.failures if not failure.served]
    return [*(done.unpublished or {}).values(), *lacking]


def _failed(done: CycleReport, errors: list[InjectorError], lead: str) -> Outcome:
    lacking = [failure for failure in done.failures if not failure.served]
    others = list((done.unpublished or {}).values())
    message = diagnostics.message(lacking, others, lead)
    return Outcome(diagnostics.exit_code(errors), message)
