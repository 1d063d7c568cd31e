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
from benchmarks.load import NUMBER, Order, Outcome
from benchmarks.processes import cpu_seconds, memory, peak
from benchmarks.rows import Goal, Part, Row, paired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.effort import Effort
    from benchmarks.scene import Scene

RATES: Final = (200, 1000)
_DEPLOYMENTS: Final = 16
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
class Kind:
    """Pods of one kind, and whether the goals are for them."""

    name: str
    bodies: list[str]
    judged: bool = False


def _kinds(scene: Scene) -> tuple[Kind, ...]:
    """
    Pods as replicas of 16 Deployments, which is how pods come, and pods that are all different.

    Every pod has a uid and a token volume with a name of its own.
    """
    short, long = pods.short_form(5), pods.long_form()

    def replicas(name: str, annotations: dict[str, str], size: int) -> list[str]:
        return [
            scene.body(
                f"{name}-{number}", pods.review(pods.pod(annotations, f"web{number:02}"), size)
            )
            for number in range(_DEPLOYMENTS)
        ]

    fresh = pods.pod(short, revision=NUMBER.decode())
    return (
        Kind("10 KB", replicas("small", short, pods.SMALL), judged=True),
        Kind("10 KB, no two alike", [scene.body("fresh", pods.review(fresh, pods.SMALL))]),
        Kind("10 KB, long form", replicas("long", long, pods.SMALL)),
        Kind("65 KB", replicas("large", short, pods.LARGE)),
    )


def measure(scene: Scene, effort: Effort) -> Iterator[Part]:
    """Measure start, cost, latency and overload."""
    yield _starts(scene, effort)
    kinds = _kinds(scene)
    process, port, _ = servers.webhook(scene.folder, scene.certificate)
    with process:
        webhook = Server(process.pid, port)
        rest, private = memory(webhook.pid)
        floor_process, floor_port = servers.bare(scene.folder, scene.certificate)
        with floor_process:
            floor = Server(floor_process.pid, floor_port)
            yield _closed(scene, effort, kinds, (webhook, floor))
        yield _open(scene, effort, kinds, webhook)
        after, _ = memory(webhook.pid)
        rows = (
            Row("webhook: RSS at rest", rest / 1e6, "MB"),
            Row("webhook: private memory at rest", private / 1e6, "MB"),
            Row("webhook: RSS after the load", after / 1e6, "MB", "at rest", rest / 1e6),
        )
        yield Part("Webhook: memory", rows)
        yield _overload(scene, effort, kinds, webhook)


def _starts(scene: Scene, effort: Effort) -> Part:
    seconds = []
    for _ in range(effort.spawns + 1):
        process, _, taken = servers.webhook(scene.folder, scene.certificate)
        process.end()
        seconds.append(taken)
    # The first one compiles byte code.
    row = Row("spawn to ready", median(seconds[1:]), "s", goal=Goal(1.5))
    return Part("Webhook: start", (row,))


def _order(scene: Scene, server: Server, kind: Kind, seconds: float, **more: float) -> Order:
    return Order(
        port=server.port,
        ca=str(scene.certificate.ca),
        bodies=kind.bodies,
        seconds=seconds,
        connections=int(more.get("connections", 16)),
        rate=more.get("rate", 0.0),
    )


def _round(scene: Scene, server: Server, kind: Kind, seconds: float) -> Closed:
    before = cpu_seconds(server.pid)
    outcome = servers.load(_order(scene, server, kind, seconds))
    spent = cpu_seconds(server.pid) - before
    if not outcome.good or outcome.failed:
        msg = f"{outcome.good} good answers, {outcome.failed} failed, {outcome.shed} shed"
        raise RuntimeError(msg)
    return Closed(spent / (outcome.good + outcome.shed), outcome.good / outcome.seconds)


def _closed(
    scene: Scene, effort: Effort, kinds: Sequence[Kind], sides: tuple[Server, Server]
) -> Part:
    """Let both servers take turns; the second is the floor."""
    webhook, floor = sides
    for server in sides:
        _round(scene, server, kinds[0], 1.0)  # warms caches and branches
    pairs: dict[str, list[tuple[Closed, Closed]]] = {kind.name: [] for kind in kinds}
    for _ in range(effort.rounds):
        for kind in kinds:
            ours = _round(scene, webhook, kind, effort.closed_seconds)
            theirs = _round(scene, floor, kind, effort.closed_seconds)
            pairs[kind.name].append((ours, theirs))
    rows = [row for kind in kinds for row in _pair(kind, pairs[kind.name])]
    return Part("Webhook: closed loop, 16 connections", tuple(rows))


def _pair(kind: Kind, rounds: Sequence[tuple[Closed, Closed]]) -> Iterator[Row]:
    cpu = [[side.cpu for side in pair] for pair in rounds]
    rate = [[side.rate for side in pair] for pair in rounds]
    for what, unit, factor, numbers, goal in (
        ("CPU a request", "µs", 1e6, cpu, Goal(2.0, of_ratio=True)),
        ("requests a second, one core", "/s", 1.0, rate, Goal(4500, at_least=True)),
    ):
        ours, theirs = zip(*numbers, strict=True)
        yield Row(
            f"{what}, {kind.name}",
            median(ours) * factor,
            unit,
            "bare handler",
            median(theirs) * factor,
            goal if kind.judged else None,
            paired(ours, theirs),
        )


def _open(scene: Scene, effort: Effort, kinds: Sequence[Kind], webhook: Server) -> Part:
    rows: list[Row] = []
    for kind in (kinds[0], kinds[-1]):
        for rate in RATES:
            order = _order(scene, webhook, kind, effort.open_seconds, rate=rate)
            name = f"{kind.name}, {rate}/s"
            rows += _latencies(name, servers.load(order), judged=kind.judged)
    return Part("Webhook: open loop, from the scheduled instant", tuple(rows))


def _latencies(name: str, outcome: Outcome, *, judged: bool) -> Iterator[Row]:
    for share, word in _SHARES:
        goal = Goal(6) if judged and word == "p99" else None
        yield Row(f"{word}, {name}", percentile(outcome.latencies, share) * 1000, "ms", goal=goal)
    if outcome.shed or outcome.failed:
        yield Row(f"not answered 200, {name}", outcome.shed + outcome.failed, "", goal=Goal(0))


def _overload(scene: Scene, effort: Effort, kinds: Sequence[Kind], webhook: Server) -> Part:
    burst = servers.load(
        _order(
            scene,
            webhook,
            kinds[-1],
            effort.burst_seconds,
            connections=_BURST_CONNECTIONS,
        )
    )
    calm = servers.load(
        _order(scene, webhook, kinds[0], effort.calm_seconds, connections=4, rate=_CALM_RATE)
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
