"""Entra's directory: tenants, the identities in them, and what identities are federated with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worlds.azure.clouds import Cloud
    from worlds.tokens import Issuer


@dataclass(slots=True, eq=False)
class FederatedCredential:
    """One trust of an identity; all three must equal the token's, letter for letter."""

    issuer: Issuer
    subject: str
    audience: str
    unseen: int = 0
    """For so many tries it is refused as unknown: it was made a moment ago (AADSTS70021)."""


@dataclass(slots=True, eq=False)
class Identity:
    """An application or a user-assigned managed identity; the token endpoint treats them alike."""

    name: str
    tenant: Tenant
    client_id: str
    object_id: str
    credentials: list[FederatedCredential] = field(default_factory=list)
    enabled: bool = True
    """Whether it may log in."""

    def federate(
        self,
        issuer: Issuer,
        subject: str,
        audience: str = "",
        *,
        unseen: int = 0,
    ) -> FederatedCredential:
        """
        Trust an issuer's tokens for one subject.

        Args:
            issuer: of the cluster.
            subject: `system:serviceaccount:<namespace>:<name>`.
            audience: of the tokens; the one of the cloud when empty.
            unseen: refuse that many tries first, as after a real one was created.
        """
        made = FederatedCredential(issuer, subject, audience or self.tenant.cloud.audience, unseen)
        self.credentials.append(made)
        return made


@dataclass(slots=True, eq=False)
class Tenant:
    """One directory, in one cloud."""

    id: str
    name: str
    cloud: Cloud
    identities: dict[str, Identity] = field(default_factory=dict)
    """By client id."""

    @property
    def authority(self) -> str:
        """The URL that challenges of its vaults name."""
        return f"https://{self.cloud.logins[0]}/{self.id}"

    @property
    def issuer(self) -> str:
        """The `iss` of its access tokens."""
        return f"https://{self.cloud.sts}/{self.id}/"

    def identity(self, name: str, client_id: str = "") -> Identity:
        """Give the identity of a name, new when it is asked for the first time."""
        known = (one for one in self.identities.values() if one.name == name)
        found = next(known, None)
        if found is None:
            chosen = client_id or _id("client", self.id, name)
            found = Identity(name, self, chosen, _id("object", self.id, name))
            self.identities[found.client_id] = found
        return found


def tenant_id(name: str, cloud: Cloud) -> str:
    """Give the id that a tenant of this name has in every world."""
    return _id("tenant", cloud.name, name)


def _id(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(names)))
