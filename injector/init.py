"""
The init container: the first cycle, repeated while what fails may pass.

A definite no ends it at once; the pod then shows the class of the failure as exit code and its
causes as termination message. Nothing is published before everything required is there.
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
    from injector.settings import Settings

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
    retry, clock = machine.retry, machine.clock
    until = retry.clock() + settings.plan.init_timeout
    sessions = machine.open_sessions(settings, machine.ending(until))
    handover = Handover(settings, log)
    state = handover.take(sessions)
    edges = Edges(sessions, settings.volume, clock=clock, draw=retry.jitter, save=handover.save)
    retry.sleep(schedule.first_fetch_delay(retry.jitter(), FIRST_FETCH_SPREAD))
    attempt = 0
    while True:
        attempt += 1
        done = cycle.run(settings.plan, state, edges)
        tell(log, settings.plan, done)
        if done.complete:
            handover.leave(done, sessions, clock())
            log.write("info", "published", secrets=len(settings.plan.secrets), attempts=attempt)
            return Outcome()
        errors = _errors(done)
        pause = schedule.back_off(
            attempt,
            retry.jitter(),
            base=schedule.INIT_BACK_OFF_BASE,
            cap=schedule.INIT_BACK_OFF_CAP,
        )
        definite = any(not error.retryable for error in errors)
        if definite or retry.clock() + pause >= until:
            lead = "" if definite else f"gave up after {settings.plan.init_timeout:g} s"
            return _failed(done, errors, lead)
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
