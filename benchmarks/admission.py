"""
The webhook under load, with logging, metrics, policy and cluster facts, beside the bare floor.

Both servers stand on one core and take turns; the load comes from the other cores. A closed loop
says what a request costs, an open one how long it takes, a burst what overload does.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks import pods, servers
from benchmarks.latencies import percentile, recovery
from benchmarks.load import Order, Outcome
from benchmarks.processes import cpu_seconds, memory, peak
from benchmarks.rows import Goal, Part, Row, paired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.effort import Effort
    from benchmarks.scene import Scene

RATES: Final = (200, 1000)
_BURST_CONNECTIONS: Final = 400
_CALM_RATE: Final = 100.0
_CALM_LATENCY: Final = 0.05
_CALM_ANSWERS: Final = 20
_SHARES: Final = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is loaded."""

    pid: int
    port: int


@dataclass(frozen=True, slots=True)
class Closed:
    """What one round of closed loop gave."""

    cpu: float
    """Seconds of the server's CPU a good answer."""
    rate: float
    """Good answers a second."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Paths of the reviews that are posted."""

    small: str
    large: str
    long: str


def measure(scene: Scene, effort: Effort) -> Iterator[Part]:
    """Measure start, cost, latency and overload."""
    yield _starts(scene, effort)
    bodies = Bodies(
        scene.body("10k.json", pods.review(pods.pod(pods.short_form(5)), pods.SMALL)),
        scene.body("65k.json", pods.review(pods.pod(pods.short_form(5)), pods.LARGE)),
        scene.body("long.json", pods.review(pods.pod(pods.long_form()), pods.SMALL)),
    )
    process, port, _ = servers.webhook(scene.folder, scene.certificate)
    with process:
        webhook = Server(process.pid, port)
        rest, private = memory(webhook.pid)
        floor_process, floor_port = servers.bare(scene.folder, scene.certificate)
        with floor_process:
            yield from _closed(
                scene, effort, bodies, webhook, Server(floor_process.pid, floor_port)
            )
        yield from _open(scene, effort, bodies, webhook)
        after, _ = memory(webhook.pid)
        rows = (
            Row("webhook: RSS at rest", rest / 1e6, "MB"),
            Row("webhook: private memory at rest", private / 1e6, "MB"),
            Row("webhook: RSS after the load", after / 1e6, "MB", "at rest", rest / 1e6),
        )
        yield Part("Webhook: memory", rows)
        yield _overload(scene, effort, bodies, webhook)


def _starts(scene: Scene, effort: Effort) -> Part:
    seconds = []
    for _ in range(effort.spawns + 1):
        process, _, taken = servers.webhook(scene.folder, scene.certificate)
        process.end()
        seconds.append(taken)
    # The first one compiles byte code.
    row = Row("spawn to ready", median(seconds[1:]), "s", goal=Goal(1.5))
    return Part("Webhook: start", (row,))


def _order(scene: Scene, server: Server, body: str, seconds: float, **more: float) -> Order:
    return Order(
        port=server.port,
        ca=str(scene.certificate.ca),
        body=body,
        seconds=seconds,
        connections=int(more.get("connections", 16)),
        rate=more.get("rate", 0.0),
    )


def _round(scene: Scene, server: Server, body: str, seconds: float) -> Closed:
    before = cpu_seconds(server.pid)
    outcome = servers.load(_order(scene, server, body, seconds))
    spent = cpu_seconds(server.pid) - before
    if not outcome.good or outcome.failed:
        msg = f"{outcome.good} good answers, {outcome.failed} failed, {outcome.shed} shed"
        raise RuntimeError(msg)
    answers = outcome.good + outcome.shed
    return Closed(spent / answers, outcome.good / outcome.seconds)


def _closed(
    scene: Scene, effort: Effort, bodies: Bodies, webhook: Server, floor: Server
) -> Iterator[Part]:
    seconds = effort.closed_seconds
    for server in (webhook, floor):
        _round(scene, server, bodies.small, 1.0)  # warms caches and branches
    kinds = {"10 KB": bodies.small, "65 KB": bodies.large, "10 KB, long form": bodies.long}
    ours: dict[str, list[Closed]] = {kind: [] for kind in kinds}
    floors: dict[str, list[Closed]] = {kind: [] for kind in kinds}
    for _ in range(effort.rounds):
        for kind, body in kinds.items():
            ours[kind].append(_round(scene, webhook, body, seconds))
            floors[kind].append(_round(scene, floor, body, seconds))
    rows = []
    for kind in kinds:
        cpu, floor_cpu = [one.cpu for one in ours[kind]], [one.cpu for one in floors[kind]]
        rate, floor_rate = [one.rate for one in ours[kind]], [one.rate for one in floors[kind]]
        judged = kind == "10 KB"
        rows += [
            Row(
                f"CPU a request, {kind}",
                median(cpu) * 1e6,
                "µs",
                "bare handler",
                median(floor_cpu) * 1e6,
                Goal(2.0, of_ratio=True) if judged else None,
                paired(cpu, floor_cpu),
            ),
            Row(
                f"requests a second, one core, {kind}",
                median(rate),
                "/s",
                "bare handler",
                median(floor_rate),
                Goal(4500, at_least=True) if judged else None,
                paired(rate, floor_rate),
            ),
        ]
    yield Part("Webhook: closed loop, 16 connections", tuple(rows))


def _open(scene: Scene, effort: Effort, bodies: Bodies, webhook: Server) -> Iterator[Part]:
    rows = []
    for kind, body in (("10 KB", bodies.small), ("65 KB", bodies.large)):
        for rate in RATES:
            order = _order(scene, webhook, body, effort.open_seconds, rate=rate)
            outcome = servers.load(order)
            rows += _latencies(f"{kind}, {rate}/s", outcome, judged=kind == "10 KB")
    yield Part("Webhook: open loop, from the scheduled instant", tuple(rows))


def _latencies(name: str, outcome: Outcome, *, judged: bool) -> Iterator[Row]:
    for share, word in _SHARES:
        goal = Goal(6) if judged and word == "p99" else None
        yield Row(f"{word}, {name}", percentile(outcome.latencies, share) * 1000, "ms", goal=goal)
    if outcome.shed or outcome.failed:
        yield Row(f"not answered 200, {name}", outcome.shed + outcome.failed, "", goal=Goal(0))


def _overload(scene: Scene, effort: Effort, bodies: Bodies, webhook: Server) -> Part:
    burst = servers.load(
        _order(
            scene,
            webhook,
            bodies.large,
            effort.burst_seconds,
            connections=_BURST_CONNECTIONS,
        )
    )
    calm = servers.load(
        _order(scene, webhook, bodies.small, effort.calm_seconds, connections=4, rate=_CALM_RATE)
    )
    normal = recovery(calm.moments, calm.latencies, normal=_CALM_LATENCY, in_a_row=_CALM_ANSWERS)
    if normal is None:
        msg = f"service was not normal again within {effort.calm_seconds:g} s"
        raise RuntimeError(msg)
    after, _ = memory(webhook.pid)
    rows = (
        Row("answered 200", burst.good / burst.seconds, "/s"),
        Row("answered 429", burst.shed / burst.seconds, "/s"),
        Row("other answers, or none", burst.failed, "", goal=Goal(0)),
        Row("peak RSS", peak(webhook.pid) / 1e6, "MB", goal=Goal(200)),
        Row("RSS afterwards", after / 1e6, "MB"),
        Row("until normal again", normal, "s", goal=Goal(5)),
    )
    return Part(f"Webhook: overload, {_BURST_CONNECTIONS} connections with 65 KB pods", rows)
