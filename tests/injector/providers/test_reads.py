"""Reads: what is due, who is asked, and what is known afterwards, with a provider in memory."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from injector import reads
from injector.contract import references
from injector.contract.plan import Plan
from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.edges import Edges
from injector.errors import ProviderError
from injector.material import Material
from injector.parallel import PARALLEL
from injector.providers.interface import Fetched, Lease, Provider, Read
from injector.reads import Demand, Moment
from injector.render.interface import Value
from injector.state import HeldLease, ReadState, State
from tests.injector.cycle.pod import file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from injector.sessions import SessionCache

NOW = 1_000_000.0
MOMENT = Moment(NOW, 0.5)
HOURLY = Demand(3600.0, optional=False)
A = references.parse("aws-ssm:/a")


class Memory(Provider):
    """Answers every read with its own path; journals what it was asked."""

    def __init__(self, together: int = 1) -> None:
        self.asked: list[tuple[str, list[Read], frozenset[str]]] = []
        self._barrier = threading.Barrier(together)

    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str],
    ) -> list[Fetched]:
        del sessions
        self._barrier.wait(10)
        self.asked.append((store.name, list(reads), denied))
        return [Fetched(r.reference, Material(r.reference.path.encode()), "1") for r in reads]


class Broken(Provider):
    """Can read nothing at all."""

    def _fetch(self, *_: object) -> list[Fetched]:
        raise ProviderError(
            Reason.THROTTLED, "slow", step="Step", code="Code", request_id="id", remedy="wait"
        )


def edges(**providers: Provider) -> Edges:
    """Doors with these providers, and no sessions."""
    nobody: Any = None
    given = {name.replace("_", "-"): provider for name, provider in providers.items()}
    return Edges(nobody, _nowhere, providers=given)


def test_error_of_all_keeps_its_fields() -> None:
    """What a provider raises is each read's error as it is."""
    nobody: Any = None
    fetched = Broken().fetch([Read(A), Read(A)], Store("s", "aws-ssm"), nobody)

    assert len(fetched) == 2
    error = fetched[1].error
    assert error is not None
    assert (error.reason, str(error), error.step, error.code) == (
        Reason.THROTTLED,
        "slow",
        "Step",
        "Code",
    )
    assert (error.request_id, error.remedy) == ("id", "wait")


def test_demand_is_the_shortest_interval_and_the_strictest_wish() -> None:
    """Secrets that share a read: the most frequent refresh, optional only if all are."""
    secrets = (
        file("aws-ssm:/a#x", "x", refresh=0.0, optional=True),
        file("aws-ssm:/a#y", "y", refresh=900.0, optional=True),
        file("aws-ssm:/a", "z", refresh=300.0),
        file("aws-ssm:/b", "b", refresh=0.0, optional=True),
    )
    wanted = reads.demands(Plan(secrets, (), ()))

    assert wanted == {
        A: Demand(300.0, optional=False),
        references.parse("aws-ssm:/b"): Demand(0.0, optional=True),
    }


@pytest.mark.parametrize(
    ("known", "interval", "everything", "chosen"),
    [
        (ReadState(), 0.0, False, True),
        (ReadState(succeeded_at=1, due_at=math.inf), 0.0, False, False),
        (ReadState(succeeded_at=1, due_at=NOW), 3600.0, False, True),
        (ReadState(succeeded_at=1, due_at=NOW + 300), 3600.0, False, True),
        (ReadState(succeeded_at=1, due_at=NOW + 400), 3600.0, False, False),
        (ReadState(succeeded_at=1, due_at=NOW + 400), 3600.0, True, True),
        (ReadState(succeeded_at=1, due_at=math.inf), 0.0, True, True),
    ],
    ids=["never read", "never again", "due", "soon", "later", "forced", "forced though never"],
)
def test_due_is_what_its_time_or_somebody_asks_for(
    known: ReadState, interval: float, *, everything: bool, chosen: bool
) -> None:
    """What would be due within a tenth of its interval joins; SIGHUP takes everything."""
    wanted = {A: Demand(interval, optional=False)}

    assert reads.due(wanted, State({A: known}), NOW, everything=everything) == [A] * chosen


def test_lease_is_not_read_before_its_time() -> None:
    """Reading a lease again makes a second one: neither jitter nor a forced refresh does."""
    lease = HeldLease("l", 3600, renewable=False, issued_at=NOW, original=3600)
    known = ReadState(succeeded_at=1, due_at=NOW + 10, lease=lease)

    assert reads.due({A: HOURLY}, State({A: known}), NOW, everything=True) == []
    assert reads.due({A: HOURLY}, State({A: known}), NOW + 10) == [A]


def test_each_store_is_asked_once_with_what_is_held() -> None:
    """Reads go by store, with known versions (if their bytes are there) and remembered denials."""
    memory = Memory()
    plan = Plan((), (Store("aws-ssm", "aws-ssm"), Store("other", "aws-ssm")), ())
    b, c = references.parse("aws-ssm:/b"), references.parse("other:/c")
    held = ReadState("7", "eu-west-1", Value(Material(b"x")), succeeded_at=1)
    state = State(
        {A: held, b: replace(held, value=None)}, {"aws-ssm": frozenset({"BatchGetSecretValue"})}
    )
    fetched = reads.fetch([A, b, c], plan, state, edges(aws_ssm=memory))

    assert list(fetched) == [A, b, c]
    assert sorted(memory.asked, key=lambda item: item[0]) == [
        (
            "aws-ssm",
            [Read(A, "7", "eu-west-1"), Read(b, "", "eu-west-1")],
            frozenset({"BatchGetSecretValue"}),
        ),
        ("other", [Read(c)], frozenset()),
    ]


def test_stores_are_read_at_the_same_time() -> None:
    """Three stores meet at a barrier: in sequence they would wait for ever."""
    memory = Memory(together=3)
    names = ("one", "two", "three")
    plan = Plan((), tuple(Store(name, "aws-ssm") for name in names), ())
    asked = [references.parse(f"{name}:/x") for name in names]
    fetched = reads.fetch(asked, plan, State(), edges(aws_ssm=memory))

    assert list(fetched) == asked
    assert {item.error for item in fetched.values()} == {None}


def test_more_stores_than_threads_are_all_read() -> None:
    """The bound is of what happens at once, not of what is read."""
    memory = Memory()
    names = [f"s{number}" for number in range(3 * PARALLEL)]
    plan = Plan((), tuple(Store(name, "aws-ssm") for name in names), ())
    asked = [references.parse(f"{name}:/x") for name in names]
    fetched = reads.fetch(asked, plan, State(), edges(aws_ssm=memory))

    assert list(fetched) == asked
    assert len(memory.asked) == len(names)


def test_new_bytes_are_noted_with_their_version_and_region() -> None:
    """After a success: what is held, since when, and when it is read again."""
    got = Fetched(A, Material(b"new"), "2", served_by="eu-west-1")
    known = ReadState("1", "eu-central-1", Value(Material(b"old")), 5.0, 5.0, failures=3)
    noted = reads.note(known, got, HOURLY, MOMENT)

    assert (noted.version, noted.served_by, noted.value) == (
        "2",
        "eu-west-1",
        Value(Material(b"new")),
    )
    assert (noted.succeeded_at, noted.changed_at, noted.due_at) == (NOW, NOW, NOW + 3600)
    assert (noted.failures, noted.reason) == (0, None)


def test_unchanged_keeps_bytes_and_the_moment_of_change() -> None:
    """Nothing moved: only the success is new."""
    known = ReadState("1", "eu-west-1", Value(Material(b"old")), 5.0, 5.0)
    noted = reads.note(known, Fetched(A, unchanged=True), HOURLY, MOMENT)

    assert noted == replace(known, succeeded_at=NOW, due_at=NOW + 3600)


@pytest.mark.parametrize(
    ("reason", "due_at"),
    [(Reason.UNAVAILABLE, NOW + 10), (Reason.ACCESS_DENIED, NOW + 3600)],
    ids=["may pass", "definite"],
)
def test_failure_keeps_the_last_good_bytes(reason: Reason, due_at: float) -> None:
    """What may pass is tried soon, a definite no when a refresh would come anyway."""
    known = ReadState("1", "eu-west-1", Value(Material(b"old")), 5.0, 5.0, failures=2)
    noted = reads.note(known, Fetched(A, error=ProviderError(reason, "no")), HOURLY, MOMENT)

    assert (noted.value, noted.succeeded_at) == (Value(Material(b"old")), 5.0)
    assert (noted.failures, noted.reason, noted.due_at) == (3, reason, due_at)


def test_definite_no_of_what_is_never_refreshed_is_tried_again() -> None:
    """There is no refresh to wait for."""
    once = Demand(0.0, optional=False)
    error = ProviderError(Reason.NOT_FOUND, "no")
    noted = reads.note(ReadState(), Fetched(A, error=error), once, MOMENT)

    assert noted.due_at == NOW + 2.5


def test_absent_optional_secret_is_a_success_without_bytes() -> None:
    """Unless it was there before: then its absence is a failure that keeps it."""
    optional = Demand(3600.0, optional=True)
    absent = Fetched(A, error=ProviderError(Reason.NOT_FOUND, "no"))
    never = reads.note(ReadState(), absent, optional, MOMENT)
    held = reads.note(ReadState(value=Value(Material(b"old"))), absent, optional, MOMENT)

    assert (never.value, never.reason, never.succeeded_at) == (None, None, NOW)
    assert (held.value, held.reason) == (Value(Material(b"old")), Reason.NOT_FOUND)


def test_lease_rules_its_own_time() -> None:
    """A lease is renewed at two thirds of its life, whatever the interval says."""
    got = Fetched(A, Material(b"x"), lease=Lease("l", 1000.0, renewable=True))
    noted = reads.note(ReadState(), got, HOURLY, MOMENT)
    later = Moment(NOW + 100, 0.5)
    unchanged = reads.note(noted, Fetched(A, unchanged=True), HOURLY, later)

    due_at = NOW + 1000 * (2 / 3 - 0.05)
    assert noted.lease == HeldLease("l", 1000.0, True, NOW, 1000.0, due_at=due_at)  # noqa: FBT003 - its fields in order
    assert noted.due_at == due_at
    assert unchanged.lease == noted.lease


def _nowhere(_volume: str) -> Path:
    raise AssertionError
