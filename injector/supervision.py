"""
What the supervisor does: sleeps, starts a worker for each cycle, forwards signals, never dies.

Built-in modules only, not even the contract: what is imported here stays in memory in every pod
(docs/adr/0007). It never reads a secret, opens no connection, and survives whatever a worker does.
Idle, it waits in poll(2) and is never woken.
"""

# Without `from __future__ import annotations`: that is a module, too.
import _signal  # type: ignore[import-not-found]  # typeshed has the public module only
import os
import select
import time

from injector.metrics_port import Port, read_file

# What the contract and the report say; tests compare them.
REPORT_FILE = "report"
RESTART_EXIT_CODE = 97

WORKER_SECONDS = 100.0
"""A worker ends itself after 90 s (`schedule.WORKER_DEADLINE`); one that does not is hung."""
REVOKE_SECONDS = 1.5
"""The application stops first and may leave a native sidecar only 2 s of the grace period."""
CLASSIC_MARGIN = 5.0
"""Seconds before the end of the grace period at which a classic sidecar revokes."""
BACK_OFF = 5.0, 300.0
"""Seconds until a worker that died is started again: doubled with each death, up to the second."""
MAX_LINE = 4096  # bytes of a report
MAX_SLEEP = 2_000_000.0  # seconds; poll(2) takes milliseconds in 31 bits
NEVER = float("inf")


def log(level: str, message: str, **numbers: float) -> None:
    """Write one JSON line to standard error; only our own words and numbers are ever in it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    tail = "".join(f',"{name}":{value:g}' for name, value in numbers.items())
    ready = select.poll()
    ready.register(2, select.POLLOUT)
    # A reader of the log that is stuck must not stop us: what it does not take is dropped.
    if any(event & select.POLLOUT for _, event in ready.poll(0)):
        line = f'{{"time":"{stamp}","level":"{level}","message":"{message}"{tail}}}\n'
        try:
            os.write(2, line.encode())
        except OSError:
            return  # its reader is gone, and there is no other place to say so


class Report:
    """
    What a worker's one line says: `next=812.5 at=1764000000 stale=inf …`.

    Raises ValueError for a line that is incomplete; words that it does not know are skipped.
    """

    __slots__ = ("classic", "grace", "next", "port", "restart", "revoke", "stale_at")

    def __init__(self, line: bytes) -> None:
        pairs = [word.partition("=") for word in line.decode("ascii").split()]
        words = {name: float(value) for name, _, value in pairs}
        complete = line.endswith(b"\n") and {"next", "at"} <= words.keys()
        if not complete or not all(value >= 0 for value in words.values()):  # NaN is refused, too
            raise ValueError
        # A line may be read long after it was written: init's, or that of a predecessor.
        self.next = min(words["next"], max(0.0, words["next"] + words["at"] - time.time()))
        """Seconds from now until the next cycle."""
        self.stale_at = words.get("stale", NEVER)
        """Epoch seconds from which on secrets are stale if nothing succeeds."""
        self.revoke = words.get("revoke", 0.0) > 0
        self.restart = words.get("restart", 0.0) > 0
        self.port = int(min(words.get("port", 0.0), 65535))
        self.classic = words.get("classic", 0.0) > 0
        self.grace = words.get("grace", 30.0)


class Worker:
    """A running worker in a process group of its own; its standard output carries its report."""

    __slots__ = ("fd", "kill_at", "line", "pid")

    def __init__(self, command: list[str], environment: dict[str, str], kill_at: float) -> None:
        self.kill_at = kill_at
        self.line = b""
        self.fd, end = os.pipe()
        os.set_blocking(self.fd, False)
        try:
            self.pid = os.posix_spawn(
                command[0],
                command,
                environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, end, 1)],
                setpgroup=0,
                setsigdef=(_signal.SIGPIPE,),  # ours is ignored, which would be inherited
            )
        except OSError:
            self.close()
            raise
        finally:
            os.close(end)

    def read(self) -> None:
        """Take what it wrote."""
        while self.fd >= 0:
            try:
                data = os.read(self.fd, MAX_LINE)
            except BlockingIOError:
                return
            self.line = (self.line + data)[: MAX_LINE + 1]
            if not data:
                self.close()

    def close(self) -> None:
        """Close the pipe."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def kill(self) -> None:
        """End it and what it started. Publication is atomic, so that no moment is a wrong one."""
        self.close()
        try:
            os.killpg(self.pid, _signal.SIGKILL)
        except ProcessLookupError:
            return


class Supervisor:
    """
    The loop around poll(2).

    Args:
        command: how a worker is started, without its last words (`worker`, `worker now`, `revoke`).
        environment: what a worker gets.
        directory: the session volume.
        worker_seconds: after which a worker is killed.
        revoke_seconds: after which the one that revokes is.
        back_off: seconds of the first pause after a worker died, and of the longest.
    """

    def __init__(  # noqa: PLR0913 - its times, by keyword, are for tests
        self,
        command: list[str],
        environment: dict[str, str],
        directory: str,
        *,
        worker_seconds: float = WORKER_SECONDS,
        revoke_seconds: float = REVOKE_SECONDS,
        back_off: tuple[float, float] = BACK_OFF,
    ) -> None:
        self._command = command
        self._environment = environment
        self._directory = directory
        self._worker_seconds = worker_seconds
        self._revoke_seconds = revoke_seconds
        self._back_off = back_off
        self._port = Port(directory)
        self._report: Report | None = None
        self._worker: Worker | None = None
        self._wake_at = 0.0
        self._refresh = False
        self._stop_at = NEVER
        self._revoking = False
        self._exit_code: int | None = None

    def run(self) -> int:
        """Supervise until SIGTERM, or until a restart of the pod is asked for; the exit code."""
        signals = _catch_signals()
        try:
            report = Report(read_file(f"{self._directory}/{REPORT_FILE}"))
        except ValueError:
            log("info", "no report of an earlier cycle: the first is due at once")
        else:
            report.restart = False  # it was asked of our predecessor
            self._follow(report, time.monotonic())
        while True:
            now = time.monotonic()
            until = self._advance(now)
            if self._exit_code is not None:
                return self._exit_code
            poll = select.poll()
            poll.register(signals, select.POLLIN)
            if self._worker is not None and self._worker.fd >= 0:
                poll.register(self._worker.fd, select.POLLIN)
            until = min(until, self._port.register(poll))
            for fd, _ in poll.poll(_milliseconds(until - now)):
                self._handle(fd, signals, time.monotonic())

    def _follow(self, report: Report, now: float) -> None:
        self._report = report
        self._wake_at = now + report.next
        self._port.failures = 0
        self._port.stale_at = report.stale_at
        if not self._port.listen(report.port):
            log("error", "the metrics port cannot be opened just now", port=report.port)
        if report.restart:
            log("info", "the containers of the pod are restarted for a change")
            self._exit_code = RESTART_EXIT_CODE

    def _advance(self, now: float) -> float:
        """Do what is due; returns when to look again, if nothing happens before."""
        self._port.expire(now)
        if self._worker is not None and now >= self._worker.kill_at:
            log("error", "the worker hung and was killed", pid=self._worker.pid)
            self._abandon()
            self._failed(now)
        if now >= self._stop_at:
            self._stop(now)
        elif self._worker is None and (self._refresh or now >= self._wake_at):
            words = ["worker", "now"] if self._refresh else ["worker"]
            self._refresh = False
            self._start(words, now + self._worker_seconds, now)
        if self._worker is None:
            return min(self._wake_at, self._stop_at)
        return self._worker.kill_at if self._revoking else min(self._worker.kill_at, self._stop_at)

    def _start(self, words: list[str], kill_at: float, now: float) -> None:
        try:
            self._worker = Worker([*self._command, *words], self._environment, kill_at)
        except OSError as exc:
            log("error", "a worker cannot be started", errno=exc.errno or 0)
            self._failed(now)

    def _failed(self, now: float) -> None:
        if self._revoking:
            self._exit_code = 0  # short lives of tokens are the guarantee, not this
            return
        base, cap = self._back_off
        pause = min(cap, base * 2 ** min(self._port.failures, 16)) * (1 - os.urandom(1)[0] / 512)
        self._port.failures += 1
        self._wake_at = now + pause
        log("warning", "a worker is tried again", failures=self._port.failures, seconds=pause)

    def _stop(self, now: float) -> None:
        """Revoke if there is anything to revoke, then end."""
        if self._revoking:
            return  # its end, or its deadline, is ours
        self._abandon()
        if self._report is None or not self._report.revoke:
            self._exit_code = 0
            return
        self._revoking = True
        self._start(["revoke"], now + self._revoke_seconds, now)

    def _abandon(self) -> None:
        """Kill the worker and forget it; it is reaped like any other child."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _handle(self, fd: int, signals: int, now: float) -> None:
        if fd == signals:
            numbers = os.read(signals, MAX_LINE)
            self._refresh |= _signal.SIGHUP in numbers or _signal.SIGUSR1 in numbers
            if _signal.SIGTERM in numbers or _signal.SIGINT in numbers:
                self._terminate(now)
            self._reap(now)
        elif self._worker is not None and fd == self._worker.fd:
            self._worker.read()
        else:
            self._port.handle(fd, now)

    def _terminate(self, now: float) -> None:
        """A classic sidecar gets the signal with the application, which still needs its leases."""
        report, again = self._report, self._stop_at < NEVER
        waits = report is not None and report.classic and report.revoke and not again
        self._stop_at = now
        if waits and report is not None:
            self._stop_at += max(0.0, report.grace - CLASSIC_MARGIN)

    def _reap(self, now: float) -> None:
        """Collect every dead child; as process 1 of a container, those of others too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._worker is not None and pid == self._worker.pid:
                worker, self._worker = self._worker, None
                self._ended(worker, os.waitstatus_to_exitcode(status), now)

    def _ended(self, worker: Worker, status: int, now: float) -> None:
        worker.read()
        worker.close()
        if self._revoking:
            self._exit_code = 0
            return
        try:
            self._follow(Report(worker.line), now)
        except ValueError:
            log("error", "a worker ended without a report", status=status)
            self._failed(now)


def _catch_signals() -> int:
    """Make signals readable; without handlers process 1 of a container would ignore them."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    _signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGCHLD"):
        _signal.signal(getattr(_signal, name), lambda *_: None)
    return readable


def _milliseconds(seconds: float) -> int | None:
    """A time-out for poll(2), rounded up; None waits for ever."""
    return None if seconds == NEVER else int(min(max(0.0, seconds), MAX_SLEEP) * 1000) + 1
