"""
Who may do what on which resource: principals, roles, and bindings that descend from the project.

Members are written as IAM writes them: `user:…`, `serviceAccount:…` (also
`serviceAccount:PROJECT.svc.id.goog[ns/name]`), `principal://…`, `principalSet://…`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

GET_TOKEN: Final = "iam.serviceAccounts.getAccessToken"  # noqa: S105 - a permission
DELEGATE: Final = "iam.serviceAccounts.implicitDelegation"
ACCESS: Final = "secretmanager.versions.access"
GET_VERSION: Final = "secretmanager.versions.get"
DECRYPT: Final = "cloudkms.cryptoKeyVersions.useToDecrypt"
ENCRYPT: Final = "cloudkms.cryptoKeyVersions.useToEncrypt"
USE_SERVICE: Final = "serviceusage.services.use"

ROLES: Final = {
    "roles/iam.workloadIdentityUser": frozenset({GET_TOKEN}),
    "roles/iam.serviceAccountTokenCreator": frozenset({GET_TOKEN, DELEGATE}),
    "roles/secretmanager.secretAccessor": frozenset({ACCESS}),
    "roles/secretmanager.viewer": frozenset({GET_VERSION}),
    "roles/secretmanager.admin": frozenset({ACCESS, GET_VERSION}),
    "roles/cloudkms.cryptoKeyDecrypter": frozenset({DECRYPT}),
    "roles/cloudkms.cryptoKeyEncrypter": frozenset({ENCRYPT}),
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": frozenset({DECRYPT, ENCRYPT}),
    "roles/serviceusage.serviceUsageConsumer": frozenset({USE_SERVICE}),
    "roles/viewer": frozenset({GET_VERSION}),
    "roles/owner": frozenset({ACCESS, GET_VERSION, DECRYPT, ENCRYPT, USE_SERVICE}),
}
"""What each role allows, of the permissions that this world asks for."""

_KINDS: Final = ("user:", "serviceAccount:", "principal://", "principalSet://")
_EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose token was verified."""

    name: str
    """As IAM writes the member."""
    members: frozenset[str]
    """Every member that bindings may name this one by, its sets too."""
    project: str
    """Number of the project that its requests count for; empty for a user."""


@dataclass(slots=True)
class Bindings:
    """All bindings of one world."""

    _members: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By resource and role."""

    def grant(self, member: str, role: str, resource: str) -> None:
        """
        Let a member have a role on a resource.

        Raises:
            ValueError: for a role or a form of member that this world does not know.
        """
        if role not in ROLES:
            msg = f"{role} is not a role of this world; it knows {', '.join(sorted(ROLES))}"
            raise ValueError(msg)
        if not member.startswith(_KINDS) and member not in _EVERYBODY:
            msg = f"{member} is not a member as IAM writes it, such as serviceAccount:EMAIL"
            raise ValueError(msg)
        self._members.setdefault((resource, role), set()).add(member)

    def revoke(self, member: str, role: str, resource: str) -> None:
        """Take it back; nothing happens when there is no such binding."""
        self._members.get((resource, role), set()).discard(member)

    def allows(self, principal: Principal, permission: str, resource: str) -> bool:
        """Tell whether it may, by a binding on the resource or on what contains it."""
        places = _containing(resource)
        named = principal.members | _EVERYBODY
        return any(
            place in places and permission in ROLES[role] and members & named
            for (place, role), members in self._members.items()
        )


def _containing(resource: str) -> list[str]:
    """Give a resource and all that it is in: `projects/P/secrets/S` is in `projects/P`."""
    parts = resource.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts) + 1, 2)]
