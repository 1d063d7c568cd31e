"""A server program as a child process: its port, its log, its start and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.02
_SHOWN_LINES: Final = 20


class NotStartedError(RuntimeError):
    """A server that does not run; the text says why."""


def free_port() -> int:
    """Give a port of loopback that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """
    One process, started at once.

    Args:
        command: of the program.
        log: file that its output is appended to.
        user: as whom it runs, if not as ourselves.
        ending: signal that asks it to end.
    """

    def __init__(
        self,
        command: list[str],
        log: Path,
        *,
        user: str | None = None,
        ending: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.log = log
        self._ending = ending
        with log.open("ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - without a shell, arguments of our own
                command,
                env={"PATH": os.defpath, "HOME": str(log.parent), "LC_ALL": "C"},
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                start_new_session=True,  # Ctrl-C is for the test, which then stops it in order
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it still is there."""
        return self._popen.poll() is None

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """
        Wait until it is ready.

        Raises:
            NotStartedError: when it ended, or took too long, with the end of its log.
        """
        end = time.monotonic() + _START_SECONDS
        while not ready():
            if not self.running:
                msg = f"it ended with exit code {self._popen.returncode}:\n{self.last_lines()}"
                raise NotStartedError(msg)
            if time.monotonic() > end:
                msg = f"it was not ready within {_START_SECONDS:.0f} s:\n{self.last_lines()}"
                raise NotStartedError(msg)
            time.sleep(_PAUSE_SECONDS)

    def last_lines(self) -> str:
        """Give the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        self._popen.send_signal(self._ending)
        try:
            self._popen.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a machine that lost power does."""
        self._popen.kill()
        self._popen.wait()
