"""
The benchmark command: `python -m benchmarks [--quick] [PROGRAM…]`.

Measures, prints one table, and writes it with a plot into `benchmarks/results/`. It judges nothing:
a goal that is not reached is printed as such, and the exit code is 0. Only what could not be
measured at all ends it with 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import (
    admission,
    init_container,
    pods,
    providers,
    servers,
    sidecar,
    vault,
    vault_sidecar,
)
from benchmarks.effort import FULL, QUICK
from benchmarks.plot import bars
from benchmarks.rows import Part, missed, table
from benchmarks.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.effort import Effort

PROGRAMS: Final = ("init", "sidecar", "vault", "providers", "webhook")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - folders of our own in it
"""Where files of pods lie, as in a volume in memory."""
RESULTS: Final = Path(__file__).parent / "results"


def main(arguments: Sequence[str]) -> int:
    """Measure and report; the exit code."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measures; no verdict.")
    parser.add_argument("--quick", action="store_true", help="three minutes, and less exact")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)}")
    options = parser.parse_args(arguments)
    chosen, quick = options.programs or PROGRAMS, options.quick
    if not set(chosen) <= set(PROGRAMS):
        parser.error(f"there are {', '.join(PROGRAMS)}")
    started = time.monotonic()
    parts = []
    for part in _measured(QUICK if quick else FULL, chosen):
        print(f"  {part.failure or 'measured'}: {part.title}", flush=True)
        parts.append(part)
    _report(parts, _circumstances(started, quick=quick))
    return 1 if any(part.failure for part in parts) else 0


def _measured(effort: Effort, programs: Sequence[str]) -> Iterator[Part]:
    """Measure everything; a part that cannot be had is said to be so, and the next goes on."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        world = servers.Process(
            ["-m", "benchmarks.world"], servers.other_cores(), folder / "world.err"
        )
        stack.enter_context(world)
        servers.pin(0, servers.other_cores())
        scene = Scene(folder, world)
        yield from _containers(scene, effort, programs)
        if "vault" in programs:
            yield from _guarded("Vault", _vault(effort))
        if "providers" in programs:
            yield from _guarded("Providers", _providers(effort))
        if "webhook" in programs:
            yield from _guarded("Webhook", admission.measure(scene, effort))


def _containers(scene: Scene, effort: Effort, programs: Sequence[str]) -> Iterator[Part]:
    """Let the sidecar sleep while init containers come and go on the same core."""
    with ExitStack() as stack:
        watched: sidecar.Watched | None = None
        try:
            stack.enter_context(scene.patching())
            if "sidecar" in programs:
                watched = stack.enter_context(sidecar.asleep(scene, pods.short_form(5)))
        except Exception as exc:  # noqa: BLE001 - said, and the others go on
            yield _failed("Sidecar", exc)
        if "init" in programs:
            yield from _guarded("Init container", init_container.measure(scene, effort))
        if watched is not None:
            yield from _guarded("Sidecar", watched.parts(effort.idle_seconds))


def _vault(effort: Effort) -> Iterator[Part]:
    """Let both sidecars rest while init containers and agents come and go on the same core."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_room()))
        world = servers.Process(
            ["-m", "benchmarks.vault_world"], servers.other_cores(), folder / "vault_world.err"
        )
        stack.enter_context(world)
        scene = Scene(folder, world, vault.operator_config)
        stack.enter_context(scene.patching())
        resting = stack.enter_context(vault_sidecar.residents(scene))
        yield from _guarded("Vault, init container", vault.measure(scene, effort))
        yield from _guarded("Vault, sidecar", resting.parts(effort.idle_seconds))
        yield from _guarded("Vault, renewal", vault_sidecar.renewals(scene, effort))


def _providers(effort: Effort) -> Iterator[Part]:
    """Start all five families, and pods of each."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_room()))
        world = servers.Process(
            ["-m", "benchmarks.provider_world"], servers.other_cores(), folder / "world.err"
        )
        stack.enter_context(world)
        scene = Scene(folder, world, providers.operator_config)
        stack.enter_context(scene.patching())
        yield from providers.measure(scene, effort)


def _room() -> tempfile.TemporaryDirectory[str]:
    """Make a folder in memory, where there is such a place."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="bench-", dir=place)


def _guarded(title: str, parts: Iterator[Part]) -> Iterator[Part]:
    try:
        yield from parts
    except Exception as exc:  # noqa: BLE001 - said, and the others go on
        yield _failed(title, exc)


def _failed(title: str, exc: Exception) -> Part:
    return Part(title, failure=f"{type(exc).__name__}: {exc}")


def _circumstances(started: float, *, quick: bool) -> str:
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"load {load:.1f} at the end, {time.monotonic() - started:.0f} s"
        + (", quick: medians of few runs" if quick else "")
    )


def _report(parts: Sequence[Part], circumstances: str) -> None:
    text = table(parts)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "table.md").write_text(f"{text}\n\n{circumstances}\n", encoding="utf-8")
    plot = bars("Measured, as a share of the goal", [row for part in parts for row in part.rows])
    (RESULTS / "plot.svg").write_text(plot, encoding="utf-8")
    print(f"\n{text}\n\n{circumstances}")
    print(f"not reached: {', '.join(missed(parts)) or 'nothing'}")
    print(f"written: {RESULTS / 'table.md'}, {RESULTS / 'plot.svg'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
