"""Which reads belong to a cycle, and what is known of them afterwards."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from injector import reads
from injector.contract import references
from injector.contract.plan import Plan
from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.edges import Edges
from injector.errors import ProviderError
from injector.material import Material
from injector.providers.interface import Fetched, Lease
from injector.reads import Demand, Moment
from injector.render.interface import Value
from injector.state import HeldLease, ReadState, State
from tests.injector.cycle.pod import VOLUME, file
from tests.injector.sessions.logins import Clock, Logins, cache_of

A = references.parse("aws-ssm:/a")
NOW = 1_764_000_000.0
YEAR = 365 * 86400.0
QUARTER = Demand(900.0, optional=False)
ONCE = Demand(0.0, optional=False)
MOMENT = Moment(NOW, 0.5)
LEASE = HeldLease("x", 3600.0, renewable=True, issued_at=NOW, original=3600.0)


def due(known: ReadState | None, demand: Demand = QUARTER, *, everything: bool = False) -> bool:
    """Say whether a read with this past is due."""
    state = State({} if known is None else {A: known})
    return reads.due({A: demand}, state, NOW, everything=everything) == [A]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, True),
        (ReadState(due_at=NOW + 500), True),
        (ReadState(succeeded_at=NOW, due_at=NOW + 500), False),
        (ReadState(succeeded_at=NOW, due_at=NOW + 89), True),
        (ReadState(succeeded_at=NOW, due_at=NOW), True),
        (ReadState(succeeded_at=NOW, due_at=NOW - YEAR), True),
        (ReadState(succeeded_at=NOW + YEAR, due_at=NOW + YEAR), True),
        (ReadState(succeeded_at=NOW, due_at=NOW + 89, lease=LEASE), False),
        (ReadState(succeeded_at=NOW, due_at=NOW + 3000, lease=LEASE), False),
        (ReadState(succeeded_at=NOW, due_at=NOW + YEAR, lease=LEASE), True),
    ],
)
def test_what_is_due(known: ReadState | None, *, expected: bool) -> None:
    """What never succeeded, what its moment has come for, and what only a wrong clock put off."""
    assert due(known) is expected


def test_what_is_never_read_again_is_not_due() -> None:
    """Whatever the clock says; a first failure is tried again."""
    assert not due(ReadState(succeeded_at=1.0, due_at=math.inf), ONCE)
    assert due(ReadState(failures=1, due_at=NOW + 300), ONCE)


def test_everything_takes_all_but_leases() -> None:
    """Reading a lease again would only make a second one."""
    fresh = ReadState(succeeded_at=NOW, due_at=NOW + 899)

    assert due(fresh, everything=True)
    assert not due(ReadState(succeeded_at=NOW, due_at=NOW + 89, lease=LEASE), everything=True)


def test_the_shortest_interval_counts() -> None:
    """Of all secrets that share a read; none is never, and one that is required makes it so."""
    plan = Plan(
        (
            file("aws-ssm:/a#x", refresh=900.0, optional=True),
            file("aws-ssm:/a#y", refresh=60.0),
            file("aws-ssm:/a", refresh=0.0, optional=True),
            file("aws-ssm:/b", refresh=0.0, optional=True),
        ),
        (),
        (VOLUME,),
    )

    assert list(reads.demands(plan).values()) == [
        Demand(60.0, optional=False),
        Demand(0.0, optional=True),
    ]


def test_a_lease_rules_itself() -> None:
    """It is due by its own life, and an unchanged answer keeps it."""
    lease = Lease("x", 3600.0, renewable=True)
    first = reads.note(
        ReadState(), Fetched(A, material=Material(b"1"), lease=lease), QUARTER, MOMENT
    )
    kept = reads.note(first, Fetched(A, unchanged=True), QUARTER, Moment(NOW + 60, 0.5))

    assert first.lease == LEASE
    assert NOW + 0.8 * 3600 <= first.due_at <= NOW + 0.9 * 3600
    assert (kept.lease, kept.due_at, kept.value) == (LEASE, first.due_at, first.value)


def test_bytes_that_change_are_noted_as_changed() -> None:
    """Equal ones are not; either is a success."""
    known = ReadState(value=Value(Material(b"1")), changed_at=5.0, failures=3)
    same = reads.note(known, Fetched(A, material=Material(b"1")), QUARTER, MOMENT)
    other = reads.note(known, Fetched(A, material=Material(b"2")), QUARTER, MOMENT)

    assert (same.changed_at, other.changed_at) == (5.0, NOW)
    assert (same.succeeded_at, same.failures, same.due_at) == (NOW, 0, NOW + 900)


@pytest.mark.parametrize(
    ("reason", "demand", "expected"),
    [
        (Reason.THROTTLED, QUARTER, NOW + 2.5),
        (Reason.ACCESS_DENIED, QUARTER, NOW + 900),
        (Reason.ACCESS_DENIED, ONCE, NOW + 2.5),
    ],
)
def test_a_failure_keeps_the_last_good_bytes(
    reason: Reason, demand: Demand, expected: float
) -> None:
    """What may pass is tried again soon, a definite no when a refresh would come anyway."""
    known = ReadState(value=Value(Material(b"1")), succeeded_at=5.0, version="v1")
    failed = reads.note(known, Fetched(A, error=ProviderError(reason, "")), demand, MOMENT)

    assert (failed.value, failed.succeeded_at, failed.version) == (known.value, 5.0, "v1")
    assert (failed.failures, failed.reason, failed.due_at) == (1, reason, expected)


def test_an_optional_secret_may_be_absent_until_it_was_there() -> None:
    """Absent at first is a success without bytes; absent later keeps the last good ones."""
    absent = Fetched(A, error=ProviderError(Reason.NOT_FOUND, ""))
    optional = Demand(900.0, optional=True)
    first = reads.note(ReadState(), absent, optional, MOMENT)
    later = reads.note(ReadState(value=Value(Material(b"1"))), absent, optional, MOMENT)

    assert (first.reason, first.value, first.succeeded_at) == (None, None, NOW)
    assert (later.reason, later.value) == (Reason.NOT_FOUND, Value(Material(b"1")))


def test_a_provider_of_another_version_is_said() -> None:
    """Every read of its stores fails with the same words."""
    plan = Plan((file("later:x"),), (Store("later", "sops", {}),), (VOLUME,))
    edges = Edges(cache_of(Logins(Clock())), Path, providers={})
    reference = plan.secrets[0].sources[0].reference
    error = reads.fetch([reference], plan, State(), edges)[reference].error

    assert error is not None
    assert error.reason is Reason.NOT_IN_THIS_VERSION
    assert "the provider sops is not in this version" in str(error)
