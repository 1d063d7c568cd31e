"""Key vaults: what lies in one, and who may do what with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from worlds.azure.errors import forbidden
from worlds.azure.objects import Certificate, Key, Secret, Shelf

if TYPE_CHECKING:
    from worlds.azure.access_tokens import Caller
    from worlds.azure.directory import Identity, Tenant

Model = Literal["rbac", "policy"]
LOCATION: Final = "westeurope"
PERMISSIONS: Final = {
    "secrets/get": "secrets/getSecret/action",
    "certificates/get": "certificates/read",
    "keys/get": "keys/read",
    "keys/decrypt": "keys/decrypt/action",
    "keys/encrypt": "keys/encrypt/action",
}
"""Permissions of access policies, and the data actions of Azure RBAC that they are."""


@dataclass(slots=True, eq=False)
class Vault:
    """One vault."""

    name: str
    tenant: Tenant
    model: Model = "rbac"
    """Whether role assignments or access policies say who may."""
    firewalled: bool = False
    """Whether its firewall lets nobody in."""
    secrets: Shelf[Secret] = field(default_factory=lambda: Shelf("Secret"))
    keys: Shelf[Key] = field(default_factory=lambda: Shelf("Key"))
    certificates: Shelf[Certificate] = field(default_factory=lambda: Shelf("Certificate"))
    grants: set[tuple[str, str, str]] = field(default_factory=set)
    """Object id, permission, and the object that it is for; empty for all."""

    @property
    def host(self) -> str:
        """Its true host name."""
        return f"{self.name}.{self.tenant.cloud.vault_suffix}"

    @property
    def url(self) -> str:
        """Its true URL."""
        return f"https://{self.host}"

    def grant(self, identity: Identity, *permissions: str, only: str = "") -> None:
        """
        Let an identity do something.

        Args:
            identity: who.
            permissions: of `PERMISSIONS`.
            only: a name; for that secret, key or certificate alone (with Azure RBAC only).
        """
        for permission in permissions:
            if permission not in PERMISSIONS:
                msg = f"no permission {permission}; there are {', '.join(PERMISSIONS)}"
                raise ValueError(msg)
            self.grants.add((identity.object_id, permission, only.lower()))

    def revoke(self, identity: Identity) -> None:
        """Take everything from an identity."""
        self.grants = {grant for grant in self.grants if grant[0] != identity.object_id}

    def demand(self, caller: Caller, permission: str, name: str) -> None:
        """
        Let a caller pass, or refuse in Key Vault's words.

        Raises:
            AzureError: Forbidden, by firewall, by role assignments or by access policies.
        """
        place = f"Vault: {self.name};location={LOCATION}"
        if self.firewalled:
            msg = (
                "Client address is not authorized and caller is not a trusted service.\r\n"
                f"Client address: 127.0.0.1\r\nCaller: {caller}\r\n{place}"
            )
            raise forbidden(msg, "ForbiddenByFirewall")
        oid = caller.object_id
        if {(oid, permission, ""), (oid, permission, name.lower())} & self.grants:
            return
        if self.model == "rbac":
            raise forbidden(self._denial(caller, permission, name) + place, "ForbiddenByRbac")
        if all(grant[0] != oid for grant in self.grants):
            msg = (
                "Access denied. Caller was not found on any access policy.\r\n"
                f"Caller: {caller}\r\n{place}"
            )
            raise forbidden(msg, "AccessDenied")
        kind, _, operation = permission.partition("/")
        msg = (
            f"The user, group or application '{caller}' does not have {kind} {operation} "
            f"permission on key vault '{self.name};location={LOCATION}'. For help resolving this "
            "issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
        )
        raise forbidden(msg, "ForbiddenByPolicy")

    def _denial(self, caller: Caller, permission: str, name: str) -> str:
        resource = (
            "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/world/providers/"
            f"microsoft.keyvault/vaults/{self.name}/{permission.partition('/')[0]}/{name.lower()}"
        )
        return (
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
            "assignments or role definitions were changed recently, please observe propagation "
            f"time.\r\nCaller: {caller}\r\n"
            f"Action: 'Microsoft.KeyVault/vaults/{PERMISSIONS[permission]}'\r\n"
            f"Resource: '{resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
            "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        )
