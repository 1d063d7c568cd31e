"""More than can be answered: 429 with a date, bounded memory, and service again afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.webhook.server.client import PATIENCE, Client, Reply, post
from tests.webhook.server.house import REVIEW, SHORT, Fake, Running, serving

if TYPE_CHECKING:
    from pathlib import Path


def _together(running: Running, number: int) -> list[Reply]:
    """Ask on many connections at the same moment."""
    context = running.pki.client()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port, context)) for _ in range(number)]
        for client in clients:
            client.send(post(REVIEW))
        return [client.reply() for client in clients]


def test_requests_beyond_those_in_flight_are_asked_to_come_again(tmp_path: Path) -> None:
    """The API server retries a 429 inside the admission; a dropped connection is a lost pod."""
    release = threading.Event()

    async def wait(_: bytes) -> None:
        await asyncio.to_thread(release.wait, PATIENCE)

    limits = replace(SHORT, in_flight=4, decision_seconds=10, answer_seconds=20)
    with serving(tmp_path, Fake(before=wait), limits) as running:
        with contextlib.ExitStack() as stack:
            context = running.pki.client()
            waiting = [stack.enter_context(Client(running.port, context)) for _ in range(4)]
            for client in waiting:
                client.send(post(REVIEW))
            while running.metric("syrette_in_flight_requests") < 4:
                time.sleep(0.01)
            with running.client() as client:
                shed = client.ask(post(REVIEW))
                release.set()
                answered = [waiter.reply().status for waiter in waiting]
                again = client.ask(post(REVIEW))

        assert (shed.status, shed.headers["retry-after"]) == (429, "1")
        assert again.status == 200
        assert answered == [200] * 4
        assert running.metric("syrette_shed_requests_total") == 1


def test_what_waited_too_long_for_the_cpu_is_shed(tmp_path: Path) -> None:
    """When deciding takes all the time there is, the queue is cut short instead of growing."""

    async def work(_: bytes) -> None:
        time.sleep(0.05)  # noqa: ASYNC251 - the CPU is what is scarce here

    limits = replace(SHORT, lag_seconds=0.2, header_seconds=PATIENCE, answer_seconds=PATIENCE)
    with serving(tmp_path, Fake(before=work), limits) as running:
        replies = _together(running, 40)
        with running.client() as client:
            after = client.ask(post(REVIEW))

    assert {reply.status for reply in replies} == {200, 429}
    assert after.status == 200


def test_a_decision_that_hangs_is_given_up(tmp_path: Path) -> None:
    """The API server hears of it before its own patience ends."""

    async def hang(_: bytes) -> None:
        await asyncio.sleep(60)

    with serving(tmp_path, Fake(before=hang)) as running:
        reply = running.ask(post(REVIEW))

    assert (reply.status, reply.headers["retry-after"]) == (429, "1")


def test_bodies_that_arrive_together_are_bounded(tmp_path: Path) -> None:
    """However many upload, no more than the bound is held; small requests get in again."""
    limits = replace(SHORT, buffered_bytes=1 << 20, body_seconds=2.0, answer_seconds=10)
    whole = post(b" " * (2 << 20))
    with serving(tmp_path, limits=limits) as running:
        with running.client() as client:
            client.send(whole[: 3 << 19])
            reply = client.reply()

        assert reply.status == 429
        assert running.ask(post(REVIEW)).status == 200
        assert running.metric("syrette_arriving_bytes") == 0


def test_beyond_the_connections_the_quiet_ones_make_room(tmp_path: Path) -> None:
    """A client that only holds connections does not lock out the one that asks."""
    limits = replace(SHORT, connections=10, crowded_seconds=0, header_seconds=30)
    with serving(tmp_path, limits=limits) as running, contextlib.ExitStack() as stack:
        for _ in range(5):
            assert stack.enter_context(running.client()).ask(post(REVIEW)).status == 200
        silent = [stack.enter_context(running.client()) for _ in range(5)]

        assert running.ask(post(REVIEW)).status == 200
        assert silent[0].closed()


def test_a_full_house_turns_nobody_out_for_nobody(tmp_path: Path) -> None:
    """The last place may be taken without a quiet connection's end, while no other one waits."""
    limits = replace(SHORT, connections=4, crowded_seconds=0, header_seconds=10 * PATIENCE)
    with serving(tmp_path, limits=limits) as running, contextlib.ExitStack() as stack:
        held = []
        for _ in range(4):
            held.append(stack.enter_context(running.client()))
            assert held[-1].ask(post(REVIEW)).status == 200

        assert [client.ask(post(REVIEW)).status for client in held] == [200] * 4
        assert running.metric("syrette_cut_connections_total") == 0


def test_without_descriptors_the_longest_handshakes_make_room(tmp_path: Path) -> None:
    """Half a handshake does not hold what others need, long before its own deadline."""
    limits = replace(SHORT, handshake_seconds=10 * PATIENCE)
    with serving(tmp_path, limits=limits, places=8) as running, contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(Client(running.port)).send(b"\x16\x03\x01\x02\x00\x01")

        assert running.ask(post(REVIEW)).status == 200


def test_without_descriptors_the_quiet_ones_make_room(tmp_path: Path) -> None:
    """As do connections that nobody asks anything on."""
    limits = replace(SHORT, header_seconds=10 * PATIENCE)
    with serving(tmp_path, limits=limits, places=8) as running, contextlib.ExitStack() as stack:
        context = running.pki.client()
        for _ in range(8):
            stack.enter_context(Client(running.port, context))

        assert running.ask(post(REVIEW)).status == 200


def test_many_new_connections_are_all_served(tmp_path: Path) -> None:
    """A connection for every request, many at once, through few places: slow, but none is lost."""
    limits = replace(
        SHORT,
        connections=20,
        handshakes=4,
        handshake_seconds=PATIENCE,
        crowded_seconds=PATIENCE,
        header_seconds=PATIENCE,
        lag_seconds=PATIENCE,
    )
    with serving(tmp_path, limits=limits) as running, ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(running.ask, [post(REVIEW)] * 200))

    assert [reply.status for reply in replies] == [200] * 200


def test_clients_that_gave_up_cost_no_handshake(tmp_path: Path) -> None:
    """Who left while waiting to be accepted is dropped first, and the next one is served."""
    begun, release = threading.Event(), threading.Event()

    async def block(_: bytes) -> None:
        begun.set()
        release.wait(5)

    limits = replace(SHORT, decision_seconds=10, lag_seconds=10)
    with serving(tmp_path, Fake(before=block), limits) as running:
        with running.client() as busy:
            busy.send(post(REVIEW))
            assert begun.wait(PATIENCE)
            for _ in range(50):
                with Client(running.port) as client:
                    client.send(b"\x16\x03\x01\x02\x00\x01")
            release.set()
            assert busy.reply().status == 200
        assert running.ask(post(REVIEW)).status == 200
        assert running.metric("syrette_failed_handshakes_total") == 0
