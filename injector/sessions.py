"""
The session cache: immutable records inside, a new mutable `Session` for every caller.

A session that was handed out by reference can be changed by one caller and then be wrong for all;
here nothing that a caller holds is the cache's. An assumed role is an entry of its own whose key
contains its source's key, so what was derived cannot flow back. A failed login reaches everybody
who waits for it and is not kept. Nothing here touches the environment or a process-wide default.

A session that its backend renews is renewed in place of a new login. Where a login replaces one
that has not ended, the old one is kept aside until what came from it is used no more. At the end
all are given back, after which there is no login any more.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector import parallel, schedule, snapshots
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.interface import (
    AMBIENT,
    ClientFactory,
    Identity,
    Login,
    Session,
    SessionKey,
    SessionRecord,
    Tenure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["Session", "SessionCache", "SessionKey", "SessionRecord"]

BOUND: Final = 64
"""Records that are kept; a pod has a handful, a command-line run over many pods has more."""
RELEASE_SECONDS: Final = 8.0
"""Of one session in the middle of a cycle, where nobody waits."""
REVOKE_SECONDS: Final = 1.3
"""Until the last reply; a supervisor waits 1.5 s for the process that revokes (`supervision`)."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What became of sessions that were to be given back."""

    given: tuple[SessionRecord, ...] = ()
    kept: tuple[SessionRecord, ...] = ()
    """Those that should not or could not be: they end by themselves."""


@dataclass(slots=True)
class _Flight:
    """One login in progress, and everybody who waits for it."""

    done: threading.Event = field(default_factory=threading.Event)
    record: SessionRecord | None = None
    error: BaseException | None = None


class SessionCache:
    """
    Sessions by key, shared by the threads of one process.

    Args:
        identity: the pod that logs in.
        logins: how to authenticate, by method of the key.
        clients: makes clients of sessions.
        tenures: how sessions are renewed and given back, by method, where the backend can.
        clock: seconds since the epoch.
        bound: how many records are kept, oldest out.
    """

    def __init__(  # noqa: PLR0913 - what a cache is made of, the rest by keyword
        self,
        identity: Identity,
        logins: Mapping[str, Login],
        clients: ClientFactory,
        *,
        tenures: Mapping[str, Tenure] = MappingProxyType({}),
        clock: Callable[[], float] = time.time,
        bound: int = BOUND,
    ) -> None:
        self.identity = identity
        self._logins = logins
        self._clients = clients
        self._tenures = tenures
        self._clock = clock
        self._bound = bound
        self._lock = threading.Lock()
        self._records: OrderedDict[SessionKey, SessionRecord] = OrderedDict()
        self._flights: dict[SessionKey, _Flight] = {}
        self._asked: set[SessionKey] = set()
        self._replaced: list[SessionRecord] = []
        self._ended = False

    def get(self, key: SessionKey) -> Session:
        """
        Give a session of the caller's own, after a login if there is none that still lives.

        Raises:
            InjectorError: when the login fails; the next call tries again, until `revoke`.
        """
        session = self._session(key)
        with self._lock:
            self._asked.add(key)
        return session

    def holds(self, key: SessionKey) -> bool:
        """Whether `get` would need no login."""
        with self._lock:
            return self._live(key) is not None

    def expect(self, key: SessionKey, service: str, region: str) -> None:
        """Announce a read, so that its connections open while the login is prepared."""
        with self._lock:
            # A login in progress has its connection already.
            login = self._live(key) is None and key not in self._flights
        self._clients.expect(key, service, region, login=login)

    def standing(self, key: SessionKey) -> tuple[SessionRecord, ...]:
        """What there is of a login and its sources, for `forget`."""
        with self._lock:
            return tuple(self._records[step] for step in key.chain if step in self._records)

    def forget(self, key: SessionKey, seen: Collection[SessionRecord] = ()) -> None:
        """
        Drop a login and its sources, after the provider called its credentials invalid.

        Args:
            key: of the login.
            seen: what stood before the call; what somebody else has put in its place meanwhile
                stays. Without any, whatever there is goes.
        """
        with self._lock:
            for step in key.chain:
                if not seen or self._records.get(step) in seen:
                    self._records.pop(step, None)

    def now(self) -> float:
        """Seconds since the epoch, on the clock by which sessions end."""
        return self._clock()

    def revocable(self) -> bool:
        """Whether there is a session that can be given back."""
        with self._lock:
            return bool(self._held())

    def release(self) -> None:
        """Give back the sessions that were replaced; one that cannot be ends by itself."""
        with self._lock:
            replaced, self._replaced = self._replaced, []
        for record in replaced:
            self._revoke(record, RELEASE_SECONDS)

    def revoke(
        self, seconds: float = REVOKE_SECONDS, *, keeping: Collection[str] = ()
    ) -> Revocation:
        """
        Give back every session that can be, all at once; afterwards there is no login any more.

        Args:
            seconds: for all of it.
            keeping: accessors of tokens that are to live on.
        """
        until = time.monotonic() + seconds
        self._end(until)
        with self._lock:
            held = self._held()
        wanted = [record for record in held if record.credentials.accessor not in keeping]
        given: list[SessionRecord] = []

        def give(record: SessionRecord) -> None:
            if self._revoke(record, until - time.monotonic()):
                given.append(record)

        parallel.each(give, wanted)
        with self._lock:
            self._records = OrderedDict(
                (key, record) for key, record in self._records.items() if record not in given
            )
            self._replaced = [record for record in self._replaced if record not in given]
        return Revocation(tuple(given), tuple(record for record in held if record not in given))

    def snapshot(self, pod_uid: str, plan_hash: str) -> bytes:
        """
        Write the live sessions that were asked for; a bare source of a chain is left out.

        Sessions that come from the environment are the process's own and never in it.
        """
        with self._lock:
            live = [
                record
                for key, record in self._records.items()
                if key in self._asked and key.root.method != AMBIENT and self._is_of_use(record)
            ]
            replaced = list(self._replaced)
        return snapshots.dump(live, replaced, pod_uid, plan_hash)

    def restore(self, data: bytes, pod_uid: str, plan_hash: str) -> Reason | None:
        """
        Take over the sessions of a snapshot.

        Returns:
            Why it was ignored, or None. A snapshot is never trusted in part.
        """
        try:
            records, replaced = snapshots.load(data, pod_uid, plan_hash)
        except snapshots.SnapshotError as exc:
            return exc.reason
        with self._lock:
            for record in records:
                if record.key not in self._records and self._is_of_use(record):
                    self._keep(record)
                    self._asked.add(record.key)
            self._replaced += replaced
        return None

    def _session(self, key: SessionKey) -> Session:
        with self._lock:
            record = self._live(key)
            flight = self._flights.get(key)
            mine = record is None and flight is None
            if mine and self._ended:
                msg = "the sessions of this process were given back"
                raise InjectorError(Reason.UNAVAILABLE, msg)
            if mine:
                flight = self._flights[key] = _Flight()
        if record is None and flight is not None:
            if mine:
                self._log_in(key, flight)
            flight.done.wait()
            if flight.error is not None:
                raise flight.error.with_traceback(None)
            record = flight.record
        if record is None:  # pragma: no cover - a flight ends with a record or an error
            msg = "a login ended without a session"
            raise InjectorError(Reason.INTERNAL, msg)
        return Session(record, self._clients, _until(record))

    def _log_in(self, key: SessionKey, flight: _Flight) -> None:
        with self._lock:
            kept = self._records.get(key)
        before = kept if kept is not None and self._is_revocable(kept) else None
        renewed = None
        try:
            renewed = None if before is None else self._renewed(before)
            flight.record = renewed or self._authenticated(key)
        except BaseException as exc:  # noqa: BLE001 - whatever it is, the waiters must wake up
            flight.error = exc
        with self._lock:
            del self._flights[key]
            if flight.record is not None:
                self._keep(flight.record)
                if before is not None and renewed is None:
                    self._replaced.append(before)
        flight.done.set()

    def _authenticated(self, key: SessionKey) -> SessionRecord:
        source = None if key.source is None else self._session(key.source)
        login = self._logins.get(key.method)
        if login is None:
            msg = f"there is no login by `{key.method}`"
            raise InjectorError(Reason.NOT_IN_THIS_VERSION, msg)
        return login(key, source)

    def _renewed(self, record: SessionRecord) -> SessionRecord | None:
        """Extend a session; None where it cannot be, or came to its maximum: log in anew."""
        if not record.lifetime:
            return None
        try:
            longer = self._tenures[record.key.method].renew(Session(record, self._clients))
        except InjectorError:
            return None
        granted = longer.expires_at - longer.issued_at
        return None if schedule.is_ending(granted, record.lifetime) else longer

    def _end(self, until: float) -> None:
        """Let no login begin, and wait for those under way: what they bring is given back, too."""
        with self._lock:
            self._ended = True
            flights = [one for key, one in self._flights.items() if key.method in self._tenures]
        for flight in flights:
            flight.done.wait(max(0.0, until - time.monotonic()) / 2)

    def _revoke(self, record: SessionRecord, seconds: float) -> bool:
        try:
            self._tenures[record.key.method].revoke(Session(record, self._clients), seconds)
        except InjectorError:
            return False
        return True

    def _keep(self, record: SessionRecord) -> None:
        self._records.pop(record.key, None)
        self._records[record.key] = record
        while len(self._records) > self._bound:
            oldest, _ = self._records.popitem(last=False)
            self._asked.discard(oldest)

    def _live(self, key: SessionKey) -> SessionRecord | None:
        record = self._records.get(key)
        return record if record is not None and self._lives(record) else None

    def _lives(self, record: SessionRecord) -> bool:
        now = self._clock()
        return now < _until(record) and not schedule.is_ahead(now, record.issued_at)

    def _is_revocable(self, record: SessionRecord) -> bool:
        return record.key.method in self._tenures and self._clock() < record.expires_at

    def _is_of_use(self, record: SessionRecord) -> bool:
        """Whether it can be handed out, or renewed and given back."""
        return self._lives(record) or self._is_revocable(record)

    def _held(self) -> list[SessionRecord]:
        return [
            record
            for record in (*self._records.values(), *self._replaced)
            if self._is_revocable(record)
        ]


def _until(record: SessionRecord) -> float:
    return schedule.session_until(
        record.issued_at, record.expires_at, renewable=record.lifetime > 0
    )
