"""
Access tokens of Entra: what they say, and who verifies them.

Entra signs with RS256; a world signs with ES256, whose keys cost nothing to make. To the clients
they are opaque.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.azure.clouds import VAULT_RESOURCE_ID
from worlds.azure.errors import unauthorized
from worlds.tokens import InvalidTokenError, Issuer

if TYPE_CHECKING:
    from worlds.azure.directory import Identity, Tenant
    from worlds.clock import WorldClock

LIFETIME: Final = 3599  # seconds, as Entra says it of an hour


@dataclass(frozen=True, slots=True)
class Caller:
    """Who shows a verified access token."""

    client_id: str
    object_id: str
    issuer: str
    subject: str
    """Of the federated token that the access token was given for."""
    token_id: str

    def __str__(self) -> str:
        return f"appid={self.client_id};oid={self.object_id};iss={self.issuer}"


class AccessTokens:
    """
    The access tokens of one world.

    Args:
        clock: of the world.
    """

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._key = Issuer("entra", clock=clock.now)
        self._subjects: dict[str, str] = {}
        self.lifetime = LIFETIME
        """Seconds that new tokens are good for."""

    def key_set(self) -> dict[str, Any]:
        """Give the public key (RFC 7517)."""
        return self._key.key_set()

    def mint(self, identity: Identity, resource: str, subject: str = "") -> str:
        """Make a token for a resource."""
        now, token_id = int(self._clock.now()), uuid.uuid4().hex
        self._subjects[token_id] = subject
        return self._key.sign(
            {
                "aud": resource,
                "iss": identity.tenant.issuer,
                "iat": now,
                "nbf": now,
                "exp": now + self.lifetime,
                "appid": identity.client_id,
                "appidacr": "2",
                "idp": identity.tenant.issuer,
                "oid": identity.object_id,
                "sub": identity.object_id,
                "tid": identity.tenant.id,
                "uti": token_id,
                "ver": "1.0",
            }
        )

    def expire_all(self) -> None:
        """End every token given so far."""
        self._subjects.clear()

    def verify(self, token: str, tenant: Tenant) -> Caller:
        """
        Say who shows a token to a vault of a tenant.

        Raises:
            AzureError: Unauthorized, in Key Vault's words.
        """
        try:
            claims = self._key.verify(token)
        except InvalidTokenError:
            msg = "AKV10046: Unable to resolve the key used for signature validation."
            raise unauthorized(msg) from None
        resource, audience, issuer = tenant.cloud.resource, claims["aud"], claims["iss"]
        if audience not in {resource, VAULT_RESOURCE_ID}:
            msg = f"AKV10022: Invalid audience. Expected {resource}, found: {audience}."
            raise unauthorized(msg)
        if issuer != tenant.issuer:
            msg = f"AKV10032: Invalid issuer. Expected one of {tenant.issuer}, found {issuer}."
            raise unauthorized(msg)
        subject = self._subjects.get(claims["uti"])
        if subject is None or claims["exp"] <= self._clock.now():
            msg = "[TokenExpired] Error validating token: 'S2S12086'."
            raise unauthorized(msg)
        return Caller(claims["appid"], claims["oid"], issuer, subject, claims["uti"])
