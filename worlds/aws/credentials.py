"""Access keys that the world gave out, and whose they are."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from worlds.aws.identities import unique_id

if TYPE_CHECKING:
    from worlds.aws.identities import Principal


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Keys and what they stand for; the parts that sign are kept out of `repr`."""

    id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    """Session token; empty for a user's own keys."""
    principal: Principal
    expires_at: float | None
    """World time; none for a user's own keys."""


class AccessKeys:
    """All keys of one world."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, AccessKey] = {}

    def issue(self, principal: Principal, expires_at: float | None) -> AccessKey:
        """Make new keys; with an end they have a session token."""
        temporary = expires_at is not None
        key = AccessKey(
            id=unique_id("ASIA" if temporary else "AKIA"),
            secret=secrets.token_urlsafe(30),
            token=secrets.token_urlsafe(240) if temporary else "",
            principal=principal,
            expires_at=expires_at,
        )
        with self._lock:
            self._keys[key.id] = key
        return key

    def find(self, access_key_id: str) -> AccessKey | None:
        """Look keys up by their id."""
        return self._keys.get(access_key_id)

    def expire(self, now: float, principal: str = "") -> int:
        """End all temporary keys, or those of one principal's ARN; gives how many."""
        with self._lock:
            hit = [
                key
                for key in self._keys.values()
                if key.expires_at is not None and principal in {"", key.principal.arn}
            ]
            self._keys.update({key.id: replace(key, expires_at=now) for key in hit})
        return len(hit)
