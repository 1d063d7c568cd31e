"""
Telling the application of a change: a signal to a process of the pod, or a request to loopback.

Signals reach processes of our own uid only, and never our own; a request never leaves the pod and
follows no redirect. What an answer says is not read beyond its status.
"""

from __future__ import annotations

import ipaddress
import math
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.transport import Request, Transport, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from injector.contract.plan import Action

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 1.0
"""Before the second attempt; twice that before the third. The next cycle tries again anyway."""
ANSWER_SECONDS: Final = 5.0
_COMM: Final = 15  # characters of a process's name that Linux keeps (TASK_COMM_LEN less the NUL)


@dataclass(frozen=True, slots=True)
class Teller:
    """
    Carries out actions.

    Args:
        processes: the process file system.
        clock: monotonic seconds.
        sleep: takes seconds.
        kill: as os.kill.
        until: when everything must have been tried, in monotonic seconds: a worker that is killed
            over a dead application leaves no status.
    """

    processes: Path = Path("/proc")
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    kill: Callable[[int, int], None] = os.kill
    until: float = math.inf

    def tell(self, action: Action) -> None:
        """
        Send the signal or the request, with a few attempts.

        Raises:
            InjectorError: `action-failed`, after the last of them.
        """
        carry_out = self._signal if action.kind == "signal" else self._request
        if self.clock() >= self.until:
            msg = "no time was left in this cycle"
            raise _failed(msg)
        for attempt in range(ATTEMPTS):
            pause = PAUSE_SECONDS * 2**attempt
            try:
                carry_out(action)
            except InjectorError:
                if attempt + 1 == ATTEMPTS or self.clock() + pause >= self.until:
                    raise
            else:
                return
            self.sleep(pause)

    def _signal(self, action: Action) -> None:
        number = signal.Signals.__members__.get(action.signal)
        if number is None:
            msg = f"there is no signal {action.signal}"
            raise _failed(msg)
        named = dict(self._ours(action.process))
        # A server's workers have its name, too: the one that is nobody's child among them rules.
        chosen = [pid for pid, parent in named.items() if parent not in named]
        if not chosen:
            msg = f"no process `{action.process}` of uid {os.geteuid()} is to be seen"
            raise _failed(msg)
        for pid in chosen:
            try:
                self.kill(pid, number)
            except OSError as exc:
                msg = f"{action.signal} to `{action.process}` failed: {exc.strerror}"
                raise _failed(msg) from exc

    def _ours(self, name: str) -> Iterator[tuple[int, int]]:
        """Give process and parent ids of that name and of our uid, but not of our own processes."""
        own = {os.getpid(), os.getppid()}
        for directory in self.processes.iterdir():
            if not directory.name.isdigit() or int(directory.name) in own:
                continue
            try:
                comm = (directory / "comm").read_text(errors="replace").rstrip("\n")
                status = (directory / "status").read_text(errors="replace")
            except OSError:
                continue  # it ended, or is not ours to look at
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            uids = fields.get("Uid", "").split()
            state = fields.get("State", "")
            if comm == name[:_COMM] and uids[:1] == [str(os.geteuid())] and state[:1] != "Z":
                yield int(directory.name), int(fields.get("PPid", "0"))

    def _request(self, action: Action) -> None:
        host = urlsplit(action.url).hostname or ""
        if not _is_loopback(host):
            msg = "the address of `on-change` is not on loopback"
            raise _failed(msg)
        transport = Transport(clock=self.clock)
        try:
            until = min(self.clock() + ANSWER_SECONDS, self.until)
            reply = transport.send(Request(action.method, action.url, until))
        except TransportError as exc:
            msg = f"{action.method} failed: {exc}"
            raise _failed(msg) from None
        finally:
            transport.close()
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - RFC 9110
            msg = f"{action.method} to {host} was answered {reply.status}"
            raise _failed(msg)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _failed(message: str) -> InjectorError:
    return InjectorError(Reason.ACTION_FAILED, message)
