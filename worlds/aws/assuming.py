"""
AssumeRole's rules, for callers with a signature and for the Pod Identity service.

A role's trust must let the caller in; between accounts the caller's own policies must too. Tags
need `sts:TagSession`; transitive ones go on and cannot be said anew. A chained session lasts an
hour at most. The root user assumes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from worlds.aws.calls import Access, denial, judge
from worlds.aws.conditions import MalformedPolicyError
from worlds.aws.documents import parse
from worlds.aws.errors import (
    ACCESS_DENIED,
    INVALID_VALUE,
    MALFORMED_POLICY,
    AwsError,
    constraint,
    validation,
)
from worlds.aws.identities import NO_TAGS, Role, User, session_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.calls import Call
    from worlds.aws.identities import Principal
    from worlds.aws.policy import Document

ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/(?:[!-~]+/)?([\w+=,.@-]{1,64})")
SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_TAG_TEXT: Final = re.compile(r"[\w .:/=+@-]*")
_EXTERNAL_ID: Final = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_CHAINED_SECONDS: Final = 3600
_MAX_TAGS: Final = 50
_MAX_POLICY: Final = 2048  # characters of a session policy


@dataclass(frozen=True, slots=True)
class Wish:
    """What an AssumeRole asks for."""

    role_arn: str
    session_name: str
    duration: int = 3600
    """Seconds."""
    external_id: str = ""
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    transitive: tuple[str, ...] = ()
    policy: str = ""
    """Session policy, JSON."""

    def context(self, role: Role) -> dict[str, tuple[str, ...]]:
        """Give the condition keys of the request."""
        found: dict[str, tuple[str, ...]] = {"sts:rolesessionname": (self.session_name,)}
        if self.external_id:
            found["sts:externalid"] = (self.external_id,)
        if self.tags:
            found["aws:tagkeys"] = tuple(self.tags)
        if self.transitive:
            found["sts:transitivetagkeys"] = self.transitive
        for key, value in self.tags.items():
            found[f"aws:requesttag/{key.lower()}"] = (value,)
        for key, value in role.tags.items():
            found[f"aws:resourcetag/{key.lower()}"] = (value,)
            found[f"iam:resourcetag/{key.lower()}"] = (value,)
        return found


def check_form(wish: Wish) -> None:
    """
    Check what STS checks before it looks at any role.

    Raises:
        AwsError: ValidationError, InvalidParameterValue.
    """
    if not SESSION_NAME.fullmatch(wish.session_name):
        raise constraint(
            field="roleSessionName",
            rule=r"satisfy regular expression pattern: [\w+=,.@-]* of 2 to 64",
        )
    if not ROLE_ARN.fullmatch(wish.role_arn):
        msg = f"{wish.role_arn} is invalid"
        raise validation(msg)
    if wish.duration < 900:
        raise constraint(field="durationSeconds", rule="have value greater than or equal to 900")
    if wish.duration > 43200:
        raise constraint(field="durationSeconds", rule="have value less than or equal to 43200")
    if len(wish.policy) > _MAX_POLICY:
        raise constraint(field="policy", rule="have length less than or equal to 2048")
    if wish.external_id and not _EXTERNAL_ID.fullmatch(wish.external_id):
        raise constraint(
            field="externalId",
            rule=r"satisfy regular expression pattern: [\w+=,.@:\/-]* of 2 to 1224",
        )
    _check_tags(wish)


def _check_tags(wish: Wish) -> None:
    if max(len(wish.tags), len(wish.transitive)) > _MAX_TAGS:
        raise constraint(field="tags", rule="have length less than or equal to 50")
    for key, value in wish.tags.items():
        sound = _TAG_TEXT.fullmatch(key) and _TAG_TEXT.fullmatch(value)
        if not sound or not 1 <= len(key) <= 128 or len(value) > 256:
            raise constraint(
                field="tags",
                rule=r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
            )
        if key.lower().startswith("aws:"):
            msg = "Tag keys must not start with the reserved prefix aws:"
            raise AwsError(INVALID_VALUE, msg)
    if not set(wish.transitive) <= set(wish.tags):
        msg = "The specified transitive tag key must be included in the requested tags."
        raise AwsError(INVALID_VALUE, msg)


def check_duration(role: Role, duration: int, *, chained: bool) -> None:
    """
    Check how long the session shall last.

    Raises:
        AwsError: ValidationError.
    """
    if chained and duration > _CHAINED_SECONDS:
        msg = (
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
        raise validation(msg)
    if duration > role.max_session:
        msg = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise validation(msg)


def session_policy(text: str) -> tuple[Document, ...]:
    """
    Parse a session policy, if there is one.

    Raises:
        AwsError: MalformedPolicyDocument.
    """
    if not text:
        return ()
    try:
        return (parse(text),)
    except MalformedPolicyError as exc:
        raise AwsError(MALFORMED_POLICY, str(exc)) from None


def assume(call: Call, roles: Mapping[str, Role], wish: Wish) -> Principal:
    """
    Let the verified caller assume a role.

    Raises:
        AwsError: AccessDenied in AWS's words, or a bad parameter.
    """
    caller = call.principal
    check_form(wish)
    policies = session_policy(wish.policy)
    if isinstance(caller.identity, User) and caller.identity.root:
        msg = "Roles may not be assumed by root accounts."
        raise AwsError(ACCESS_DENIED, msg, status=403)
    role = roles.get(wish.role_arn)
    if role is None:  # the same words as for a role that does not trust: nothing is given away
        raise _denied(call, "sts:AssumeRole", wish.role_arn)
    inherited = {key: caller.tags[key] for key in caller.transitive}
    actions = ["sts:AssumeRole"]
    if wish.tags or inherited:
        actions.append("sts:TagSession")
    for action in actions:
        access = Access(
            action, role.arn, role.account, wish.context(role), role.trust, policy_decides=True
        )
        decision = judge(call, access)
        if not decision.allowed:
            raise _denied(call, action, role.arn, decision.because)
    if {key.lower() for key in wish.tags} & {key.lower() for key in inherited}:
        msg = (
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session."
        )
        raise AwsError(INVALID_VALUE, msg)
    check_duration(role, wish.duration, chained=caller.is_session)
    return replace(
        session_of(role, wish.session_name, base=caller.base),
        tags={**inherited, **wish.tags},
        transitive=frozenset([*inherited, *wish.transitive]),
        policies=policies,
    )


def _denied(call: Call, action: str, resource: str, because: str = "") -> AwsError:
    # STS gives the reason for explicit denies only.
    reason = because if because.startswith("with") else ""
    return AwsError(ACCESS_DENIED, denial(call, action, resource, reason), status=403)
