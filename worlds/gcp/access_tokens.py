"""Access tokens: whose they are, for what scopes, until when."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worlds.gcp.iam import Principal

CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"
IAM: Final = "https://www.googleapis.com/auth/iam"
KMS: Final = "https://www.googleapis.com/auth/cloudkms"
LIFETIME: Final = 3600  # seconds, unless something shorter is asked for


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One token that the world gave out."""

    id: str
    """For the journal, which never holds tokens."""
    value: str = field(repr=False)
    principal: Principal
    scopes: frozenset[str]
    expires: float
    """World time, seconds since the epoch."""
    base: str
    """Who began the chain of impersonations."""


class AccessTokens:
    """All tokens of one world."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, AccessToken] = {}
        self._ended: set[str] = set()

    def issue(
        self, principal: Principal, scopes: Iterable[str], expires: float, *, base: str = ""
    ) -> AccessToken:
        """Give out a token."""
        kind = "d" if principal.name.startswith("principal:") else "c"
        with self._lock:
            token = AccessToken(
                id=f"token-{len(self._all) + 1}",
                value=f"ya29.{kind}.{secrets.token_urlsafe(96)}",
                principal=principal,
                scopes=frozenset(scopes),
                expires=expires,
                base=base or principal.name,
            )
            self._all[token.value] = token
        return token

    def find(self, value: str) -> AccessToken | None:
        """Look one up, ended or not."""
        return self._all.get(value)

    def ended(self, token: AccessToken, now: float) -> bool:
        """Tell whether it is over."""
        return token.id in self._ended or token.expires <= now

    def expire(self, now: float, principal: str = "") -> int:
        """End tokens now, all or one principal's; gives how many."""
        with self._lock:
            hit = [
                token.id
                for token in self._all.values()
                if not self.ended(token, now) and principal in {"", token.principal.name}
            ]
            self._ended.update(hit)
        return len(hit)
