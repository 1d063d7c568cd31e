"""Policy documents: what IAM would not take is an error, not a policy that never matches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worlds.aws.cloud import HOME, allow, policy, statement, trust
from worlds.aws.conditions import MalformedPolicyError
from worlds.aws.documents import Kind, parse
from worlds.aws.policy import Query, identity_grant

GET = "secretsmanager:GetSecretValue"
ARN = f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:shop/db-AbCdEf"


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ("{", "not JSON"),
        ([], "Version"),
        ({"Version": "2012-10-18", "Statement": []}, "Version"),
        ({"Version": "2012-10-17"}, "Statement"),
        ({"Version": "2012-10-17", "Statement": [], "Statements": []}, "Statements"),
        (policy({"Effect": "allow", "Action": "*", "Resource": "*"}), "Effect"),
        (policy({"Effect": "Allow", "Actions": "*", "Resource": "*"}), "Actions"),
        (policy({"Effect": "Allow", "Resource": "*"}), "Action"),
        (policy({"Effect": "Allow", "Action": "*"}), "Resource"),
        (policy({"Effect": "Allow", "Action": "Get", "Resource": "*"}), "service:Name"),
        (policy({"Effect": "Allow", "Action": "*", "Resource": "prod/db"}), "ARN"),
        (policy(statement("*", who="*")), "principal"),
        (allow("*", when={"StringEqual": {"a": "b"}}), "StringEqual"),
        (allow("*", when={"ForSomeValues:StringEquals": {"a": "b"}}), "ForSomeValues"),
        (allow("*", when={"StringEquals": {"a": {}}}), "values"),
        (allow("*", when={"NullIfExists": {"a": "true"}}), "NullIfExists"),
        ("[]", "Version"),
        (policy("text"), "Effect"),  # type: ignore[arg-type]
        (policy({"Effect": "Allow", "Action": [], "Resource": "*"}), "Action is a text"),
        (policy({"Effect": "Allow", "Action": [1], "Resource": "*"}), "Action is a text"),
        (policy({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}), "either"),
        (policy({**statement("*"), "Condition": "x"}), "a Condition is an object"),
        (policy({**statement("*"), "Condition": {"StringEquals": "x"}}), "StringEquals is an obj"),
        (allow("*", when={"StringEquals": {"a": []}}), "values"),
        (policy({**statement("*"), "Sid": "has blank"}), "Sid"),
        (policy({**statement("*"), "Sid": "A"}, {**statement("*"), "Sid": "A"}), "Sid"),
    ],
)
def test_what_iam_would_not_take_is_refused(document: Any, what: str) -> None:  # noqa: ANN401
    """A policy with a slip is an error, not a policy that never matches."""
    with pytest.raises(MalformedPolicyError, match=what):
        parse(document)


@pytest.mark.parametrize(
    "name", ["arn:aws:iam::*:role/web", "arn:aws:iam::1:role/w*", "arn:aws:iam::111122223333:*"]
)
def test_principals_have_no_wildcards(name: str) -> None:
    """A principal is everybody or a name."""
    with pytest.raises(MalformedPolicyError, match="no wildcards"):
        parse(policy(statement("*", who={"AWS": name})), "resource")


@pytest.mark.parametrize(
    "name", ["web", "arn:aws:iam::1:role/web", f"arn:aws:iam::{HOME}:group/g", "11112222333", ""]
)
def test_principals_are_names_of_something(name: str) -> None:
    """What names no account, user, role or session is refused."""
    with pytest.raises(MalformedPolicyError, match="principal AWS is"):
        parse(policy(statement("*", who={"AWS": name})), "resource")


@pytest.mark.parametrize("who", ["web", ["*"], {"CanonicalUser": "x"}, {"AWS": 5}])
def test_principals_have_a_kind(who: object) -> None:
    """Everybody, or an object of known kinds."""
    with pytest.raises(MalformedPolicyError, match="rincipal"):
        parse(policy(statement("*", who=who)), "resource")


@pytest.mark.parametrize(
    ("document", "kind", "what"),
    [
        (policy(statement("sts:AssumeRole", who="*")), "trust", "no Resource"),
        (
            policy(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sts:AssumeRole",
                    "NotResource": ARN,
                }
            ),
            "trust",
            "no Resource",
        ),
        (policy({"Effect": "Allow", "Action": "sts:AssumeRole"}), "trust", "principal"),
        (trust(HOME, GET), "trust", "sts only"),
        (trust(HOME, "*"), "trust", "sts only"),
        (trust(HOME), "resource", "Resource"),
        (allow(GET), "resource", "principal"),
        (trust(HOME), "identity", "principal"),
    ],
)
def test_each_kind_of_policy_has_its_own_elements(
    document: dict[str, Any], kind: Kind, what: str
) -> None:
    """Trust says who, identity policies say what, those of resources say both."""
    with pytest.raises(MalformedPolicyError, match=what):
        parse(document, kind)


def test_ids_of_resource_policies_are_free() -> None:
    """Key policies have blanks in them, as AWS's own do."""
    document = policy({**statement("kms:*", who="*"), "Sid": "Allow use of the key"})

    assert parse({**document, "Id": "key policy"}, "resource").statements


@pytest.mark.parametrize(
    ("version", "granted"), [("2012-10-17", True), ("2008-10-17", None), (None, None)]
)
def test_variables_exist_since_2012(version: str | None, *, granted: bool | None) -> None:
    """In a policy of 2008, or without a version, `${…}` is five letters like others."""
    tag = "${aws:PrincipalTag/ns}"
    document = allow(GET, on=ARN.replace("shop", tag), when={"StringEquals": {"aws:x": tag}})
    document = {**document, "Version": version}
    if version is None:
        del document["Version"]
    context = {"aws:principaltag/ns": ("shop",), "aws:x": ("shop",)}

    assert identity_grant([parse(document)], Query(GET, ARN, context)) is granted
    literal = Query(GET, ARN.replace("shop", tag), {**context, "aws:x": (tag,)})
    assert identity_grant([parse(document)], literal) is (None if granted else True)


def test_one_statement_may_stand_alone() -> None:
    """Without a list around it."""
    document = parse({"Version": "2012-10-17", "Statement": statement(GET)})

    assert identity_grant([document], Query(GET, ARN, {})) is True
