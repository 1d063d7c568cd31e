"""
IAM's policy evaluation, small and pure: documents and a query go in, a decision comes out.

Rules (IAM user guide, "Policy evaluation logic"): an explicit deny anywhere wins. Within one
account an identity policy or a resource policy may allow; between accounts both must. A session
policy cuts down what the identity may do. A resource policy that names a whole account leaves the
decision to that account's identity policies. Trust and key policies must always allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from worlds.aws.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worlds.aws.conditions import Condition


@dataclass(frozen=True, slots=True)
class Query:
    """What is to be done, and the facts around it."""

    action: str
    resource: str
    """An ARN, or `*` for what has none."""
    context: Mapping[str, tuple[str, ...]]
    """Condition keys in lower case."""


@dataclass(frozen=True, slots=True)
class Who:
    """The names under which a resource policy may mean the caller."""

    account: str = ""
    session: str = ""
    """ARN of the session or of the user: what calls."""
    role: str = ""
    """ARN of the session's role; empty for users."""
    service: str = ""
    federated: str = ""
    partition: str = "aws"


class Grant(IntEnum):
    """What a resource policy gives, from least to most."""

    DENIED = -1
    NONE = 0
    ACCOUNT = 1
    """The caller's account is named: its identity policies decide."""
    ROLE = 2
    """The role is named: session policies still cut it down."""
    CALLER = 3
    """The session, user, service or everybody is named."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed statement."""

    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    but_actions: bool = False
    """`actions` stood as NotAction."""
    but_resources: bool = False
    principals: Mapping[str, tuple[str, ...]] | None = None
    but_principals: bool = False
    conditions: tuple[Condition, ...] = ()

    def applies(self, query: Query) -> bool:
        """Whether action, resource and conditions fit; the principal apart."""
        action = query.action.lower()
        hit = any(matches(one.lower(), action, {}) for one in self.actions)
        if hit == self.but_actions:
            return False
        context = query.context
        hit = any(matches(one, query.resource, context, arn=True) for one in self.resources)
        if hit == self.but_resources:
            return False
        return all(condition.holds(context) for condition in self.conditions)

    def grant(self, who: Who) -> Grant:
        """How closely the principal element names the caller."""
        found = max((_named(kind, name, who) for kind, name in self._names()), default=Grant.NONE)
        if not self.but_principals:
            return found
        return Grant.NONE if found else Grant.CALLER

    def _names(self) -> Iterable[tuple[str, str]]:
        for kind, names in (self.principals or {}).items():
            for name in names:
                yield kind, name


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed policy."""

    statements: tuple[Statement, ...] = field(default=())


def _named(kind: str, name: str, who: Who) -> Grant:
    if kind != "AWS":
        mine = who.service if kind == "Service" else who.federated
        return Grant.CALLER if mine and name == mine else Grant.NONE
    if not who.account:
        return Grant.NONE
    if name in {"*", who.session}:
        return Grant.CALLER
    if who.role and name == who.role:
        return Grant.ROLE
    whole = {who.account, f"arn:{who.partition}:iam::{who.account}:root"}
    return Grant.ACCOUNT if name in whole else Grant.NONE


def identity_grant(documents: Iterable[Document], query: Query) -> bool | None:
    """Whether identity policies allow: yes, an explicit no, or nothing (none)."""
    hits = [s.allow for document in documents for s in document.statements if s.applies(query)]
    if not hits:
        return None
    return all(hits)


def resource_grant(document: Document | None, query: Query, who: Who) -> Grant:
    """What a resource, trust or key policy gives to the caller."""
    best = Grant.NONE
    for statement in document.statements if document else ():
        if not statement.applies(query):
            continue
        grant = statement.grant(who)
        if grant and not statement.allow:
            return Grant.DENIED
        best = max(best, grant)
    return best


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, and AWS's own words for why not."""

    allowed: bool
    because: str = ""
    """The end of AWS's message: `because no identity-based policy allows the … action`."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision depends on."""

    query: Query
    who: Who
    identity: tuple[Document, ...] = ()
    session: tuple[Document, ...] = ()
    """Session policies, each of which must allow; none means no restriction."""
    resource: Document | None = None
    resource_account: str = ""
    resource_decides: bool = False
    """Trust and key policies: without their consent nothing else helps."""


def decide(case: Case) -> Decision:
    """Evaluate a case by the rules in this module's docstring."""
    query = case.query
    grant = resource_grant(case.resource, query, case.who)
    identity = identity_grant(case.identity, query)
    sessions = [identity_grant([document], query) for document in case.session]
    if grant is Grant.DENIED:
        return Decision(allowed=False, because="with an explicit deny in a resource-based policy")
    if identity is False:
        return Decision(allowed=False, because="with an explicit deny in an identity-based policy")
    if False in sessions:
        return Decision(allowed=False, because="with an explicit deny in a session policy")
    return _allowed(case, grant, identity=bool(identity), within=all(sessions))


def _allowed(case: Case, grant: Grant, *, identity: bool, within: bool) -> Decision:
    same = case.who.account == case.resource_account
    # A service or a federated user has no identity policies: the resource's policy is all.
    if (same or not case.who.account) and (
        grant is Grant.CALLER or (grant is Grant.ROLE and within)
    ):
        return Decision(allowed=True)
    if grant is Grant.NONE and (case.resource_decides or not same):
        return _missing("resource-based", case.query)
    if not identity:
        return _missing("identity-based", case.query)
    return Decision(allowed=True) if within else _missing("session", case.query)


def _missing(kind: str, query: Query) -> Decision:
    return Decision(
        allowed=False, because=f"because no {kind} policy allows the {query.action} action"
    )
