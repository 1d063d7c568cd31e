"""
Vault and OpenBao: KV secrets, dynamic credentials with their leases, whatever a path gives.

A lease is renewed while its engine and its token let it; then the secret is read anew, before the
old one ends. What a KV v2 secret's metadata calls unchanged is not read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from injector import schedule
from injector.errors import ProviderError
from injector.identity.keys import vault_key
from injector.providers import vault_engines
from injector.providers.interface import Fetched, Lease, Provider, Read
from injector.vault import replies
from injector.vault.errors import is_denied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from injector.identity.interface import Session, SessionKey
    from injector.providers.vault_engines import Engine, Place
    from injector.sessions import SessionCache
    from injector.vault.client import VaultClient

METADATA: Final = "kv-metadata"
"""Remembered where a policy does not allow a KV v2 secret's metadata."""


class VaultSecrets(Provider):
    """Reads of one Vault server, in one namespace."""

    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str],
    ) -> list[Fetched]:
        if not reads:
            return []
        key = vault_key(store, sessions.identity)
        kept, seen = sessions.holds(key), sessions.standing(key)
        sessions.expect(key, "vault", "")
        found = _all(reads, _errand(store, sessions, key, denied))
        if kept and any(item.error is not None and is_denied(item.error) for item in found):
            # 403 is a policy, or a token that somebody has revoked: Vault's reply is the same.
            if _is_alive(sessions.get(key)):
                return found
            sessions.forget(key, seen)
            found = _all(reads, _errand(store, sessions, key, denied))
        return found

    def _release(self, lease: str, store: Store, sessions: SessionCache) -> None:
        session = sessions.get(vault_key(store, sessions.identity))
        _client(store, session).revoke_lease(lease)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What stays the same over all reads of one fetch."""

    store: Store
    session: Session
    client: VaultClient
    denied: frozenset[str]
    now: float
    """Seconds since the epoch."""
    engines: list[Engine]
    """Those that were found."""


def _errand(
    store: Store, sessions: SessionCache, key: SessionKey, denied: frozenset[str]
) -> _Errand:
    session = sessions.get(key)
    return _Errand(store, session, _client(store, session), denied, sessions.now(), [])


def _client(store: Store, session: Session) -> VaultClient:
    return session.vault(store.text("namespace"), float(store.text("timeout", "0")))


def _is_alive(session: Session) -> bool:
    try:
        session.vault(session.key.input("namespace")).lookup_self()
    except ProviderError as exc:
        return not is_denied(exc)
    return True


def _all(reads: Sequence[Read], errand: _Errand) -> list[Fetched]:
    session = errand.session
    found = []
    for read in reads:
        try:
            item = _one(read, errand)
        except ProviderError as exc:
            item = Fetched(read.reference, error=exc)
        lease = item.lease or read.lease
        # A certificate outlives the token that it was issued to.
        until = session.until if lease is not None and lease.id else schedule.NEVER
        found.append(replace(item, principal=session.principal, until=until))
    return found


def _one(read: Read, errand: _Errand) -> Fetched:
    """Keep, renew or replace what is held; read what is not."""
    lease = read.lease
    if lease is None or (lease.id and lease.accessor != errand.session.credentials.accessor):
        # What another token was given ends with that token, which is given back as a whole.
        return _read(read, errand)
    if not read.lease_due:
        return Fetched(read.reference, unchanged=True, version=read.known_version)
    renewed = _renewed(lease, errand) if lease.renewable else None
    if renewed is not None:
        return Fetched(read.reference, unchanged=True, version=read.known_version, lease=renewed)
    return replace(_read(read, errand), superseded=lease.id)


def _renewed(lease: Lease, errand: _Errand) -> Lease | None:
    """Extend a lease; None where it cannot be, or came to its maximum: read anew."""
    try:
        reply = errand.client.renew_lease(lease.id, lease.original)
    except ProviderError as exc:
        if exc.retryable:
            raise
        return None
    longer = _lease(reply, errand.session)
    if longer is None or schedule.is_ending(longer.duration, lease.original):
        return None
    return longer


def _read(read: Read, errand: _Errand) -> Fetched:
    reference = read.reference
    data = {name.removeprefix("data."): value for name, value in reference.options if "." in name}
    if data:
        ttl = reference.option("ttl")
        body = data | ({"ttl": ttl} if ttl else {})
        path = vault_engines.api_path(reference)
        reply = vault_engines.granting(errand.client.write(path, body), path)
        item = _granted(reference, reply, errand)
        ends = vault_engines.expiration(reply)
        if item.lease is None and ends > errand.now:
            return replace(item, lease=Lease("", ends - errand.now, renewable=False))
        return item
    place = vault_engines.place(reference, errand.store.text("kv"), errand.engines, errand.client)
    if place.version == 2:  # noqa: PLR2004 - a version of KV
        return _version(read, place, errand)
    vault_engines.check_unversioned(reference, place)
    params = {"ttl": reference.option("ttl")} if reference.option("ttl") else None
    return _granted(
        reference, errand.client.read(vault_engines.api_path(reference), params), errand
    )


def _version(read: Read, place: Place, errand: _Errand) -> Fetched:
    reference, client = read.reference, errand.client
    pinned = reference.option("version")
    refused: tuple[str, ...] = ()
    if read.known_version and METADATA not in errand.denied:
        try:
            metadata = client.kv2_metadata(place.mount, place.path)
        except ProviderError as exc:
            if not is_denied(exc):
                raise
            refused = (METADATA,)
        else:
            if vault_engines.is_current(metadata, pinned, read.known_version):
                return Fetched(reference, version=read.known_version, unchanged=True)
    try:
        reply = client.kv2_version(place.mount, place.path, pinned)
    except ProviderError as exc:
        return Fetched(reference, error=exc, remembered=refused)
    version, material = vault_engines.kv2(reply)
    if version and version == read.known_version:
        return Fetched(reference, version=version, unchanged=True, remembered=refused)
    return Fetched(reference, material=material, version=version, mapping=True, remembered=refused)


def _granted(reference: Reference, reply: dict[str, Any], errand: _Errand) -> Fetched:
    material = vault_engines.data(reply)
    lease = _lease(reply, errand.session)
    return Fetched(reference, material=material, mapping=True, lease=lease)


def _lease(reply: dict[str, Any], session: Session) -> Lease | None:
    """The lease of a reply; a KV v1 reply has a duration, but no lease."""
    name = replies.text(reply.get("lease_id"))
    if not name:
        return None
    renewable = reply.get("renewable") is True
    return Lease(name, replies.life(reply), renewable, session.credentials.accessor)
