"""
Accounts, roles and users, and the principals that call with their sessions.

Roles and users may change while their sessions live, as in IAM: a principal refers to them.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.documents import parse
from worlds.aws.policy import Document, Who

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worlds.tokens import Issuer

    Policy = str | Mapping[str, Any]
    Tags = Mapping[str, str]

NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})


def unique_id(prefix: str) -> str:
    """Make an IAM id or access key id: a prefix of four letters and sixteen of base 32."""
    return prefix + base64.b32encode(secrets.token_bytes(10)).decode()


@dataclass(slots=True, eq=False)
class Identity:
    """What has identity policies: a role or a user."""

    name: str
    arn: str
    account: str
    partition: str
    id: str
    policies: list[Document] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def allow(self, *policies: Policy) -> None:
        """Attach identity policies (AWS's JSON)."""
        self.policies.extend(parse(policy) for policy in policies)

    def set_policies(self, *policies: Policy) -> None:
        """Replace all identity policies."""
        self.policies[:] = [parse(policy) for policy in policies]


@dataclass(slots=True, eq=False)
class Role(Identity):
    """An IAM role."""

    trust: Document = field(default_factory=Document)
    max_session: int = 3600
    """Seconds."""

    def set_trust(self, policy: Policy) -> None:
        """Replace the trust policy."""
        self.trust = parse(policy, "trust")


@dataclass(slots=True, eq=False)
class User(Identity):
    """An IAM user, or the root user of an account."""

    root: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a user, or one session of a role."""

    arn: str
    identity: Role | User
    user_id: str
    base: str
    """ARN of the first session of the chain that led here."""
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    """Session tags."""
    transitive: frozenset[str] = frozenset()
    """Keys of session tags that go on to the next session."""
    policies: tuple[Document, ...] = ()
    """Session policies."""

    @property
    def account(self) -> str:
        """Account of the identity."""
        return self.identity.account

    @property
    def is_session(self) -> bool:
        """Whether it is a role's session, so that the next one is chained."""
        return isinstance(self.identity, Role)

    def who(self) -> Who:
        """Give the names that resource policies may use."""
        role = self.identity.arn if self.is_session else ""
        return Who(self.account, self.arn, role, partition=self.identity.partition)

    def context(self) -> dict[str, tuple[str, ...]]:
        """Give the condition keys that describe the caller."""
        tags = {**self.identity.tags, **self.tags}
        return {
            "aws:principalarn": (self.identity.arn,),
            "aws:principalaccount": (self.account,),
            "aws:principaltype": ("AssumedRole" if self.is_session else "User",),
            "aws:userid": (self.user_id,),
            **{f"aws:principaltag/{key.lower()}": (value,) for key, value in tags.items()},
        }


class Account:
    """
    One AWS account.

    Args:
        number: twelve digits.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
    """

    def __init__(self, number: str, partition: str = "aws") -> None:
        self.number = number
        self.partition = partition
        self.roles: dict[str, Role] = {}
        """By ARN."""
        self.users: dict[str, User] = {}
        """By ARN."""
        self.issuers: dict[str, tuple[Issuer, tuple[str, ...]]] = {}
        """OIDC providers by issuer URL, each with its audiences."""

    def role(
        self,
        name: str,
        trust: Policy,
        *policies: Policy,
        path: str = "/",
        max_session: int = 3600,
        tags: Tags = NO_TAGS,
    ) -> Role:
        """
        Make a role, or replace the one of that name.

        Args:
            name: of the role.
            trust: trust policy (AWS's JSON).
            policies: identity policies.
            path: `/` or `/team/`.
            max_session: longest session in seconds.
            tags: of the role itself.

        Raises:
            MalformedPolicyError: when IAM would not take a policy.
        """
        role = Role(
            name=name,
            arn=f"arn:{self.partition}:iam::{self.number}:role{path}{name}",
            account=self.number,
            partition=self.partition,
            id=unique_id("AROA"),
            tags=dict(tags),
            max_session=max_session,
        )
        role.set_trust(trust)
        role.allow(*policies)
        self.roles[role.arn] = role
        return role

    def web_identity_role(
        self, name: str, issuer: Issuer, namespace: str, service_account: str, *policies: Policy
    ) -> Role:
        """Make a role that trusts one service account, as EKS's documentation writes it."""
        conditions = {
            f"{issuer.host}:aud": "sts.amazonaws.com",
            f"{issuer.host}:sub": f"system:serviceaccount:{namespace}:{service_account}",
        }
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider_arn(issuer)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": conditions},
        }
        return self.role(name, {"Version": "2012-10-17", "Statement": [statement]}, *policies)

    def user(self, name: str, *policies: Policy, tags: Tags = NO_TAGS) -> User:
        """Make a user; `AwsWorld.access_key` gives it keys. The name `root` makes the root user."""
        root = name == "root"
        user = User(
            name=name,
            arn=f"arn:{self.partition}:iam::{self.number}:{'root' if root else f'user/{name}'}",
            account=self.number,
            partition=self.partition,
            id=unique_id("AIDA"),
            tags=dict(tags),
            root=root,
        )
        user.allow(*policies)
        self.users[user.arn] = user
        return user

    def trust_issuer(
        self, issuer: Issuer, audiences: Sequence[str] = ("sts.amazonaws.com",)
    ) -> str:
        """Register an OIDC provider; gives its ARN, for `Principal.Federated`."""
        self.issuers[issuer.url] = (issuer, tuple(audiences))
        return self.provider_arn(issuer)

    def provider_arn(self, issuer: Issuer) -> str:
        """Give the ARN of an OIDC provider."""
        return f"arn:{self.partition}:iam::{self.number}:oidc-provider/{issuer.host}"


def session_of(role: Role, session_name: str, *, base: str = "") -> Principal:
    """Make the principal of a plain session of a role."""
    arn = f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.name}/{session_name}"
    return Principal(arn=arn, identity=role, user_id=f"{role.id}:{session_name}", base=base or arn)
