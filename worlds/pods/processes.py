"""
One process in place of a container: a session of its own, a log, and an end that takes all.

When the first process of a container ends, the kernel ends the others of its PID namespace. Here
they are found by their session, which a process keeps whatever process group it joins.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_SIGNALLED: Final = 128
"""A container that a signal ended has this and the signal's number as its exit code."""


class Process:
    """
    A started process.

    Args:
        command: with an absolute path on this machine.
        environment: all of it.
        directory: where it runs.
        log: file that its output is appended to.
        ended: called from another thread with the exit code, once nothing is left of it.

    Raises:
        OSError: when it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        directory: Path,
        log: Path,
        ended: Callable[[Process, int], None],
    ) -> None:
        with log.open("ab") as output:
            self.popen = subprocess.Popen(  # noqa: S603 - what the pod says, without a shell
                command,
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._ended = ended
        self._gone = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the first process."""
        return self.popen.pid

    def signal(self, number: int) -> None:
        """Send a signal to the first process, if it is still there."""
        self.popen.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Wait until it is gone; whether it is."""
        return self._gone.wait(seconds)

    def _wait(self) -> None:
        code = self.popen.wait()
        _kill_session(self.pid)
        self._gone.set()
        self._ended(self, _SIGNALLED - code if code < 0 else code)


def _kill_session(session: int) -> None:
    for pid in _pids():
        with suppress(OSError):  # it ended meanwhile, or is not ours to look at
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


def _pids() -> Iterator[int]:
    processes = Path("/proc")
    if processes.is_dir():
        yield from (int(entry.name) for entry in processes.iterdir() if entry.name.isdigit())
        return
    ps = subprocess.run(["/bin/ps", "-axo", "pid="], capture_output=True, text=True, check=True)
    yield from map(int, ps.stdout.split())
