"""
What every provider promises, and the values that go in and come out.

`fetch` is final: whatever a client library raises, callers meet only `ProviderError`, so no
response body can travel in an exception that we log. Implementers write `_fetch`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector import parallel
from injector.contract.reasons import Reason
from injector.errors import InjectorError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from injector.material import Material
    from injector.sessions import SessionCache


@dataclass(frozen=True, slots=True)
class Lease:
    """A time-bound right to a dynamic secret, in the backend's own terms."""

    id: str
    """Empty for what has an end but no lease, as a certificate."""
    duration: float
    """Seconds from the moment of issue or renewal."""
    renewable: bool
    accessor: str = ""
    """Of the token that it belongs to: it ends with that at the latest."""
    original: float = 0.0
    """Seconds of the first grant, of a lease that is held."""


@dataclass(frozen=True, slots=True)
class Read:
    """One read that is due: a reference without selector, and what is already held of it."""

    reference: Reference
    known_version: str = ""
    """The version that was fetched last; empty forces the value to be fetched."""
    served_by: str = ""
    """Region that served it last."""
    lease: Lease | None = None
    """What is held of it."""
    lease_due: bool = True
    """Whether that is to be renewed or replaced, rather than only looked at."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of one read. Exactly one of `material`, `unchanged`, `error` says which."""

    reference: Reference
    material: Material | None = None
    version: str = ""
    mapping: bool = False
    """The backend itself speaks of keys: `material` is a JSON object."""
    text: Material | None = None
    """The document itself, where the backend holds one that is no JSON: `material` is its data."""
    form: str = ""
    """Format of `text`."""
    unchanged: bool = False
    """The known version is still the current one; nothing was transferred."""
    served_by: str = ""
    """Region that answered."""
    principal: str = ""
    """Who the provider says has asked; empty when the login failed, or it does not say."""
    lease: Lease | None = None
    """What was granted just now; with `unchanged`, the renewal of what is held."""
    until: float = math.inf
    """When the session behind a lease is renewed or replaced (epoch seconds), and it with it."""
    superseded: str = ""
    """Id of a lease that this one replaces: given back when nobody uses it any more."""
    error: ProviderError | None = None
    remembered: tuple[str, ...] = ()
    """API actions found to be denied, which later cycles leave out (`BatchGetSecretValue`)."""
    warnings: tuple[str, ...] = ()
    """What was done otherwise than the store says, for people (a role not assumed again)."""


class Provider(ABC):
    """A backend that secrets are read from. Implement `_fetch`; call `fetch`."""

    def fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str] = frozenset(),
    ) -> list[Fetched]:
        """
        Read secrets of one store, in as few calls as the backend allows.

        Args:
            reads: distinct references of this store.
            store: its settings.
            sessions: where the authenticated session comes from, by copy.
            denied: API actions that earlier cycles found to be denied.

        Returns:
            One `Fetched` for each read, in the order of `reads`; a failure of one is in its
            `error`, a failure of all (a login) is in every one's.

        This method raises nothing.
        """
        try:
            return self._fetch(reads, store, sessions, denied)
        except InjectorError as exc:
            error = exc if isinstance(exc, ProviderError) else ProviderError(exc.reason, str(exc))
        except Exception as exc:  # noqa: BLE001 - the promise of this interface
            name = type(exc).__name__
            error = ProviderError(Reason.INTERNAL, f"{type(self).__name__}: {name}")
        return [Fetched(read.reference, error=error) for read in reads]

    def release(
        self, leases: Sequence[str], store: Store, sessions: SessionCache
    ) -> tuple[str, ...]:
        """
        Give back leases that nobody uses any more.

        Returns:
            Those that another try may give back; what is refused for good ends by itself.

        This method raises nothing.
        """
        kept = []
        for lease in leases:
            try:
                self._release(lease, store, sessions)
            except InjectorError as exc:
                kept += [lease] if exc.retryable else []
        return tuple(kept)

    def _release(self, lease: str, store: Store, sessions: SessionCache) -> None:  # noqa: B027 - most grant none
        """Give one lease back; a provider that grants none has nothing to do."""

    @abstractmethod
    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str],
    ) -> list[Fetched]:
        """Read; raise `ProviderError` when nothing at all could be read."""


def singly(reads: Sequence[Read], ask: Callable[[Read], Fetched], step: str) -> list[Fetched]:
    """
    Read one by one, several at the same time: whatever fails is the failure of its own read.

    Args:
        reads: of one store.
        ask: does one; may raise.
        step: of an error that names none itself.

    Returns:
        One `Fetched` for each read, in the order of `reads`.
    """
    found: dict[int, Fetched] = {}

    def one(index: int) -> None:
        reference = reads[index].reference
        try:
            found[index] = ask(reads[index])
        except ProviderError as exc:
            found[index] = Fetched(reference, error=exc)
        except InjectorError as exc:
            error = ProviderError(exc.reason, str(exc), step=step, pause=exc.pause)
            found[index] = Fetched(reference, error=error)
        except Exception as exc:  # noqa: BLE001 - of a thread: nobody else would hear it
            problem = f"{step}: {type(exc).__name__}"
            error = ProviderError(Reason.INTERNAL, problem, step=step)
            found[index] = Fetched(reference, error=error)

    parallel.each(one, range(len(reads)))
    return [found[index] for index in range(len(reads))]
