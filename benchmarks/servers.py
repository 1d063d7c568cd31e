"""
The processes that serve while something is measured: started, waited for, pinned, ended.

All listen on loopback. What is measured has a core of its own where there are two; load, world and
this process share the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from benchmarks.load import MAX_SECONDS, PATIENCE, Outcome
from worlds.certificates import issue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load import Order

ROOT: Final = Path(__file__).parent.parent
_ENVIRONMENT: Final = {"PATH": os.defpath, "HOME": "/nonexistent"}
_END_SECONDS: Final = 20.0
_DRAIN_SECONDS: Final = 1.0


def measured_core() -> set[int]:
    """The core of what is measured; empty where there is only one, or no choice."""
    return set(_cores()[:1])


def other_cores() -> set[int]:
    """The cores of everything else; empty where there is only one, or no choice."""
    return set(_cores()[1:])


def _cores() -> list[int]:
    if not hasattr(os, "sched_getaffinity"):
        return []
    # Of the whole process at its start: this one moves away from the measured core.
    return _CORES if len(_CORES) > 1 else []


_CORES: Final = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process (0 is this one) on cores; everywhere when there are none to choose."""
    if cores:
        os.sched_setaffinity(pid, cores)


class Process:
    """
    A serving process with a pipe from its standard output.

    Args:
        arguments: of the interpreter.
        cores: where it runs.
        errors: a file for its standard error, shown when it does not come up.
    """

    def __init__(self, arguments: Sequence[str], cores: set[int], errors: Path) -> None:
        self._errors = errors
        with errors.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=_ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
            )
        self._drain: threading.Thread | None = None
        pin(self._process.pid, cores)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def line(self) -> Any:  # noqa: ANN401 - JSON
        """
        Read one line of JSON.

        Raises:
            RuntimeError: if it ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            msg = f"{self._errors.stem} ended: {self._errors.read_text()[-300:]}"
            raise RuntimeError(msg)
        return json.loads(line)

    def ask(self, text: str) -> Any:  # noqa: ANN401 - JSON
        """Write one line, read one of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n".encode())
        self._process.stdin.flush()
        return self.line()

    def drain(self) -> None:
        """Read and throw away what it writes from now on, as a container runtime would."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        self._drain = threading.Thread(target=_drain, args=(descriptor,), daemon=True)
        self._drain.start()

    def end(self) -> None:
        """End it, kindly first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._drain is not None:
            self._drain.join(_DRAIN_SECONDS)
        self._process.stdout.close()


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1 << 16):
            pass
    except OSError:
        return


class Certificate:
    """A server certificate with its authority, as files of a folder."""

    def __init__(self, folder: Path) -> None:
        made = issue("localhost")
        self.ca, self.chain, self.key = (
            folder / name for name in ("ca.pem", "server.crt", "server.key")
        )
        self.ca.write_text(made.ca)
        self.chain.write_text(made.chain)
        self.key.write_text(made.key)


def webhook(folder: Path, certificate: Certificate) -> tuple[Process, int, float]:
    """
    Start the admission server with the folder's operator.json and facts.json.

    Returns:
        The process, its port, and the seconds from its start until it said to be ready.
    """
    started = time.perf_counter()
    process = Process(
        [
            *("-m", "webhook", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"),
            *("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)),
            *("--config", str(folder / "operator.json"), "--drain-seconds", "0"),
            *("--cluster-facts", str(folder / "facts.json")),
        ],
        measured_core(),
        folder / "webhook.err",
    )
    try:
        line = process.line()
        url = f"http://127.0.0.1:{line['metrics_port']}/readyz"
        with urllib.request.urlopen(url, timeout=5) as reply:
            assert reply.status == 200
    except BaseException:
        process.end()
        raise
    seconds = time.perf_counter() - started
    process.drain()
    return process, int(line["port"]), seconds


def bare(folder: Path, certificate: Certificate) -> tuple[Process, int]:
    """Start the floor; gives the process and its port."""
    process = Process(
        ["-m", "benchmarks.bare", str(certificate.chain), str(certificate.key)],
        measured_core(),
        folder / "bare.err",
    )
    try:
        return process, int(process.line())
    except BaseException:
        process.end()
        raise


def load(order: Order) -> Outcome:
    """
    Load a server from a process on the other cores.

    Raises:
        RuntimeError: if it cannot.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        env=_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        pin(process.pid, other_cores())
        try:
            output, errors = process.communicate(
                json.dumps(asdict(order)).encode(), timeout=MAX_SECONDS + 3 * PATIENCE
            )
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode:
        msg = f"the load ended with {process.returncode}: {errors.decode()[-300:]}"
        raise RuntimeError(msg)
    return Outcome(**json.loads(output))
