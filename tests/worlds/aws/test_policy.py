"""The policy engine by tables: what IAM's documentation says, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worlds.aws.cloud import AWAY, HOME, allow, policy, statement
from worlds.aws.documents import parse
from worlds.aws.policy import (
    Case,
    Decision,
    Grant,
    Query,
    Who,
    decide,
    identity_grant,
    resource_grant,
)

SECRET = f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:prod/db-AbCdEf"
GET = "secretsmanager:GetSecretValue"
ROLE = f"arn:aws:iam::{HOME}:role/web"
SESSION = f"arn:aws:sts::{HOME}:assumed-role/web/pod"
CALLER = Who(account=HOME, session=SESSION, role=ROLE)
ROOT = f"arn:aws:iam::{HOME}:root"


def _query(action: str = GET, resource: str = SECRET, **context: tuple[str, ...]) -> Query:
    return Query(action, resource, {key.replace("__", ":"): v for key, v in context.items()})


@pytest.mark.parametrize(
    ("actions", "resource", "allowed"),
    [
        ([GET], SECRET, True),
        (["secretsmanager:getsecretvalue"], SECRET, True),
        (["secretsmanager:Get*"], SECRET, True),
        (["secretsmanager:Get?ecretValue"], SECRET, True),
        (["*"], "*", True),
        (["secretsmanager:DescribeSecret"], "*", False),
        ([GET], f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:prod/*", True),
        ([GET], f"arn:aws:secretsmanager:*:{HOME}:secret:prod/db-??????", True),
        ([GET], f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:prod/db", False),
        ([GET], f"arn:aws:secretsmanager:eu-west-1:{AWAY}:secret:*", False),
        ([GET], f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:PROD/*", False),
        ([GET], "arn:aws:*:secret:prod/db-AbCdEf:*:*:*", False),
    ],
)
def test_actions_and_resources_match_as_iam_matches(
    actions: list[str], resource: str, *, allowed: bool
) -> None:
    """Actions fold case, resources do not; a wildcard does not cross an ARN's first colons."""
    document = parse(allow(*actions, on=resource))

    assert identity_grant([document], _query()) is (True if allowed else None)


@pytest.mark.parametrize(
    ("element", "allowed"),
    [
        ({"NotAction": "secretsmanager:Put*", "Resource": "*"}, True),
        ({"NotAction": "secretsmanager:*", "Resource": "*"}, None),
        ({"Action": "*", "NotResource": SECRET}, None),
        ({"Action": "*", "NotResource": SECRET.replace("prod", "test")}, True),
    ],
)
def test_negated_elements_match_everything_else(
    element: dict[str, Any], *, allowed: bool | None
) -> None:
    """NotAction and NotResource leave out what they name."""
    document = parse(policy({"Effect": "Allow", **element}))

    assert identity_grant([document], _query()) is allowed


def test_an_explicit_deny_wins_over_any_allow() -> None:
    """One matching Deny is enough, wherever it stands."""
    documents = [parse(allow("*")), parse(policy(statement(GET, effect="Deny")))]

    assert identity_grant(documents, _query()) is False
    assert identity_grant(documents[::-1], _query()) is False


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "holds"),
    [
        ("StringEquals", "shop", ("shop",), True),
        ("StringEquals", ["a", "shop"], ("shop",), True),
        ("StringEquals", "shop", ("Shop",), False),
        ("StringEquals", "sh*", ("shop",), False),
        ("StringEquals", "shop", None, False),
        ("StringEqualsIfExists", "shop", None, True),
        ("StringEqualsIfExists", "shop", ("other",), False),
        ("StringNotEquals", "shop", ("other",), True),
        ("StringNotEquals", ["shop", "other"], ("other",), False),
        ("StringNotEquals", "shop", None, True),
        ("StringEqualsIgnoreCase", "shop", ("SHOP",), True),
        ("StringLike", "sh?p*", ("shop-1",), True),
        ("StringLike", "system:serviceaccount:*:web", ("system:serviceaccount:a:web",), True),
        ("StringNotLike", "sh*", ("shop",), False),
        ("ArnLike", "arn:aws:iam::*:role/web", (ROLE,), True),
        ("ArnLike", "arn:aws:*:role/web", (ROLE,), False),
        ("ArnNotEquals", ROLE, (ROLE,), False),
        ("Bool", True, ("true",), True),
        ("Bool", "false", ("true",), False),
        ("Null", "true", None, True),
        ("Null", "true", ("x",), False),
        ("Null", False, ("x",), True),
        ("NumericLessThanEquals", 10, ("10",), True),
        ("NumericGreaterThan", "10", ("nine",), False),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", ("2026-06-01T00:00:00Z",), True),
        ("DateLessThan", "2026-01-01T00:00:00Z", ("2026-06-01T00:00:00Z",), False),
        ("DateEquals", "1767225600", ("2026-01-01",), True),
        ("DateNotEquals", "2026-01-01T01:00:00+01:00", ("2026-01-01T00:00:00Z",), False),
        ("DateLessThanEquals", "yesterday", ("2026-06-01T00:00:00Z",), False),
        ("NumericEquals", 10, ("10.0",), True),
        ("NumericLessThan", 10, ("10",), False),
        ("NumericGreaterThanEquals", 10, ("10",), True),
        ("IpAddress", "127.0.0.0/8", ("127.0.0.1",), True),
        ("NotIpAddress", "127.0.0.0/8", ("127.0.0.1",), False),
        ("IpAddress", "10.0.0.0/8", ("not an address",), False),
        ("ForAllValues:StringEquals", ["a", "b"], ("a",), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("ForAllValues:StringEquals", ["a"], None, True),
        ("ForAnyValue:StringEquals", ["a"], ("c", "a"), True),
        ("ForAnyValue:StringEquals", ["a"], ("c",), False),
        ("ForAnyValue:StringEquals", ["a"], None, False),
        ("ForAnyValue:StringNotEquals", ["a"], None, False),
        ("ForAnyValue:StringEqualsIfExists", ["a"], None, True),
        ("StringNotEqualsIfExists", "a", ("a",), False),
        ("ForAllValues:StringNotEquals", ["a"], ("b", "c"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("b", "a"), False),
        ("ForAnyValue:StringNotEquals", ["a"], ("b", "a"), True),
        ("ForAnyValue:StringNotEquals", ["a"], ("a",), False),
        ("ForAllValues:StringLike", ["kubernetes-*"], ("kubernetes-a", "x"), False),
    ],
)
def test_condition_operators(
    operator: str, wanted: object, given: tuple[str, ...] | None, *, holds: bool
) -> None:
    """Operators, set qualifiers and absent keys follow the documented table."""
    document = parse(allow(GET, when={operator: {"aws:PrincipalTag/Team": wanted}}))
    context = {} if given is None else {"aws:principaltag/team": given}

    found = identity_grant([document], Query(GET, SECRET, context))

    assert found is (True if holds else None)


@pytest.mark.parametrize(
    ("resource", "tag", "allowed"),
    [
        ("secret:${aws:PrincipalTag/ns}/*", "prod", True),
        ("secret:${aws:PrincipalTag/ns}/*", "test", False),
        ("secret:${aws:PrincipalTag/ns}/*", "*", False),
        ("secret:${aws:PrincipalTag/ns}/*", None, False),
        ("secret:${aws:PrincipalTag/ns, 'prod'}/*", None, True),
        ("secret:${aws:PrincipalTag/NS}/db-${*}", "prod", False),
        ("secret:${aws:PrincipalTag/NS}/db-${?}bCdEf", "prod", False),
        ("secret:prod/db${}*", "prod", False),
        ("secret:prod/$*", "prod", False),
    ],
)
def test_policy_variables_in_resources(resource: str, tag: str | None, *, allowed: bool) -> None:
    """A variable is what the context says, taken literally; an absent one matches nothing."""
    document = parse(allow(GET, on=f"arn:aws:secretsmanager:eu-west-1:{HOME}:{resource}"))
    context = {} if tag is None else {"aws:principaltag/ns": (tag,)}

    found = identity_grant([document], Query(GET, SECRET, context))

    assert found is (True if allowed else None)


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringEqualsIgnoreCase"])
@pytest.mark.parametrize(
    ("team", "wanted", "holds"),
    [
        ("red", "${aws:PrincipalTag/team}", True),
        ("blue", "${aws:PrincipalTag/team}", False),
        ("${aws:PrincipalTag/none}", "${aws:PrincipalTag/none}", False),
        ("red", "${aws:PrincipalTag/many}", False),
        ("$5", "$5", True),
        ("a*", "a${*}", True),
        ("ab", "a${*}", False),
    ],
)
def test_policy_variables_in_conditions(
    operator: str, team: str, wanted: str, *, holds: bool
) -> None:
    """The ABAC idiom: the resource's tag is the caller's; no or many values fit none."""
    document = parse(allow(GET, when={operator: {"aws:ResourceTag/team": wanted}}))
    caller = {"aws:principaltag/team": ("red",), "aws:principaltag/many": ("red", "blue")}
    context = {"aws:resourcetag/team": (team,), **caller}

    found = identity_grant([document], Query(GET, SECRET, context))

    assert found is (True if holds else None)


@pytest.mark.parametrize(
    ("principal", "grant"),
    [
        ("*", Grant.CALLER),
        ({"AWS": "*"}, Grant.CALLER),
        ({"AWS": SESSION}, Grant.CALLER),
        ({"AWS": ROLE}, Grant.ROLE),
        ({"AWS": [f"arn:aws:iam::{HOME}:role/other", ROLE]}, Grant.ROLE),
        ({"AWS": ROOT}, Grant.ACCOUNT),
        ({"AWS": HOME}, Grant.ACCOUNT),
        ({"AWS": AWAY}, Grant.NONE),
        ({"AWS": f"arn:aws:iam::{AWAY}:role/web"}, Grant.NONE),
        ({"Service": "pods.eks.amazonaws.com"}, Grant.NONE),
        ({"Federated": "web"}, Grant.NONE),
    ],
)
def test_principals_name_the_caller_more_or_less_closely(principal: object, grant: Grant) -> None:
    """Account, role, session: each is another degree of consent."""
    document = parse(policy(statement(GET, who=principal)), "resource")

    assert resource_grant(document, _query(), CALLER) is grant


def test_not_principal_spares_the_named_one() -> None:
    """Deny with NotPrincipal hits everybody else."""
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}
    document = parse(policy(deny), "resource")
    stranger = Who(account=HOME, session="s", role=f"{ROLE}-2")

    assert resource_grant(document, _query(), CALLER) is Grant.NONE
    assert resource_grant(document, _query(), stranger) is Grant.DENIED


_IDENTITY = (parse(allow(GET)),)
_NARROW = (parse(allow("secretsmanager:DescribeSecret")),)


def _by(principal: str) -> Any:  # noqa: ANN401 - a document or none, by keyword
    return parse(policy(statement(GET, who={"AWS": principal})), "resource")


@pytest.mark.parametrize(
    ("case", "because"),
    [
        ({"identity": _IDENTITY}, ""),
        ({}, "because no identity-based policy allows"),
        ({"resource": _by(ROLE)}, ""),
        ({"resource": _by(ROOT)}, "because no identity-based policy allows"),
        ({"resource": _by(ROOT), "identity": _IDENTITY}, ""),
        ({"identity": _IDENTITY, "session": _IDENTITY}, ""),
        ({"identity": _IDENTITY, "session": _NARROW}, "because no session policy allows"),
        ({"resource": _by(ROLE), "session": _NARROW}, "because no identity-based policy allows"),
        ({"resource": _by(SESSION), "session": _NARROW}, ""),
        ({"identity": _IDENTITY, "resource_decides": True}, "because no resource-based policy"),
        ({"identity": _IDENTITY, "resource_account": AWAY}, "because no resource-based policy"),
        ({"resource": _by(ROLE), "resource_account": AWAY}, "because no identity-based policy"),
        ({"resource": _by(ROLE), "resource_account": AWAY, "identity": _IDENTITY}, ""),
        ({"resource": _by(HOME), "resource_account": AWAY, "identity": _IDENTITY}, ""),
    ],
)
def test_decisions_combine_the_policies(case: dict[str, Any], because: str) -> None:
    """Within an account one side is enough, between accounts both; session policies cut down."""
    whole = {"resource_account": HOME, **case}

    decision = decide(Case(_query(), CALLER, **whole))

    assert decision.allowed is (because == "")
    assert decision.because.startswith(because)


@pytest.mark.parametrize(
    ("where", "because"),
    [
        ("identity", "with an explicit deny in an identity-based policy"),
        ("session", "with an explicit deny in a session policy"),
        ("resource", "with an explicit deny in a resource-based policy"),
    ],
)
def test_an_explicit_deny_is_named(where: str, because: str) -> None:
    """The message says in which kind of policy the deny stands."""
    deny = statement(GET, effect="Deny")
    documents: dict[str, Any] = {"identity": _IDENTITY, "resource": _by(SESSION)}
    if where == "resource":
        documents[where] = parse(policy({**deny, "Principal": "*"}), "resource")
    else:
        documents[where] = (parse(policy(deny, statement(GET))),)

    decision = decide(Case(_query(), CALLER, resource_account=HOME, **documents))

    assert decision == Decision(allowed=False, because=because)
