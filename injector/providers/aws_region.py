"""
What both AWS providers do with regions: group reads, log in, fail over, say who served.

The failover region is asked only for what the primary could not give for a passing cause (5xx,
time-out, throttling); a definite no of either region is final for it. When both fail, the error
has both causes.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from injector.aws.errors import STALE_CREDENTIALS
from injector.contract.reasons import Reason
from injector.errors import InjectorError, ProviderError
from injector.identity.keys import session_key, warnings
from injector.material import Material
from injector.providers.interface import Fetched, Provider, Read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.aws.client import AwsClient
    from injector.contract.stores import Store
    from injector.identity.interface import SessionKey
    from injector.sessions import SessionCache

_PASSING: Final = frozenset({Reason.UNAVAILABLE, Reason.THROTTLED})
"""5xx, time-outs and throttling: what another region may not have."""
_EXCHANGES: Final = frozenset({"AssumeRoleWithWebIdentity", "GetCredentials"})
"""Steps that read the token themselves; no session is to blame for what they are told."""
_NO_REGION: Final = "no region: set `aws.region`, or the option `region` of the reference"


class AwsProvider(Provider):
    """An AWS service in one or two regions. Implement `_fetch_region`."""

    service: str
    """botocore's name of the service, also the one in ARNs."""

    @abstractmethod
    def _fetch_region(
        self, reads: Sequence[Read], store: Store, client: AwsClient, denied: frozenset[str]
    ) -> list[Fetched]:
        """Read from one region with one client, in the order of `reads`; errors in each item."""

    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str],
    ) -> list[Fetched]:
        errand = _Errand(store, sessions, denied)
        groups: dict[str, list[int]] = {}
        for index, read in enumerate(reads):
            groups.setdefault(region_of(read, store), []).append(index)
        results: dict[int, Fetched] = {}
        for region, indices in groups.items():
            found = self._serve([reads[index] for index in indices], errand, region)
            results.update(zip(indices, found, strict=True))
        said = warnings(store)
        ordered = [results[index] for index in range(len(reads))]
        return [replace(item, warnings=said) for item in ordered] if said else ordered

    def _serve(self, reads: list[Read], errand: _Errand, region: str) -> list[Fetched]:
        """Read from a region, and what it could not give from the failover region."""
        if not region:
            error = ProviderError(Reason.INVALID_STORE, _NO_REGION)
            return [Fetched(read.reference, error=error) for read in reads]
        store = errand.store
        primary = errand.key(store.text("region") or region)
        results = self._ask(reads, errand, region, primary)
        second = store.text("failover-region")
        again = [
            i for i, item in enumerate(results) if item.error and item.error.reason in _PASSING
        ]
        if not again or second in {"", region}:
            return results
        moved = [_moved(reads[index], second) for index in again]
        # A login at the primary region that still lives is as good in the second.
        key = primary if errand.sessions.holds(primary) else errand.key(second)
        others = self._ask(moved, errand, second, key)
        for index, other in zip(again, others, strict=True):
            results[index] = _joined(reads[index], results[index], other, (region, second))
        return results

    def _ask(
        self, reads: list[Read], errand: _Errand, region: str, key: SessionKey
    ) -> list[Fetched]:
        seen = errand.sessions.standing(key)
        results = self._attempt(reads, errand, region, key)
        if any(_is_stale(item.error) for item in results):
            # Credentials that ended early, or were revoked: one new login, then as it is.
            errand.sessions.forget(key, seen)
            results = self._attempt(reads, errand, region, key)
        return results

    def _attempt(
        self, reads: list[Read], errand: _Errand, region: str, key: SessionKey
    ) -> list[Fetched]:
        sessions = errand.sessions
        try:
            sessions.expect(key, self.service, region)
            session = sessions.get(key)
            client = session.client(self.service, region)
            results = self._fetch_region(reads, errand.store, client, errand.denied)
        except InjectorError as exc:
            error = exc if isinstance(exc, ProviderError) else ProviderError(exc.reason, str(exc))
            return [Fetched(read.reference, error=error) for read in reads]
        return [replace(item, served_by=region, principal=session.principal) for item in results]


@dataclass(frozen=True, slots=True)
class _Errand:
    """What stays the same over all regions of one fetch."""

    store: Store
    sessions: SessionCache
    denied: frozenset[str]

    def key(self, region: str) -> SessionKey:
        return session_key(self.store, self.sessions.identity, region)


def _is_stale(error: ProviderError | None) -> bool:
    return error is not None and error.code in STALE_CREDENTIALS and error.step not in _EXCHANGES


def material_of(value: object) -> Material | None:
    """Secret bytes out of a reply; None for what is no value, so that the reply is damaged."""
    if isinstance(value, bytes):
        return Material(value) if value else None  # AWS holds no empty binary
    try:
        return Material(value.encode()) if isinstance(value, str) else None
    except UnicodeEncodeError:
        return None


def region_of(read: Read, store: Store) -> str:
    """The region of one read: its ARN's, its option's, or the store's."""
    arn = read.reference.arn
    if arn is not None and arn.region:
        return arn.region
    return read.reference.option("region") or store.text("region")


def _moved(read: Read, region: str) -> Read:
    """Ask the same of another region: a replica's ARN differs in nothing else."""
    arn = read.reference.arn
    if arn is None:
        return read
    path = f"arn:{arn.partition}:{arn.service}:{region}:{arn.account}:{arn.resource}"
    return replace(read, reference=replace(read.reference, path=path))


def _joined(read: Read, first: Fetched, second: Fetched, regions: tuple[str, str]) -> Fetched:
    result = replace(
        second,
        reference=read.reference,
        remembered=tuple(sorted({*first.remembered, *second.remembered})),
    )
    if first.error is None or second.error is None:
        return result
    error = ProviderError(
        first.error.reason,
        f"{regions[0]}: {_told(first.error)}; {regions[1]}: {_told(second.error)}",
        step=first.error.step,
        code=first.error.code,
        request_id=first.error.request_id,
        region=regions[0],
        remedy=second.error.remedy if not second.error.retryable else first.error.remedy,
    )
    return replace(result, error=error, served_by="")


def _told(error: ProviderError) -> str:
    marks = " ".join(mark for mark in (error.step, error.code, error.request_id) if mark)
    return f"{error} ({marks})" if marks else str(error)
