"""
Google Secret Manager: versions of secrets, global and regional, verified by their CRC32C.

The reply names the version that an alias or `latest` stands for, by which a change is known.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract import google
from injector.contract.reasons import Reason
from injector.errors import InjectorError, ProviderError
from injector.gcp import errors
from injector.identity.gcp_keys import gcp_key
from injector.material import Material
from injector.providers.interface import Fetched, Provider, Read, singly
from injector.rest import Call, unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from injector.identity.interface import Session
    from injector.rest import Refusal
    from injector.sessions import SessionCache

STEP: Final = "AccessSecretVersion"
_DAMAGED: Final = "CRC32C"
"""Code of a payload that is not the one which the server sent."""
_VERSION: Final = re.compile(google.VERSION)
_RESOLVED: Final = re.compile(
    r"projects/[^/]{1,63}(/locations/[^/]{1,63})?/secrets/(?P<secret>[^/]{1,255})"
    r"/versions/(?P<version>[1-9][0-9]{0,18})"
)
_CRC: Final = re.compile(r"[0-9]{1,10}")


class SecretVersions(Provider):
    """Reads of one store, each a call of its own, several at the same time."""

    def _fetch(
        self,
        reads: Sequence[Read],
        store: Store,
        sessions: SessionCache,
        _denied: frozenset[str],
    ) -> list[Fetched]:
        if not reads:
            return []
        key = gcp_key(store, sessions.identity)
        kept = sessions.holds(key)
        found = _all(reads, store, sessions.get(key))
        if kept and any(_is_refused(item) for item in found):
            # The token was revoked, or somebody else's has ended: only those reads are repeated.
            sessions.forget(key)
            again = [index for index, item in enumerate(found) if _is_refused(item)]
            repeated = _all([reads[index] for index in again], store, sessions.get(key))
            for index, item in zip(again, repeated, strict=True):
                found[index] = item
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version is."""

    name: str
    """`projects/…/secrets/…`."""
    location: str
    """Of a regional secret, else empty."""
    version: str

    @property
    def secret(self) -> str:
        """Id of the secret."""
        return self.name.rpartition("/")[2]

    def url(self, endpoint: str) -> str:
        """Address of the call, at the operator's endpoint if there is one."""
        regional = f"secretmanager.{self.location}.rep.googleapis.com"
        host = regional if self.location else "secretmanager.googleapis.com"
        base = endpoint.rstrip("/") or f"https://{host}"
        return f"{base}/v1/{self.name}/versions/{self.version}:access"


def place(reference: Reference, store: Store) -> Place:
    """
    Find where a reference points to; what goes into the host name is checked here again.

    Raises:
        ProviderError: for what is no name of a secret, a region or a version.
    """
    version = reference.option("version") or "latest"
    try:
        name = google.parse_path(
            reference.path, store.text("project"), reference.option("region") or ""
        )
    except google.InvalidPathError as exc:
        raise ProviderError(Reason.INVALID_REQUEST, str(exc), step=STEP) from None
    if not _VERSION.fullmatch(version):
        problem = "the option `version` is no number, `latest` or alias"
        raise ProviderError(Reason.INVALID_REQUEST, problem, step=STEP)
    return Place(str(name), name.location, version)


def _is_refused(item: Fetched) -> bool:
    return item.error is not None and errors.is_unauthenticated(item.error)


def _all(reads: Sequence[Read], store: Store, session: Session) -> list[Fetched]:
    found = singly(reads, lambda read: _one(read, store, session), STEP)
    return [replace(item, principal=session.principal) for item in found]


def _one(read: Read, store: Store, session: Session) -> Fetched:
    where = place(read.reference, store)
    rest = session.rest()
    quota = store.text("quota-project")
    endpoint = dict(store.pairs("endpoints")).get("secretmanager", "")
    call = Call(
        STEP,
        "GET",
        where.url(endpoint),
        {"x-goog-user-project": quota} if quota else {},
    )

    def refused(refusal: Refusal) -> ProviderError:
        return errors.secret(refusal, where.name, where.version, session.principal)

    def whole(_until: float) -> tuple[str, bytes]:
        return _verified(rest.call(call, refused), where)

    # What the call itself can repeat it has repeated; a damaged payload is asked for again.
    version, data = rest.retry.run(whole, again=_is_damaged)
    served_by = where.location
    if version == read.known_version:
        return Fetched(read.reference, version=version, unchanged=True, served_by=served_by)
    return Fetched(read.reference, Material(data), version, served_by=served_by)


def _is_damaged(error: InjectorError) -> bool:
    return isinstance(error, ProviderError) and error.code == _DAMAGED


def _verified(reply: dict[str, Any], where: Place) -> tuple[str, bytes]:
    """
    Give the version and its bytes, after a look at whether they are what was asked for.

    Raises:
        ProviderError: when they are not, or the reply cannot be read.
    """
    import google_crc32c  # noqa: PLC0415 - paid by use

    name, payload = reply.get("name"), reply.get("payload")
    match = _RESOLVED.fullmatch(name) if isinstance(name, str) else None
    if match is None or match["secret"] != where.secret or not isinstance(payload, dict):
        raise unreadable(STEP)
    if where.version.isdigit() and match["version"] != where.version:
        raise unreadable(STEP)
    # Of a version without a byte JSON may leave the field out (proto3).
    text, checksum = payload.get("data", ""), payload.get("dataCrc32c")
    if isinstance(checksum, int) and not isinstance(checksum, bool):
        checksum = str(checksum)
    if not isinstance(checksum, str) or not _CRC.fullmatch(checksum):
        raise _damaged(problem="has no checksum")
    try:
        data = b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise _damaged(problem="is no base64") from None
    if google_crc32c.value(data) != int(checksum):
        raise _damaged(problem="does not match its checksum")
    return match["version"], data


def _damaged(problem: str) -> ProviderError:
    return ProviderError(
        Reason.UNAVAILABLE,
        f"the payload {problem}",
        step=STEP,
        code=_DAMAGED,
        remedy="it is tried again; if it stays, look at what changes replies between the pod and "
        "Google",
    )
