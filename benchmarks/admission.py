"""
The webhook under load, with logging, metrics, policy and cluster facts, beside the bare floor.

Both servers stand on one core and take turns; the load comes from the other cores. A closed loop
says what a request costs, an open one how long it takes, a burst what overload does.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

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
_BURST_CONNECTIONS: Final = 500
"""Nearly as many as the server takes (`Limits.connections`)."""
_BURST_PEAK: Final = 256
"""MB: what a memory limit of 256Mi holds; the design asks for a bound, not for a number."""
_BEFORE_BURST: Final = 1.0
_WARM_UP: Final = 0.5
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


class Kinds(NamedTuple):
    """The pods: replicas of 16 Deployments, as pods mostly are, or no two of one template."""

    small: Kind
    different: Kind
    long_form: Kind
    large: Kind
    large_different: Kind


def _kinds(scene: Scene) -> Kinds:
    """Write the reviews; every pod has a uid and a token volume with a name of its own."""
    short, long = pods.short_form(5), pods.long_form()

    def replicas(name: str, annotations: dict[str, str], size: int) -> list[str]:
        return [
            scene.body(f"{name}-{app}", pods.review(pods.pod(annotations, f"web{app:02}"), size))
            for app in range(_DEPLOYMENTS)
        ]

    def different(name: str, size: int) -> list[str]:
        template = pods.pod(short, revision=NUMBER.decode())
        return [scene.body(name, pods.review(template, size))]

    return Kinds(
        Kind("10 KB", replicas("small", short, pods.SMALL), judged=True),
        Kind("10 KB, no two alike", different("small", pods.SMALL)),
        Kind("10 KB, long form", replicas("long", long, pods.SMALL)),
        Kind("65 KB", replicas("large", short, pods.LARGE)),
        Kind("65 KB, no two alike", different("large", pods.LARGE)),
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


def _closed(scene: Scene, effort: Effort, kinds: Kinds, sides: tuple[Server, Server]) -> Part:
    """Let both servers take turns; the second is the floor."""
    webhook, floor = sides
    _round(scene, floor, kinds.small, _WARM_UP)
    for kind in kinds:
        _round(scene, webhook, kind, _WARM_UP)
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


def _open(scene: Scene, effort: Effort, kinds: Kinds, webhook: Server) -> Part:
    rows: list[Row] = []
    for kind in (kinds.small, kinds.large):
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


def _overload(scene: Scene, effort: Effort, kinds: Kinds, webhook: Server) -> Part:
    """Ask a little all the time, and far too much for a while."""
    whole = _BEFORE_BURST + effort.burst_seconds + effort.calm_seconds
    little = _order(scene, webhook, kinds.small, whole, connections=4, rate=_CALM_RATE)
    much = _order(
        scene,
        webhook,
        kinds.large_different,
        effort.burst_seconds,
        connections=_BURST_CONNECTIONS,
    )
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(servers.load, little)
        time.sleep(_BEFORE_BURST)
        burst = servers.load(much)
        asked = asking.result()
    normal = _normal_after(asked, burst.started + effort.burst_seconds)
    after, _ = memory(webhook.pid)
    rows = (
        Row("answered 200", burst.good / burst.seconds, "/s"),
        Row("answered 429", burst.shed / burst.seconds, "/s"),
        Row("other answers, or none", burst.failed, "", goal=Goal(0)),
        Row("peak RSS", peak(webhook.pid) / 1e6, "MB", goal=Goal(_BURST_PEAK)),
        Row("RSS afterwards", after / 1e6, "MB"),
        Row("until normal again", normal, "s", goal=Goal(5)),
    )
    return Part(f"Webhook: overload, {_BURST_CONNECTIONS} connections, 65 KB", rows)


def _normal_after(asked: Outcome, moment: float) -> float:
    """Seconds from a moment of the machine's clock until answers were as always; or infinite."""
    since = [asked.started + sent - moment for sent in asked.moments]
    later = [(sent, took) for sent, took in zip(since, asked.latencies, strict=True) if sent >= 0]
    moments, latencies = [sent for sent, _ in later], [took for _, took in later]
    found = recovery(moments, latencies, normal=_CALM_LATENCY, in_a_row=_CALM_ANSWERS)
    return math.inf if found is None else found
