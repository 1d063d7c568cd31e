"""
Reads: which are due, fetching them store by store, and what is known of each afterwards.

References that are equal up to the selector are one read, wherever they stand in the pod. Nothing
is rendered here, and nothing that was held is given up because a read failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from injector import parallel, schedule
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.providers.interface import Fetched, Lease, Read
from injector.render.interface import Value
from injector.state import HeldLease, ReadState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from injector.contract.plan import Plan
    from injector.contract.references import Reference
    from injector.edges import Edges
    from injector.state import State

LEASE_RETRY: Final = 1 / 8
"""Share of a lease's life that is the longest pause after a renewal that failed."""
_NEVER_READ: Final = ReadState()


@dataclass(frozen=True, slots=True)
class Demand:
    """What the secrets of a plan want of one read."""

    interval: float
    """Shortest refresh of any secret, in seconds; 0 is never again."""
    optional: bool
    """Whether every secret does without it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a cycle runs, and its one draw: reads that are due together stay together."""

    now: float
    draw: float


def demands(plan: Plan) -> dict[Reference, Demand]:
    """Every read of the plan, in its order."""
    found: dict[Reference, Demand] = {}
    for secret in plan.secrets:
        for source in secret.sources:
            read = source.reference.read
            known = found.get(read, Demand(0.0, optional=True))
            wanted = [seconds for seconds in (known.interval, secret.refresh) if seconds > 0]
            found[read] = Demand(
                min(wanted, default=0.0), optional=known.optional and secret.optional
            )
    return found


def due(
    wanted: Mapping[Reference, Demand], state: State, now: float, *, everything: bool = False
) -> list[Reference]:
    """
    Choose the reads of this cycle.

    What never succeeded is always among them, and what a clock which was ahead has noted: it is due
    at a moment that is too far off, or was read in the future. `everything` takes the others before
    their time, except leases: reading one of those again would only make a second one.
    """
    chosen = []
    for reference, demand in wanted.items():
        known = state.reads.get(reference, _NEVER_READ)
        early = everything and known.lease is None
        joining = 0.0 if known.lease else demand.interval
        longest = known.lease.duration if known.lease else demand.interval
        if (
            known.succeeded_at == 0
            or early
            or schedule.is_due(now, known.due_at, joining)
            or schedule.was_set_back(now, known.due_at, longest)
            or schedule.is_ahead(now, known.succeeded_at)
        ):
            chosen.append(reference)
    return chosen


def fetch(
    references: Sequence[Reference], plan: Plan, state: State, edges: Edges
) -> dict[Reference, Fetched]:
    """Ask each store once for all that is due of it, several stores at the same time."""
    by_store: dict[str, list[Read]] = {}
    for reference in references:
        known = state.reads.get(reference, _NEVER_READ)
        by_store.setdefault(reference.store, []).append(_read(reference, known, edges.clock()))
    results: dict[Reference, Fetched] = {}

    def ask(name: str) -> None:
        store = plan.store(name)
        provider = edges.providers.get(store.provider)
        reads = by_store[name]
        if provider is None:
            msg = f"the provider {store.provider} is not in this version"
            error = ProviderError(Reason.NOT_IN_THIS_VERSION, msg)
            answers = [Fetched(read.reference, error=error) for read in reads]
        else:
            denied = state.denied.get(name, frozenset())
            answers = provider.fetch(reads, store, edges.sessions, denied)
        results.update({item.reference: item for item in answers})

    parallel.each(ask, list(by_store))
    return {reference: results[reference] for reference in references}


def _read(reference: Reference, known: ReadState, now: float) -> Read:
    if known.value is None:
        return Read(reference, "", known.served_by)
    held = known.lease
    if held is None:
        return Read(reference, known.version, known.served_by)
    lease = Lease(held.id, held.duration, held.renewable, held.accessor, held.original)
    due = now >= held.due_at or schedule.is_ahead(now, held.issued_at)
    return Read(reference, known.version, known.served_by, lease, lease_due=due)


def note(known: ReadState, fetched: Fetched, demand: Demand, moment: Moment) -> ReadState:
    """Say what is known of a read after it was tried; last good bytes stay whatever happened."""
    if fetched.error is not None:
        absent = fetched.error.reason is Reason.NOT_FOUND and demand.optional
        if not absent or known.value is not None:
            return failed(known, fetched.error.reason, demand, moment)
    value = known.value
    if fetched.material is not None:
        value = Value(fetched.material, fetched.mapping, fetched.text, fetched.form)
    lease = _held(known.lease, fetched, moment)
    if lease is None:
        due_at = schedule.refresh_at(moment.now, demand.interval, moment.draw)
    else:
        # A life of nothing must not become a loop without a pause.
        due_at = max(min(lease.due_at, fetched.until), moment.now + schedule.BACK_OFF_FLOOR)
    return ReadState(
        version=fetched.version or known.version,
        served_by=fetched.served_by or known.served_by,
        value=value,
        succeeded_at=moment.now,
        changed_at=known.changed_at if value == known.value else moment.now,
        due_at=due_at,
        lease=lease,
    )


def failed(known: ReadState, reason: Reason, demand: Demand, moment: Moment) -> ReadState:
    """
    Count a failure: it is tried again after a back-off.

    A definite no is asked again only when a refresh would come anyway: nothing changes it but a
    person, and each try is a line in the provider's audit log.
    """
    failures = known.failures + 1
    if known.lease is not None:
        # What is held ends: a definite no of now may be a token that a new login replaces.
        pace = known.lease.duration * LEASE_RETRY
        due_at = schedule.retry_at(moment.now, failures, pace, moment.draw)
    elif ProviderError(reason, "").retryable or demand.interval <= 0:
        due_at = schedule.retry_at(moment.now, failures, demand.interval, moment.draw)
    else:
        due_at = schedule.refresh_at(moment.now, demand.interval, moment.draw)
    return replace(known, failures=failures, reason=reason, due_at=due_at)


def _held(known: HeldLease | None, fetched: Fetched, moment: Moment) -> HeldLease | None:
    """Say what is held now: the lease as it was, renewed, or another."""
    lease = fetched.lease
    if lease is None:
        return known if fetched.unchanged else None
    renewed = known if fetched.unchanged else None
    # A certificate is replaced when a renewable lease would be renewed.
    early = lease.renewable or not lease.id
    due_at = schedule.lease_due(moment.now, lease.duration, moment.draw, renewable=early)
    return HeldLease(
        id=lease.id,
        duration=lease.duration,
        renewable=lease.renewable,
        issued_at=moment.now,
        original=lease.duration if renewed is None else renewed.original,
        accessor=lease.accessor,
        due_at=due_at,
    )
