"""
One pass over a plan: due reads → sessions → fetch → render → publish → actions → next due.

Nothing is published until everything required has content. Later, what fails keeps its last good
content while others move on, and no failure ever empties or removes a file. The state is written
down before files are switched, so that a process that is killed between two steps repeats the
step and forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from injector import publication, reads, schedule
from injector.contents import Contents, contents
from injector.errors import InjectorError
from injector.reads import Moment
from injector.state import ReadState, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from injector.contents import Failure
    from injector.contract.plan import Action, Plan
    from injector.contract.references import Reference
    from injector.edges import Edges
    from injector.providers.interface import Fetched
    from injector.publication import Sets

PUBLISH_AGAIN: Final = 30.0
"""Seconds after which a volume that could not be written is tried again."""
ACT_AGAIN: Final = 300.0
"""Seconds after which an action that failed is tried again: the next refresh may be a day away."""


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one cycle did."""

    state: State
    """For the next one."""
    complete: bool
    """Whether everything required has content, and every volume was written."""
    fetched: Mapping[Reference, Fetched]
    failures: tuple[Failure, ...] = ()
    """Secrets that could not be brought up to date."""
    unpublished: Mapping[str, InjectorError] | None = None
    """Volumes that could not be written."""
    switched: tuple[str, ...] = ()
    """Volumes with new content."""
    untold: Mapping[Action, InjectorError] | None = None
    """Actions that failed; they are tried again in the next cycle."""
    restart: bool = False
    """Whether the pod's containers are to be restarted now."""
    next: float = schedule.NEVER
    """Seconds until something is due."""


def run(plan: Plan, before: State, edges: Edges, *, everything: bool = False) -> CycleReport:
    """
    Bring the pod's files up to date.

    Args:
        plan: what the pod asked for.
        before: what the last cycle left, empty at first.
        edges: sessions, volumes, clock.
        everything: read what is not due as well ("refresh now"), and try again what was denied.
    """
    if everything:
        before = replace(before, denied={})
    report, made = gather(plan, before, edges, everything=everything)
    if made.complete:
        report = _published(plan, before, made, report, edges)
        report = _told(plan, report, edges)
        publication.sweep(report.switched, edges)
        report = _released(plan, report, edges)
    return replace(report, next=_next(plan, report, edges))


def gather(
    plan: Plan, before: State, edges: Edges, *, everything: bool = False
) -> tuple[CycleReport, Contents]:
    """Read and render what is due, the half of a cycle that writes nothing and tells nobody."""
    moment = Moment(edges.clock(), edges.draw())
    wanted = reads.demands(plan)
    due = reads.due(wanted, before, moment.now, everything=everything)
    fetched = reads.fetch(due, plan, before, edges)
    # From here on back-off counts: a cycle of time-outs lasts longer than the first pauses.
    over = replace(moment, now=edges.clock())
    noted = _noted(before, fetched, wanted, (moment, over))
    made = contents(plan, noted, fetched, _errors(fetched))
    state = _rendered(before, noted, made, wanted, over)
    return CycleReport(state, made.complete, fetched, made.failures), made


def _noted(
    before: State,
    fetched: Mapping[Reference, Fetched],
    wanted: Mapping[Reference, reads.Demand],
    span: tuple[Moment, Moment],
) -> State:
    """Write down what the reads of a span gave; forget reads that the plan no longer has."""
    began, over = span
    known = {ref: before.reads.get(ref, ReadState()) for ref in wanted}
    denied = dict(before.denied)
    superseded = dict(before.superseded)
    for reference, item in fetched.items():
        moment = began if item.error is None else over
        known[reference] = reads.note(known[reference], item, wanted[reference], moment)
        if item.remembered:
            actions = denied.get(reference.store, frozenset())
            denied[reference.store] = actions | frozenset(item.remembered)
        if item.superseded:
            earlier = superseded.get(reference.store, ())
            superseded[reference.store] = (*earlier, item.superseded)
    return replace(before, reads=known, denied=denied, superseded=superseded)


def _errors(fetched: Mapping[Reference, Fetched]) -> dict[Reference, InjectorError]:
    return {ref: item.error for ref, item in fetched.items() if item.error is not None}


def _rendered(
    before: State,
    noted: State,
    made: Contents,
    wanted: Mapping[Reference, reads.Demand],
    moment: Moment,
) -> State:
    """A read whose bytes are of no use did not succeed, though the provider answered."""
    known = dict(noted.reads)
    for reference, reason in made.unrendered.items():
        failed = reads.failed(known[reference], reason, wanted[reference], moment)
        last = before.reads.get(reference, ReadState()).succeeded_at
        known[reference] = replace(failed, succeeded_at=last)
    return replace(noted, reads=known, rendered=made.rendered)


def _published(
    plan: Plan, before: State, made: Contents, report: CycleReport, edges: Edges
) -> CycleReport:
    """Switch the volumes, with what the application is to be told noted down beforehand."""
    try:
        sets = publication.complete_sets(plan, made.rendered)
    except InjectorError as exc:
        return replace(report, complete=False, unpublished={"": exc})
    pending = _pending(plan, before, made, sets, edges)
    since = _restart_since(plan, before, pending, edges.clock())
    state = replace(report.state, pending=pending, restart_since=since)
    if pending != before.pending or made.changed:
        edges.save(state)
    switched, problems = publication.publish(sets, edges)
    if switched:
        state = replace(state, published_at=edges.clock())
    return replace(
        report,
        state=state,
        complete=not problems,
        switched=tuple(switched),
        unpublished=problems,
    )


def _pending(plan: Plan, before: State, made: Contents, sets: Sets, edges: Edges) -> frozenset[int]:
    """Choose the secrets whose `on-change` is to be carried out; none where nothing runs yet."""
    if edges.act is None:
        return frozenset()
    if before.published_at:
        # A state that could not be written is older than the files: nobody is told of those again,
        # or a full session volume would restart the application with every cycle.
        same = publication.current(sets, edges.volume)
        changed = {i for i in made.changed if not same.issuperset(plan.secrets[i].volumes)}
    else:
        # The state was lost: what the application has read may be older than what we have now.
        volumes = publication.overtaken(sets, edges.volume)
        changed = publication.touched(enumerate(plan.secrets), volumes)
    asked = {index for index in changed if plan.secrets[index].on_change is not None}
    return frozenset(before.pending | asked)


def _restart_since(plan: Plan, before: State, pending: frozenset[int], now: float) -> float:
    """When a restart was first wanted; later changes, or a clock set back, do not put it off."""
    if not any(action.kind == "restart" for action in _actions(plan, pending)):
        return 0.0
    return min(before.restart_since or now, now)


def _actions(plan: Plan, pending: Iterable[int]) -> list[Action]:
    """Each action once, in the plan's order."""
    asked = (plan.secrets[index].on_change for index in sorted(pending))
    return list(dict.fromkeys(action for action in asked if action is not None))


def _told(plan: Plan, report: CycleReport, edges: Edges) -> CycleReport:
    """Carry out each pending action once, when all of its volumes are published."""
    if edges.act is None or not report.state.pending:
        return report
    blocked = publication.touched(enumerate(plan.secrets), report.unpublished or {})
    pending = set(report.state.pending)
    untold: dict[Action, InjectorError] = {}
    restart = False
    for action in _actions(plan, pending):
        indexes = {index for index in pending if plan.secrets[index].on_change == action}
        if indexes & blocked:
            continue
        if action.kind == "restart":
            if edges.clock() < _restart_at(plan, report.state, edges):
                continue
            restart = True
        else:
            try:
                edges.act(action)
            except InjectorError as exc:
                untold[action] = exc
                continue
        pending -= indexes
    since = 0.0 if restart else report.state.restart_since
    state = replace(report.state, pending=frozenset(pending), restart_since=since)
    return replace(report, state=state, untold=untold, restart=restart)


def _released(plan: Plan, report: CycleReport, edges: Edges) -> CycleReport:
    """Give back what was replaced, once its successor is published and the application told."""
    state = report.state
    if not report.complete or report.untold or state.pending:
        return report
    left = {}
    for name, leases in state.superseded.items():
        store = plan.store(name)
        kept = edges.providers[store.provider].release(leases, store, edges.sessions)
        if kept:
            left[name] = kept
    edges.sessions.release()
    return replace(report, state=replace(state, superseded=left))


def _restart_at(plan: Plan, state: State, edges: Edges) -> float:
    return schedule.restart_at(state.restart_since, plan.restart_spread, edges.replica)


def _next(plan: Plan, report: CycleReport, edges: Edges) -> float:
    now, state = edges.clock(), report.state
    moments = [read.due_at for read in state.reads.values()]
    if report.unpublished:
        moments.append(now + PUBLISH_AGAIN)
    if report.untold:
        moments.append(now + ACT_AGAIN)
    if state.restart_since:
        moments.append(_restart_at(plan, state, edges))
    return schedule.next_wake(now, moments)
