"""A provider of logins in memory: journals who asked with whose credentials, and fails on order."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from injector.aws.client import AwsClient
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.interface import (
    Credentials,
    Identity,
    Session,
    SessionKey,
    SessionRecord,
    Tenure,
)
from injector.material import Material
from injector.retry import Retry
from injector.sessions import SessionCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.rest import Rest
    from injector.vault.client import VaultClient

LIFE = 3600.0
IDENTITY = Identity("shop", "web", "web-1")


@dataclass(slots=True)
class Clock:
    """Seconds since the epoch, moved by the test."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        """Give the present moment."""
        return self.now


@dataclass(slots=True)
class Logins:
    """Answers logins by a name in the key; `journal` has the source's principal of each."""

    clock: Clock
    journal: list[tuple[str, str]] = field(default_factory=list)
    failures: list[InjectorError] = field(default_factory=list)
    hold: Callable[[], None] = lambda: None
    """Called before each login answers."""
    life: float = LIFE
    tenured: bool = False
    """Whether sessions can be renewed and given back, as Vault's can."""
    grants: list[float] = field(default_factory=list)
    """Seconds that the next renewals grant, `life` when there is none; negative is a refusal."""
    renewed: list[str] = field(default_factory=list)
    """Tokens that were renewed."""
    revoked: list[str] = field(default_factory=list)
    """Tokens that were given back."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, key: SessionKey, source: Session | None) -> SessionRecord:
        """Log in once."""
        self.hold()
        name = key.input("name")
        with self._lock:
            self.journal.append((name, source.principal if source else ""))
            number = len(self.journal)
            if self.failures:
                raise self.failures.pop()
        credentials = Credentials(
            Material(f"token-{number}".encode()), f"ASIA{number}", accessor=f"accessor-{number}"
        )
        now = self.clock.now
        lifetime = self.life if self.tenured else 0.0
        return SessionRecord(key, name, credentials, now, now + self.life, lifetime)

    def renew(self, session: Session) -> SessionRecord:
        """Extend a session."""
        granted = self.grants.pop(0) if self.grants else self.life
        if granted < 0:
            raise InjectorError(Reason.ACCESS_DENIED, "no")
        self.renewed.append(token(session))
        now = self.clock.now
        return SessionRecord(
            session.key,
            session.principal,
            session.credentials,
            now,
            now + granted,
            session.lifetime,
        )

    def revoke(self, session: Session, _seconds: float) -> None:
        """Take one back."""
        if self.failures:
            raise self.failures.pop()
        with self._lock:
            self.revoked.append(token(session))


class NoClients:
    """Makes no clients; journals what was announced."""

    def __init__(self) -> None:
        self.expected: list[tuple[str, bool]] = []

    def client(self, session: Session, service: str, region: str) -> AwsClient:
        """Make a client that can call nothing."""
        del session, service
        return AwsClient(region, lambda *_: {}, Retry())

    def rest(self, session: Session) -> Rest:
        """Make none: these sessions are AWS's."""
        raise AssertionError(session)

    def vault(self, session: Session, namespace: str, seconds: float) -> VaultClient:
        """Make none: these sessions are AWS's."""
        raise AssertionError(session, namespace, seconds)

    def expect(self, key: SessionKey, service: str, region: str, *, login: bool) -> None:
        """Journal it."""
        del key, region
        self.expected.append((service, login))


def base(name: str = "base", **inputs: str) -> SessionKey:
    """A first login."""
    return SessionKey.of("aws", "web-identity", {"name": name, **inputs})


def role(name: str, source: SessionKey) -> SessionKey:
    """A role assumed from `source`."""
    return SessionKey.of("aws", "assume-role", {"name": name}, source)


def cache_of(logins: Logins, *, bound: int = 64) -> SessionCache:
    """A cache over them."""
    methods = dict.fromkeys(("web-identity", "assume-role", "ambient"), logins)
    tenures = {"web-identity": Tenure(logins.renew, logins.revoke)} if logins.tenured else {}
    return SessionCache(
        IDENTITY, methods, NoClients(), tenures=tenures, clock=logins.clock, bound=bound
    )


def token(session: Session) -> str:
    """The token of a session, which says which login it came of."""
    return session.credentials.token.reveal().decode()


def in_threads(cache: SessionCache, key: SessionKey, logins: Logins, count: int) -> list[object]:
    """Ask in many threads for a key, and let its login answer when all of them wait for it."""
    got: list[object] = []

    def run() -> None:
        try:
            got.append(cache.get(key))
        except InjectorError as exc:
            got.append(exc)

    def hold() -> None:
        logins.hold = lambda: None
        end = time.monotonic() + 10
        while time.monotonic() < end:
            flight = cache._flights[key]
            if len(flight.done._cond._waiters) == count - 1:  # type: ignore[attr-defined]
                return
            time.sleep(0.002)

    logins.hold = hold
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return got
