"""Replicas with one Secret: who publishes, who serves what, and when they are ready."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from webhook.cluster.api import Api
from webhook.cluster.lease import Lease
from webhook.log import Log
from webhook.metrics import Metrics
from webhook.tls.managed import LOOK_SECONDS, ROTATE, ManagedCertificate, Place
from webhook.tls.rotation import FAREWELL
from worlds import faults
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PLACE = Place("syrette", "syrette-webhook", "syrette-webhook", "syrette-webhook")
HOST = "syrette-webhook.syrette.svc"
LEASES = "/apis/coordination.k8s.io/v1"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
SETTLE = 30.0


@dataclass
class House:
    """A world, its time, and replicas in it."""

    world: KubernetesWorld
    stack: AsyncExitStack
    now: float = 1_900_000_000.0
    replicas: list[ManagedCertificate] = field(default_factory=list)

    async def replica(self, name: str, settle: float = SETTLE) -> ManagedCertificate:
        """Start one more; it looks only when it is told, or when it watches."""
        api = await Api.connect(self.world.kubeconfig)
        self.stack.push_async_callback(api.close)
        lease = Lease(api, "syrette", "syrette-webhook", name, clock=lambda: self.now)
        log = Log(os.open(os.devnull, os.O_WRONLY))
        made = ManagedCertificate(
            api,
            PLACE,
            lease,
            metrics=Metrics(),
            log=log,
            settle=settle,
            clock=lambda: self.now,
        )
        self.replicas.append(made)
        return made

    async def look(self, seconds: float = 5.0) -> None:
        """Let time pass, and every replica look once."""
        self.now += seconds
        for replica in self.replicas:
            await replica.look()

    async def settle(self) -> None:
        """Look until the next step of a rotation may be taken."""
        for _ in range(int(SETTLE / 5) + 2):
            await self.look()

    @property
    def entries(self) -> list[bytes]:
        """The published bundle of each webhook entry."""
        found = self.world.store.get(
            (f"{REGISTRATION}/mutatingwebhookconfigurations", "", "syrette-webhook")
        )
        return [
            base64.b64decode(entry["clientConfig"].get("caBundle", ""))
            for entry in found["webhooks"]
        ]

    @property
    def secret(self) -> dict[str, Any]:
        """The Secret."""
        return self.world.store.get(("/api/v1/secrets", "syrette", "syrette-webhook"))

    def rotate(self, wish: str) -> None:
        """Ask for a new authority, as an operator does."""
        secret = self.secret
        secret["metadata"]["annotations"] = {ROTATE: wish}
        self.world.store.put(("/api/v1/secrets", "syrette", "syrette-webhook"), secret)

    def shakes_hands(self, replica: ManagedCertificate) -> bool:
        """Whether the API server, which trusts the last entry, would accept what is served."""
        client = ssl.create_default_context(cadata=self.entries[-1].decode())
        # World time is years ahead: what counts here is who signed, the rest has its own tests.
        client.verify_flags |= ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME
        ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = replica.context.wrap_bio(ours, theirs, server_side=True)
        caller = client.wrap_bio(theirs, ours, server_hostname=HOST)
        for _ in range(4):
            for side in (caller, server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLError:
                    return False
        return True


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """What the chart makes: an empty Secret, an empty Lease, a configuration without bundles."""
    async with AsyncExitStack() as stack:
        world = stack.enter_context(KubernetesWorld())
        world.apply("secrets", "syrette-webhook", namespace="syrette")
        world.apply("leases", "syrette-webhook", namespace="syrette", base=LEASES)
        entries: list[dict[str, Any]] = [
            {"name": name, "clientConfig": {}} for name in ("pods", "workloads")
        ]
        world.apply(
            "mutatingwebhookconfigurations", "syrette-webhook", base=REGISTRATION, webhooks=entries
        )
        yield House(world, stack)


async def test_the_first_replica_makes_publishes_and_serves(house: House) -> None:
    """Not ready before, ready after: every entry trusts what is served."""
    one = await house.replica("one")
    before = one.ready
    await house.look()

    assert not before
    assert one.ready
    assert one.leading
    assert len(set(house.entries)) == 1
    assert house.shakes_hands(one)


async def test_the_second_replica_adopts_what_the_first_has_made(house: House) -> None:
    """One Secret, one certificate, one leader."""
    one, two = await house.replica("one"), await house.replica("two")
    await house.look()
    await house.look()

    assert (one.leading, two.leading) == (True, False)
    assert two.ready
    assert house.shakes_hands(two)


async def test_twenty_rotations_never_break_a_handshake(house: House) -> None:
    """Whatever each replica serves is trusted at every look, also by who looks one round late."""
    one, two = await house.replica("one"), await house.replica("two")
    await house.look()
    await house.look()
    authorities = {house.secret["data"]["ca.crt"]}
    for number in range(20):
        house.rotate(f"wish-{number}")
        for _ in range(20):
            house.now += 5
            for replica in (one, two):
                await replica.look()
                assert all(house.shakes_hands(each) for each in (one, two))
        authorities.add(house.secret["data"]["ca.crt"])

    assert len(authorities) == 21
    assert one.ready
    assert two.ready


async def test_a_dead_leader_is_replaced_in_the_middle_of_a_rotation(house: House) -> None:
    """The second replica finishes what the first has begun."""
    one, two = await house.replica("one"), await house.replica("two")
    await house.settle()
    house.rotate("now")
    await one.look()
    begun = house.secret["data"]
    house.replicas.remove(one)
    for _ in range(30):
        await house.look()

    assert "next-ca.crt" in begun
    assert two.leading
    assert house.secret["data"]["ca.crt"] == begun["next-ca.crt"]
    assert house.shakes_hands(two)


async def test_a_leader_frozen_before_its_write_changes_nothing(house: House) -> None:
    """Another one has written the Secret meanwhile: the thawed leader's write is a conflict."""
    one = await house.replica("one")
    await house.settle()
    house.rotate("now")

    def thaw() -> None:
        secret = house.secret
        secret["metadata"]["labels"] = {"written": "by the new leader"}
        house.world.store.put(("/api/v1/secrets", "syrette", "syrette-webhook"), secret)

    house.world.faults.add(faults.before(thaw), on="kubernetes.put secrets", times=1)
    await one.look()

    assert "next-ca.crt" not in house.secret["data"]
    assert one.ready
    await one.look()
    assert "next-ca.crt" in house.secret["data"]


async def test_a_configuration_that_was_changed_meanwhile_is_not_overwritten(house: House) -> None:
    """Publishing tests the version that was read, and is done again at the next look."""
    one = await house.replica("one")

    def upgrade() -> None:
        key = (f"{REGISTRATION}/mutatingwebhookconfigurations", "", "syrette-webhook")
        found = house.world.store.get(key)
        found["webhooks"].append({"name": "third", "clientConfig": {}})
        house.world.store.put(key, found)

    on = "kubernetes.patch mutatingwebhookconfigurations"
    house.world.faults.add(faults.before(upgrade), on=on, times=1)
    await one.look()
    first = (one.ready, len(house.entries))
    await house.look()

    assert first == (False, 3)
    assert one.ready
    assert all(house.entries)


async def test_who_takes_the_bundle_away_makes_us_unready_until_it_is_back(house: House) -> None:
    """Argo CD or Helm that resets `caBundle`: noticed at the next look, and mended."""
    one, two = await house.replica("one"), await house.replica("two")
    await house.look()
    await house.look()
    key = (f"{REGISTRATION}/mutatingwebhookconfigurations", "", "syrette-webhook")
    found = house.world.store.get(key)
    del found["webhooks"][1]["clientConfig"]["caBundle"]
    house.world.store.put(key, found)
    await two.look()
    noticed = two.ready
    await house.look()

    assert not noticed
    assert all(house.entries)
    assert one.ready
    assert two.ready


async def test_an_api_server_that_is_away_leaves_what_is_served(house: House) -> None:
    """An outage is said and nothing changes."""
    one = await house.replica("one")
    await house.look()
    house.world.go_down()
    await one.look()

    assert one.ready
    assert not one.leading


async def test_a_secret_that_nobody_can_read_is_made_anew(house: House) -> None:
    """Junk in the Secret: the leader writes a new one, and replicas follow."""
    one = await house.replica("one")
    await house.look()
    secret = house.secret
    secret["data"]["ca.crt"] = base64.b64encode(b"junk").decode()
    house.world.store.put(("/api/v1/secrets", "syrette", "syrette-webhook"), secret)
    await house.look()

    assert one.ready
    assert house.shakes_hands(one)


async def test_a_secret_that_was_emptied_breaks_no_handshake(house: House) -> None:
    """What is served stays trusted until every replica has seen what the leader made."""
    one, two = await house.replica("one"), await house.replica("two")
    await house.look()
    await house.look()
    before = house.secret["data"]["ca.crt"]
    house.world.apply("secrets", "syrette-webhook", namespace="syrette")
    await one.look()
    handshakes = [house.shakes_hands(replica) for replica in (one, two)]
    await two.look()
    handshakes += [house.shakes_hands(replica) for replica in (one, two)]
    for _ in range(FAREWELL):
        await house.settle()
    handshakes += [house.shakes_hands(replica) for replica in (one, two)]

    assert handshakes == [True] * 6
    assert house.secret["data"]["ca.crt"] != before
    assert base64.b64decode(before) not in house.entries[0]


async def test_a_secret_that_is_gone_leaves_what_is_served(house: House) -> None:
    """The webhook may not create one; whoever does brings everything back."""
    one = await house.replica("one")
    await house.look()
    house.world.delete("secrets", "syrette-webhook", namespace="syrette")
    await house.look()
    without = one.ready and house.shakes_hands(one)
    house.world.apply("secrets", "syrette-webhook", namespace="syrette")
    await house.look()

    assert without
    assert one.leading
    assert house.shakes_hands(one)
    assert house.secret["data"]["tls.crt"]


async def test_a_replica_that_starts_without_a_lease_serves(house: House) -> None:
    """Nobody leads then, and nobody needs to: what the Secret holds is published and trusted."""
    one = await house.replica("one")
    await house.look()
    house.world.delete("leases", "syrette-webhook", namespace="syrette", base=LEASES)
    two = await house.replica("two")
    await house.look()
    leading = one.leading, two.leading
    serves = two.ready and house.shakes_hands(two)
    house.world.apply("leases", "syrette-webhook", namespace="syrette", base=LEASES)
    await house.look()

    assert leading == (False, False)
    assert serves
    assert one.leading or two.leading


async def test_a_leader_that_ends_releases_the_lease(house: House) -> None:
    """The next one need not wait for the lease's end."""
    one = await house.replica("one")
    task = asyncio.create_task(one.watch())
    while not one.ready:  # noqa: ASYNC110 - happens in the task
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    two = await house.replica("two")
    await two.look()

    assert two.leading


async def test_steps_that_follow_fast_are_looked_at_as_often(house: House) -> None:
    """With a short time between two steps, watching takes them all without the long pause."""
    one = await house.replica("one", settle=0.1)
    house.now = time.time()
    task = asyncio.create_task(one.watch())
    try:
        async with asyncio.timeout(LOOK_SECONDS - 0.5):
            while not one.ready:  # noqa: ASYNC110 - happens in the task
                await asyncio.sleep(0.01)
            house.rotate("now")
            while "previous-ca.crt" not in house.secret["data"]:
                house.now += 1
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert house.shakes_hands(one)
