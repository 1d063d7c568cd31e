"""One mount of the `aws` login method: its configuration, its roles, and whom they admit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.vault.arns import ArnError, Entity, is_wildcard, matches_wildcard
from worlds.vault.attempts import Attempt, ClientConfig, LoginRefusedError, check, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws import Account, Role, User
    from worlds.tokens import Issuer
    from worlds.vault.sts import CallerIdentity, StsClient

AUDIENCE: Final = "openbao"
_CLAIMS: Final = ("account_id", "auth_type", "canonical_arn", "client_arn", "role_id")
_OLD_NAMES: Final = {
    "policies": "token_policies",
    "ttl": "token_ttl",
    "max_ttl": "token_max_ttl",
    "period": "token_period",
}
_JWT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class AwsRole:
    """What one role is bound to."""

    id: str
    bound: tuple[str, ...]
    """`bound_iam_principal_arn`."""
    unique_ids: frozenset[str] | None
    """Of those without a wildcard, at the time they were written; none when they go by ARN."""
    content: Mapping[str, Any]
    """As it was written."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller that a role admits."""

    role: str
    caller: CallerIdentity
    jwt: str
    """For the method of OpenBao that stands behind."""


class AwsMethod:
    """
    One mount.

    Behind it stands OpenBao's `jwt` method on the same path, whose tokens carry the role's
    policies and lives, and which renews and revokes them: this one decides who may log in.

    Args:
        accounts: of AWS, as IAM knows them.
        sts: asks who signed.
        issuer: signs what the method behind believes.
    """

    def __init__(self, accounts: Mapping[str, Account], sts: StsClient, issuer: Issuer) -> None:
        self.config: Mapping[str, Any] = {}
        self.roles: dict[str, AwsRole] = {}
        self._accounts = accounts
        self._sts = sts
        self._issuer = issuer

    def behind(self) -> dict[str, Any]:
        """Give the configuration of the method behind."""
        return {
            "jwt_validation_pubkeys": [self._issuer.public_pem()],
            "bound_issuer": self._issuer.url,
        }

    def role_of(self, content: Mapping[str, Any]) -> AwsRole:
        """
        Read a role that somebody writes.

        Raises:
            LoginRefusedError: for a principal that IAM does not have.
        """
        given = content.get("bound_iam_principal_arn") or ()
        bound = tuple(given.split(",") if isinstance(given, str) else given)
        if content.get("auth_type", "iam") != "iam" or not bound:
            msg = "this world has roles of auth_type iam with bound_iam_principal_arn only"
            raise LoginRefusedError(msg)
        resolve = str(content.get("resolve_aws_unique_ids", True)).lower() == "true"
        ids = (
            frozenset(self._unique_id(arn) for arn in bound if not is_wildcard(arn))
            if resolve
            else None
        )
        return AwsRole(str(uuid.uuid4()), bound, ids, dict(content))

    def role_behind(self, name: str, role: AwsRole) -> dict[str, Any]:
        """Give what the method behind has to know of a role."""
        renamed = {_OLD_NAMES.get(key, key): value for key, value in role.content.items()}
        return {
            **{key: value for key, value in renamed.items() if key.startswith("token_")},
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [AUDIENCE],
            "bound_claims": {"role": name},
            "claim_mappings": {claim: claim for claim in _CLAIMS},
        }

    def admit(self, content: Mapping[str, Any]) -> tuple[Attempt, Admitted]:
        """
        Decide on one login.

        Raises:
            LoginRefusedError: in Vault's words.
        """
        attempt = parse(content)
        config = ClientConfig.of(self.config)
        check(attempt, config)
        caller = self._sts.ask(attempt, config)
        try:
            entity = Entity.parse(caller.arn)
        except ArnError as exc:
            msg = f'error parsing arn "{caller.arn}": {exc}'
            raise LoginRefusedError(msg) from exc
        name = attempt.role or entity.name
        role = self.roles.get(name)
        if role is None:
            msg = f"entry for role {name} not found"
            raise LoginRefusedError(msg)
        if not self._admits(role, caller, entity):
            msg = f'IAM Principal "{caller.arn}" does not belong to the role "{name}"'
            raise LoginRefusedError(msg)
        return attempt, Admitted(name, caller, self._sign(name, role, caller, entity))

    def _admits(self, role: AwsRole, caller: CallerIdentity, entity: Entity) -> bool:
        if role.unique_ids is None and entity.canonical in role.bound:
            return True
        if role.unique_ids is not None and caller.unique_id in role.unique_ids:
            return True
        if not any(is_wildcard(arn) for arn in role.bound):
            return False
        return matches_wildcard(role.bound, self._find(entity).arn)

    def _sign(self, name: str, role: AwsRole, caller: CallerIdentity, entity: Entity) -> str:
        now = int(self._issuer.now())
        return self._issuer.sign(
            {
                "iss": self._issuer.url,
                "aud": AUDIENCE,
                "sub": entity.display_name,
                "iat": now,
                "exp": now + _JWT_SECONDS,
                "role": name,
                "role_id": role.id,
                "auth_type": "iam",
                "account_id": caller.account,
                "client_arn": caller.arn,
                "canonical_arn": entity.canonical,
            }
        )

    def _unique_id(self, arn: str) -> str:
        try:
            return self._find(Entity.parse(arn)).id
        except (ArnError, LoginRefusedError) as exc:
            msg = f'unable to resolve ARN "{arn}" to internal ID: {exc}'
            raise LoginRefusedError(msg) from exc

    def _find(self, entity: Entity) -> Role | User:
        """Look a user or role up by its name, as `iam:GetUser` and `iam:GetRole` do."""
        account = self._accounts.get(entity.account)
        users = account.users if account else {}
        roles = account.roles if account else {}
        kind = "user" if entity.kind == "user" else "role"
        known: Mapping[str, Role | User] = users if kind == "user" else roles
        for found in known.values():
            if found.name == entity.name:
                return found
        msg = (
            f'error fetching {kind} "{entity.name}": NoSuchEntity: The {kind} with name '
            f"{entity.name} cannot be found."
        )
        raise LoginRefusedError(msg)
