"""
Azure Key Vault: secrets, and certificates with their key and chain.

A certificate's private key is in the secret of the same name
(https://learn.microsoft.com/azure/key-vault/certificates/about-certificates), so that both are one
call. The host is made of the vault's name and the cloud's suffix and of nothing else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from injector.azure.errors import vault_refused
from injector.contract.azure import (
    CERTIFICATES,
    CLOUDS,
    PUBLIC,
    InvalidPathError,
    VaultObject,
    parse_path,
)
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity.azure import azure_key
from injector.material import Material
from injector.providers.interface import Fetched, Provider, Read, singly
from injector.rest import Call, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from injector.contract.stores import Store
    from injector.rest import Rest
    from injector.sessions import SessionCache

API_VERSION: Final = "7.4"
STEP: Final = "GetSecret"
_VERSION: Final = re.compile(
    r"https://[^/]+/secrets/(?P<name>[^/]+)/(?P<version>[0-9a-f]{32})", re.ASCII
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class KeyVault(Provider):
    """Reads of the vaults of one cloud, with one login."""

    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        denied: frozenset[str],
    ) -> list[Fetched]:
        del denied
        if not reads:
            return []
        key = azure_key(store, sessions.identity)
        kept, seen = sessions.holds(key), sessions.standing(key)
        found = _all(reads, store, sessions)
        refused = any(
            item.error is not None and item.error.reason is Reason.IDENTITY_DENIED for item in found
        )
        if kept and refused:
            # A token that was withdrawn, or one of a tenant that the vault has left.
            sessions.forget(key, seen)
            return _all(reads, store, sessions)
        return found


def _all(reads: Sequence[Read], store: Store, sessions: SessionCache) -> list[Fetched]:
    session = sessions.get(azure_key(store, sessions.identity))
    cloud, client = store.text("cloud", PUBLIC), session.rest()
    found = singly(reads, lambda read: _read(read, cloud, client, sessions.now()), STEP)
    return [replace(item, principal=session.principal) for item in found]


def _read(read: Read, cloud: str, client: Rest, now: float) -> Fetched:
    reference = read.reference
    try:
        place = parse_path(reference.path)
    except InvalidPathError as exc:
        raise ProviderError(Reason.INVALID_REQUEST, str(exc), step=STEP) from None
    reply = client.call(
        _call(place, cloud, reference.option("version")), partial(vault_refused, place)
    )
    value, version = reply.get("value"), _version(reply, place, reference.option("version"))
    # JSON may hold half of a surrogate pair, which no text has.
    if not isinstance(value, str) or not version or _SURROGATE.search(value):
        raise unreadable(STEP)
    if version == read.known_version:
        return Fetched(reference, version=version, unchanged=True)
    said = _warnings(place, reply.get("attributes"), now)
    if place.kind != CERTIFICATES:
        return Fetched(reference, material=Material(value.encode()), version=version, warnings=said)
    from injector.azure import certificates  # noqa: PLC0415 - only certificates pay for it

    content_type = reply.get("contentType")
    material = certificates.mapping(value, content_type if isinstance(content_type, str) else "")
    return Fetched(reference, material=material, version=version, mapping=True, warnings=said)


def _call(place: VaultObject, cloud: str, version: str) -> Call:
    host = f"{place.vault}.{CLOUDS[cloud].suffix}"
    path = f"{place.name}/{version}" if version else place.name
    return Call(STEP, "GET", f"https://{host}/secrets/{quote(path)}?api-version={API_VERSION}")


def _version(reply: Mapping[str, Any], place: VaultObject, wanted: str) -> str:
    """Give the last segment of `id`, the version that was read; empty for another object's."""
    given = reply.get("id")
    found = _VERSION.fullmatch(given) if isinstance(given, str) else None
    if found is None or found["name"].lower() != place.name.lower():
        return ""
    return found["version"] if wanted in {"", found["version"]} else ""


def _warnings(place: VaultObject, attributes: object, now: float) -> tuple[str, ...]:
    """
    Say that a value is outside of its time: Key Vault gives it all the same.

    https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations
    """
    given = attributes if isinstance(attributes, dict) else {}
    name = f"{place.vault}/{place.kind}/{place.name}"
    found = []
    if _is_time(given.get("exp")) and given["exp"] <= now:
        found.append(f"`{name}` has expired in Key Vault, which gives it all the same")
    if _is_time(given.get("nbf")) and given["nbf"] > now:
        found.append(f"`{name}` is not yet valid in Key Vault, which gives it all the same")
    return tuple(found)


def _is_time(raw: object) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool)
