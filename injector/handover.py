"""
What init and each worker leave on the session volume: sessions, state, status, metrics, report.

A file that is damaged or of another pod or plan is ignored with a reason. What cannot be written is
said and never ends a cycle: the next one then logs in and reads again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector import files, report, snapshots, state, status
from injector.contract.reasons import Reason
from injector.errors import InjectorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.cycle import CycleReport
    from injector.diagnostics import Log
    from injector.sessions import SessionCache
    from injector.settings import Settings
    from injector.state import State

SESSIONS_FILE: Final = "sessions"
STATE_FILE: Final = "state"


@dataclass(frozen=True, slots=True)
class Handover:
    """The session volume of one pod and plan."""

    settings: Settings
    log: Log

    def take(self, sessions: SessionCache) -> State:
        """Fill the cache with the sessions that are still good, and give the last state."""
        settings, directory = self.settings, self.settings.session_directory
        path = directory / SESSIONS_FILE
        data = files.read_private(path, snapshots.MAX_BYTES)
        if data is not None:
            self._ignored(
                SESSIONS_FILE, sessions.restore(data, settings.pod_uid, settings.plan_hash)
            )
        elif os.path.lexists(path):
            self._ignored(SESSIONS_FILE, Reason.SNAPSHOT_FOREIGN)
        found, why = state.load(
            directory / STATE_FILE,
            settings.pod_uid,
            settings.plan_hash,
            secrets=len(settings.plan.secrets),
        )
        self._ignored(STATE_FILE, why)
        return found

    def saving(self, sessions: SessionCache) -> Callable[[State], None]:
        """
        Give what writes down, in the middle of a cycle, what it has got so far.

        Whoever is killed while files are switched or the application is told leaves the token of
        a new lease to the next worker, or to the one that revokes.
        """

        def save(known: State) -> None:
            self._write_sessions(sessions)
            self.save(known)

        return save

    def save(self, known: State) -> None:
        """Write the state down."""
        path = self.settings.session_directory / STATE_FILE
        try:
            state.save(path, known, self.settings.pod_uid, self.settings.plan_hash)
        except InjectorError as exc:
            self._unwritten(STATE_FILE, exc)

    def withdraw(self, sessions: SessionCache) -> None:
        """Write the sessions of an earlier process again, without those that were given back."""
        if os.path.lexists(self.settings.session_directory / SESSIONS_FILE):
            self._write_sessions(sessions)

    def leave(self, done: CycleReport, sessions: SessionCache, now: float) -> report.Report:
        """Write everything for the next worker and the supervisor; gives the report's line."""
        plan = self.settings.plan
        line = report.Report(
            at=now,
            next=done.next,
            stale=status.stale_at(plan, done.state),
            revoke=sessions.revocable(),
            restart=done.restart,
        )
        self._write_sessions(sessions)
        self._write(status.STATUS_FILE, status.document(plan, done, now))
        self._write(status.METRICS_FILE, status.metrics(plan, done, now))
        self._write(report.FILE, line.line(plan).encode())
        # Last: whoever is killed before has asked for no restart, and it must stay pending.
        self.save(done.state)
        return line

    def _write_sessions(self, sessions: SessionCache) -> None:
        snapshot = sessions.snapshot(self.settings.pod_uid, self.settings.plan_hash)
        self._write(SESSIONS_FILE, snapshot)

    def _write(self, name: str, data: bytes) -> None:
        try:
            files.write_private(self.settings.session_directory / name, data)
        except InjectorError as exc:
            self._unwritten(name, exc)

    def _unwritten(self, name: str, exc: InjectorError) -> None:
        self.log.write(
            "warning", "a file of the session volume was not written", file=name, cause=str(exc)
        )

    def _ignored(self, name: str, why: Reason | None) -> None:
        if why is not None:
            self.log.write(
                "warning", "a file of the session volume is ignored", file=name, reason=why
            )
