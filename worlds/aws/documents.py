"""
Policy documents as IAM takes them: JSON in, parsed statements out.

Refused: documents, elements and operators that IAM does not know, and what does not belong in a
policy of that kind. A slip must be an error, not a policy that never matches.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal

from worlds.aws import conditions
from worlds.aws.conditions import Condition, MalformedPolicyError
from worlds.aws.policy import Document, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ELEMENTS: Final = frozenset(
    (
        *("Sid", "Effect", "Condition"),
        *("Action", "Resource", "Principal"),
        *("NotAction", "NotResource", "NotPrincipal"),
    )
)
_VERSIONS: Final = ("2012-10-17", "2008-10-17")
_AWS_PRINCIPAL: Final = re.compile(
    r"\*|[0-9]{12}|arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:(?:root|(?:user|role|assumed-role)/[^*?]+)"
)

Kind = Literal["identity", "resource", "trust"]
"""Of identities and sessions; of secrets and keys; of roles, saying who may assume them."""


def parse(policy: str | Mapping[str, Any], kind: Kind = "identity") -> Document:
    """
    Read a policy document.

    Args:
        policy: JSON text or what it parses to.
        kind: trust policies say who and name no resource; those of resources say who and what;
            those of identities and sessions only what.

    Raises:
        MalformedPolicyError: saying what IAM would not take.
    """
    try:
        raw = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        msg = "the policy is not JSON"
        raise MalformedPolicyError(msg) from None
    if not isinstance(raw, dict) or raw.get("Version", _VERSIONS[1]) not in _VERSIONS:
        msg = "a policy is an object with a Version of 2012-10-17"
        raise MalformedPolicyError(msg)
    unknown = set(raw) - {"Version", "Id", "Statement"}
    statements = raw.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    if unknown or not isinstance(statements, list) or not statements:
        msg = f"a policy has Version, Id and Statement, not {', '.join(sorted(unknown)) or 'less'}"
        raise MalformedPolicyError(msg)
    _check_ids(statements, kind)
    if raw.get("Version") != _VERSIONS[0]:
        statements = _without_variables(statements)
    return Document(tuple(_statement(one, kind) for one in statements))


def _check_ids(statements: list[Any], kind: Kind) -> None:
    ids = [one["Sid"] for one in statements if isinstance(one, dict) and "Sid" in one]
    plain = kind == "resource" or all(re.fullmatch("[0-9A-Za-z]*", str(one)) for one in ids)
    if not plain or len(set(ids)) < len(ids):
        msg = "a Sid is of letters and digits, and of one statement only"
        raise MalformedPolicyError(msg)


def _without_variables(part: Any) -> Any:  # noqa: ANN401 - any part of a document
    """Take `${…}` literally, as the version of 2008 does; a missing Version means that one."""
    if isinstance(part, dict):
        return {key: _without_variables(one) for key, one in part.items()}
    if isinstance(part, list):
        return [_without_variables(one) for one in part]
    return part.replace("${", "${$}{") if isinstance(part, str) else part


def _statement(raw: object, kind: Kind) -> Statement:
    if not isinstance(raw, dict) or raw.get("Effect") not in {"Allow", "Deny"}:
        msg = "a statement is an object with an Effect of Allow or Deny"
        raise MalformedPolicyError(msg)
    unknown = set(raw) - _ELEMENTS
    if unknown:
        msg = f"a statement has no element {', '.join(sorted(unknown))}"
        raise MalformedPolicyError(msg)
    if ("Principal" in raw or "NotPrincipal" in raw) != (kind != "identity"):
        msg = "a principal stands in every statement of a resource policy, and in no other policy"
        raise MalformedPolicyError(msg)
    if kind == "trust":
        raw = _of_the_role_itself(raw)
    actions, resources = _one_of(raw, "Action"), _one_of(raw, "Resource")
    if any(":" not in action and action != "*" for action in actions):
        msg = "an action is service:Name"
        raise MalformedPolicyError(msg)
    if kind == "trust" and not all(action.lower().startswith("sts:") for action in actions):
        msg = "a trust policy has actions of sts only"
        raise MalformedPolicyError(msg)
    if any(one != "*" and one.count(":") < 5 for one in resources):
        msg = "a resource is an ARN or *"
        raise MalformedPolicyError(msg)
    return Statement(
        allow=raw["Effect"] == "Allow",
        actions=actions,
        resources=resources,
        but_actions="NotAction" in raw,
        but_resources="NotResource" in raw,
        principals=_principals(raw.get("Principal", raw.get("NotPrincipal"))),
        but_principals="NotPrincipal" in raw,
        conditions=tuple(_conditions(raw.get("Condition", {}))),
    )


def _of_the_role_itself(raw: dict[str, Any]) -> dict[str, Any]:
    if "Resource" in raw or "NotResource" in raw:
        msg = "a trust policy has no Resource: it is about the role that it belongs to"
        raise MalformedPolicyError(msg)
    return {**raw, "Resource": "*"}


def _one_of(raw: dict[str, Any], name: str) -> tuple[str, ...]:
    if (name in raw) == (f"Not{name}" in raw):
        msg = f"a statement has either {name} or Not{name}"
        raise MalformedPolicyError(msg)
    return _texts(raw.get(name, raw.get(f"Not{name}")), name)


def _texts(value: object, name: str) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(one, str) for one in listed):
        msg = f"{name} is a text or a list of texts"
        raise MalformedPolicyError(msg)
    return tuple(listed)


def _principals(raw: object) -> dict[str, tuple[str, ...]] | None:
    if raw is None:
        return None
    if raw == "*":
        return {"AWS": ("*",)}
    if not isinstance(raw, dict) or set(raw) - {"AWS", "Service", "Federated"}:
        msg = "a principal is * or an object with AWS, Service or Federated"
        raise MalformedPolicyError(msg)
    found = {kind: _texts(names, f"Principal {kind}") for kind, names in raw.items()}
    if any("*" in name and name != "*" for names in found.values() for name in names):
        msg = "a principal has no wildcards but * itself"
        raise MalformedPolicyError(msg)
    if not all(_AWS_PRINCIPAL.fullmatch(name) for name in found.get("AWS", ())):
        msg = "a principal AWS is *, an account, or the ARN of a root, user, role or session"
        raise MalformedPolicyError(msg)
    return found


def _conditions(raw: object) -> Iterable[Condition]:
    if not isinstance(raw, dict):
        msg = "a Condition is an object"
        raise MalformedPolicyError(msg)
    for operator, block in raw.items():
        if not isinstance(block, dict):
            msg = f"condition {operator} is an object"
            raise MalformedPolicyError(msg)
        for key, values in block.items():
            yield conditions.parse(operator, key, values)
