"""
What every provider promises, and the values that go in and come out.

`fetch` is final: whatever a client library raises, callers meet only `ProviderError`, so no
response body can travel in an exception that we log. Implementers write `_fetch`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector.contract.reasons import Reason
from injector.errors import InjectorError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from injector.material import Material
    from injector.sessions import SessionCache


@dataclass(frozen=True, slots=True)
class Lease:
    """A time-bound right to a dynamic secret, in the backend's own terms."""

    id: str
    duration: float
    """Seconds from the moment of issue."""
    renewable: bool


@dataclass(frozen=True, slots=True)
class Read:
    """One read that is due: a reference without selector, and what is already held of it."""

    reference: Reference
    known_version: str = ""
    """The version that was fetched last; empty forces the value to be fetched."""
    served_by: str = ""
    """Region that served it last."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of one read. Exactly one of `material`, `unchanged`, `error` says which."""

    reference: Reference
    material: Material | None = None
    version: str = ""
    mapping: bool = False
    """The backend itself speaks of keys: `material` is a JSON object."""
    unchanged: bool = False
    """The known version is still the current one; nothing was transferred."""
    served_by: str = ""
    """Region that answered."""
    principal: str = ""
    """Who the provider says has asked; empty when the login failed, or it does not say."""
    lease: Lease | None = None
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

    @abstractmethod
    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str],
    ) -> list[Fetched]:
        """Read; raise `ProviderError` when nothing at all could be read."""
