"""
The sidecar at rest: the supervisor as the patch starts it, watched while it sleeps.

It follows an init container that left a report, so that it has nothing to do for half an hour.
"""

from __future__ import annotations

import compileall
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from benchmarks import servers
from benchmarks.processes import memory, run, switches
from benchmarks.rows import Goal, Part, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.scene import Scene

_READY_SECONDS: Final = 10.0
_MEBIBYTE: Final = 1 << 20


class Watched:
    """A supervisor that is asleep since `since`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._since = time.monotonic()
        self._before = switches(pid)

    def parts(self, seconds: float) -> Iterator[Part]:
        """Wait until it was watched for so long, and say what was seen."""
        time.sleep(max(0.0, self._since + seconds - time.monotonic()))
        woken = switches(self.pid) - self._before
        watched = time.monotonic() - self._since
        resident, private = memory(self.pid)
        rows = (
            Row("supervisor: RSS, port open", resident / _MEBIBYTE, "MiB", goal=Goal(9)),
            Row("supervisor: private memory", private / 1e6, "MB", goal=Goal(3)),
            Row(f"supervisor: wake-ups in {watched:.0f} s", woken, "", goal=Goal(0)),
        )
        yield Part("Sidecar between refreshes", rows)


@contextmanager
def asleep(scene: Scene, annotations: dict[str, str]) -> Iterator[Watched]:
    """Start the supervisor of a pod, ask its port once, and let it sleep."""
    # Byte code is in the image; a supervisor that had to compile keeps a megabyte of it.
    compileall.compile_dir(servers.ROOT / "injector", quiet=1)
    port = _free_port()
    patched = scene.patched({**annotations, "syrette.dev/metrics-port": str(port)})
    init, sidecar = scene.place(patched)
    run(init.command, init.environment)
    with subprocess.Popen(
        sidecar.command, env=sidecar.environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            servers.pin(process.pid, servers.measured_core())
            _wait_for(port)
            time.sleep(0.2)
            yield Watched(process.pid)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    until = time.monotonic() + _READY_SECONDS
    while True:
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as reply:
                assert b"syrette_sidecar_stale 0" in reply.read()
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
