"""Leadership: one at a time, taken over from the dead, refused to the thawed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from webhook.cluster.api import Api, ApiError
from webhook.cluster.lease import LEASE_SECONDS, Lease
from worlds import faults
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BASE = "/apis/coordination.k8s.io/v1"
NAMESPACE, NAME = "syrette", "syrette-webhook"


@dataclass
class Time:
    """A monotonic clock that the test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Give the present moment."""
        return self.now


@dataclass
class Candidates:
    """Two replicas and their world."""

    world: KubernetesWorld
    time: Time
    one: Lease
    two: Lease

    @property
    def spec(self) -> dict[str, Any]:
        """What stands in the Lease."""
        found = self.world.store.get((f"{BASE}/leases", NAMESPACE, NAME))
        spec: dict[str, Any] = found["spec"]
        return spec


@pytest.fixture
async def candidates() -> AsyncIterator[Candidates]:
    """Two replicas with clocks of their own that agree on nothing but the speed."""
    with KubernetesWorld() as world:
        world.apply("leases", NAME, namespace=NAMESPACE, base=BASE, spec={})
        api = await Api.connect(world.kubeconfig)
        time = Time()
        one = Lease(api, NAMESPACE, NAME, "one", clock=time)
        two = Lease(api, NAMESPACE, NAME, "two", clock=lambda: time.now + 77_777)
        try:
            yield Candidates(world, time, one, two)
        finally:
            await api.close()


async def test_one_leads_and_renews(candidates: Candidates) -> None:
    """Who holds the lease keeps it as long as it renews in time."""
    assert await candidates.one.held()
    for _ in range(5):
        assert not await candidates.two.held()
        candidates.time.now += LEASE_SECONDS * 0.9
        assert await candidates.one.held()

    assert candidates.spec["holderIdentity"] == "one"
    assert candidates.spec["leaseTransitions"] == 1


async def test_a_dead_leader_is_followed(candidates: Candidates) -> None:
    """After the lease time without a renewal, as our own clock counts it."""
    await candidates.one.held()
    before = await candidates.two.held()
    candidates.time.now += LEASE_SECONDS + 1
    after = await candidates.two.held()

    assert (before, after) == (False, True)
    assert candidates.spec["holderIdentity"] == "two"
    assert candidates.spec["leaseTransitions"] == 2


async def test_a_leader_that_thaws_leads_no_more(candidates: Candidates) -> None:
    """It looks before it acts, and finds another holder."""
    await candidates.one.held()
    await candidates.two.held()
    candidates.time.now += LEASE_SECONDS + 1
    await candidates.two.held()

    assert not await candidates.one.held()


async def test_of_two_that_try_at_once_one_wins(candidates: Candidates) -> None:
    """Both read the same version; the second write is a conflict."""
    found = await asyncio.gather(candidates.one.held(), candidates.two.held())

    assert sorted(found) == [False, True]


async def test_a_write_in_between_is_a_conflict(candidates: Candidates) -> None:
    """Frozen between reading and writing: the resourceVersion is old by then."""

    def thief() -> None:
        candidates.world.apply(
            "leases", NAME, namespace=NAMESPACE, base=BASE, spec={"holderIdentity": "thief"}
        )

    candidates.world.faults.add(faults.before(thief), on="kubernetes.put leases", times=1)

    assert not await candidates.one.held()
    assert candidates.spec["holderIdentity"] == "thief"


async def test_a_released_lease_is_free_at_once(candidates: Candidates) -> None:
    """A leader that ends in order lets the next one in without a wait; others cannot release."""
    await candidates.one.held()
    await candidates.two.release()
    kept = candidates.spec["holderIdentity"]
    await candidates.one.release()

    assert kept == "one"
    assert await candidates.two.held()


async def test_an_api_server_that_is_away_makes_no_leader(candidates: Candidates) -> None:
    """An error is said, and releasing without it is no error."""
    await candidates.one.held()
    candidates.world.go_down()
    await candidates.one.release()

    with pytest.raises(ApiError, match="leases/syrette-webhook"):
        await candidates.one.held()
