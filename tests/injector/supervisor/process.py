"""A supervisor as a real process, over a worker that a test scripts."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent.parent
SCRIPT = ROOT / "injector" / "supervisor.py"
PATIENCE = 30.0
"""Seconds after which something that should happen is taken not to."""

# The worker notes its words, then does what the test wrote for the first of them.
_WORKER = """
import os, sys, time
folder, *words = sys.argv[1:]
def note(text):
    with open(folder + "/journal", "a") as journal:
        journal.write(text + "\\n")
def report(**words):
    words = {"next": 3600, "at": time.time(), "stale": "inf", **words}
    print(" ".join(f"{name}={value}" for name, value in words.items()), flush=True)
note(" ".join(words))
exec(open(f"{folder}/{words[0]}.py").read())
"""
# As supervisor.py, with shorter times.
_HURRIED = f"""
import os, sys
sys.path.append({str(ROOT)!r})
from injector.supervision import Supervisor
folder, seconds = sys.argv[1], float(sys.argv[2])
directory = folder + "/run/syrette/session"
sys.exit(Supervisor(sys.argv[3:], dict(os.environ), directory,
                    worker_seconds=seconds, back_off=(0.02, 0.1)).run())
"""


def eventually(happened: Callable[[], object]) -> None:
    """Wait for something; fail if it does not come."""
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def free_port() -> int:
    """Find a TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Sidecar:
    """
    The supervisor's process.

    Args:
        folder: for its session volume and the worker's journal.
        worker: what a worker does, as Python; `report(next=…)` writes its line.
        revoke: what the revoking one does.
        environment: of the supervisor.
    """

    def __init__(
        self,
        folder: Path,
        worker: str,
        *,
        revoke: str = "",
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.session = folder / "run" / "syrette" / "session"
        self.session.mkdir(parents=True)
        (folder / "main.py").write_text(_WORKER)
        (folder / "hurried.py").write_text(_HURRIED)
        (folder / "worker.py").write_text(worker)
        (folder / "revoke.py").write_text(revoke)
        self._environment = {"SYRETTE_ROOT": str(folder), **(environment or {})}
        self.process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)

    def start(self, *, hurried: float = 0.0) -> Self:
        """Start as the pod does, or with workers killed after `hurried` seconds and tried soon."""
        worker = [sys.executable, "-I", "-S", str(self.folder / "main.py"), str(self.folder)]
        script = [str(SCRIPT)]
        if hurried:
            script = [str(self.folder / "hurried.py"), str(self.folder), str(hurried)]
        return self.run([*script, *worker])

    def run(self, arguments: list[str]) -> Self:
        """Start the interpreter as the pod does."""
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", *arguments],
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    @property
    def journal(self) -> list[str]:
        """What workers noted."""
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; its exit code."""
        return self.process.wait(PATIENCE)

    def proc(self, name: str) -> str:
        """Read a file of its process directory."""
        return Path(f"/proc/{self.process.pid}/{name}").read_text()

    def number(self, name: str) -> int:
        """Give a number of its status."""
        line = next(line for line in self.proc("status").splitlines() if line.startswith(name))
        return int(line.split()[1])

    @property
    def children(self) -> list[int]:
        """Its children, zombies included."""
        pid = self.process.pid
        return [int(word) for word in self.proc(f"task/{pid}/children").split()]


def ask(port: int, request: bytes = b"GET /healthz HTTP/1.1\r\n\r\n") -> bytes:
    """Send bytes to the metrics port and read until it closes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(request)
        reply = b""
        while data := connection.recv(65536):
            reply += data
        return reply


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def status_of(reply: bytes) -> int:
    """Give the status code of an HTTP reply."""
    return int(reply.split()[1])


Words = dict[str, Any]


def line(**words: float) -> str:
    """Write a report's line."""
    given: Words = {"next": 3600.0, "at": time.time(), "stale": "inf", **words}
    return " ".join(f"{name}={value}" for name, value in given.items()) + "\n"
