"""
The init container and the sidecar's worker, as the processes that end by themselves.

Web identity and five secrets of 600 bytes over TLS, beside a plain boto3 script that does the same
against the same world, and beside the interpreter that does nothing. In turn, after one run of each
that is not counted, since it compiles byte code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import botocore

from benchmarks import pods, servers
from benchmarks.processes import Cost, run, typical
from benchmarks.rows import Goal, Part, Row, paired
from benchmarks.world import large, secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.effort import Effort
    from benchmarks.placing import Placed
    from benchmarks.scene import Scene

FIVE: Final = 5
_PEER: Final = "plain boto3"
_ONE_CA: Final = "plain boto3 given one CA"
"""Without the bundle of 146 certificates that it loads by itself; so we have no such advantage."""


def measure(scene: Scene, effort: Effort) -> Iterator[Part]:
    """Measure costs, then count calls."""
    yield _costs(scene, effort)
    yield _calls(scene)


def _costs(scene: Scene, effort: Effort) -> Part:
    patched = scene.patched(pods.short_form(FIVE))
    init, sidecar = scene.place(patched)
    _run(init.command, init.environment)  # leaves what the workers of `sidecar` start from
    runs: dict[str, Callable[[], Cost]] = {
        "init": lambda: _first(scene.place(patched)[0]),
        _PEER: _plain(scene, _whole_bundle(scene)),
        _ONE_CA: _plain(scene, scene.world_ca),
        "worker": lambda: _run(sidecar.injector("worker", "now"), sidecar.environment),
        "bare": lambda: _run([sys.executable, "-I", "-c", "pass"], {}),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for number in range(effort.starts + 1):
        for name, once in runs.items():
            cost = once()
            if number:
                costs[name].append(cost)
    return Part("Init container: web identity and 5 secrets, TLS", tuple(_rows(costs)))


def _first(init: Placed) -> Cost:
    """Run an init container that has not run yet."""
    return _run(init.command, init.environment)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    return run(command, environment, servers.measured_core())


def _plain(scene: Scene, bundle: Path) -> Callable[[], Cost]:
    """Make the run of the peer, which gets everything from the SDK's own variables."""
    out = scene.folder / f"plain-{bundle.stem}"
    out.mkdir()
    token = out / "token"
    environment = {
        "AWS_ROLE_ARN": scene.about["role"],
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_REGION": pods.REGION,
        "AWS_DEFAULT_REGION": pods.REGION,
        "AWS_CA_BUNDLE": str(bundle),
        "AWS_ENDPOINT_URL_STS": scene.about["endpoints"]["sts"],
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": scene.about["endpoints"]["secretsmanager"],
        "HOME": str(out),
        "PATH": os.defpath,
    }
    script = str(servers.ROOT / "benchmarks" / "plain_boto3.py")
    command = [sys.executable, script, str(out), *(secret(number) for number in range(FIVE))]

    def once() -> Cost:
        token.write_text(scene.mint("sts.amazonaws.com"))
        return _run(command, environment)

    return once


def _whole_bundle(scene: Scene) -> Path:
    """Write the bundle that boto3 loads where nobody gives it another, and the world's CA."""
    bundle = scene.folder / "bundle.pem"
    own = Path(botocore.__file__).with_name("cacert.pem")
    bundle.write_text(own.read_text() + scene.world_ca.read_text())
    return bundle


def _rows(costs: dict[str, list[Cost]]) -> Iterator[Row]:
    median = {name: typical(found) for name, found in costs.items()}
    cpu = {name: [cost.cpu for cost in found] for name, found in costs.items()}
    wall = {name: [cost.wall for cost in found] for name, found in costs.items()}
    init, bare, worker = median["init"], median["bare"], median["worker"]
    for peer in (_PEER, _ONE_CA):
        yield Row(
            f"init: CPU beside {peer}",
            init.cpu * 1000,
            "ms",
            peer,
            median[peer].cpu * 1000,
            Goal(0.6, of_ratio=True),
            paired(cpu["init"], cpu[peer]),
        )
    yield Row(
        "init: wall, up to 0.25 s of waiting in it",
        init.wall * 1000,
        "ms",
        _PEER,
        median[_PEER].wall * 1000,
        None,
        paired(wall["init"], wall[_PEER]),
    )
    yield Row("init: peak RSS", init.peak / 1e6, "MB", _PEER, median[_PEER].peak / 1e6, Goal(36))
    yield Row("bare interpreter: CPU", bare.cpu * 1000, "ms")
    yield Row("bare interpreter: peak RSS", bare.peak / 1e6, "MB")
    yield Row(
        "worker, one refresh of all: CPU",
        worker.cpu * 1000,
        "ms",
        "init",
        init.cpu * 1000,
        None,
        paired(cpu["worker"], cpu["init"]),
    )
    yield Row("worker: peak RSS", worker.peak / 1e6, "MB", "init", init.peak / 1e6, Goal(36))


def _calls(scene: Scene) -> Part:
    """Count what the world was asked for pods of several sizes, at first and at a refresh."""
    rows: list[Row] = []
    for number, name, what in (
        (1, secret, "1 secret"),
        (FIVE, secret, "5 secrets"),
        (20, secret, "20 secrets"),
        (20, large, "20 secrets of 60 KB"),
    ):
        init, sidecar = scene.place(scene.patched(pods.short_form(number, name)))
        scene.calls()
        run(init.command, init.environment)
        first = scene.calls()
        refresh = run(sidecar.injector("worker", "now"), sidecar.environment)
        second = scene.calls()
        # A TLS 1.3 handshake after the one of TCP, both origins at once; then one call waits for
        # the other's answer.
        trips = 2 + len(first["actions"])
        rows += [
            Row(f"round trips of init, {what}", trips, "", goal=Goal(4)),
            Row(f"TLS connections of init, {what}", first["connections"], ""),
            Row(f"calls of a refresh, {what}", len(second["actions"]), ""),
            Row(f"peak RSS of a refresh, {what}", refresh.peak / 1e6, "MB"),
        ]
    return Part("AWS's journal: TCP and TLS at once to both services, then calls", tuple(rows))
