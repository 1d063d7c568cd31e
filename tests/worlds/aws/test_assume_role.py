"""AssumeRole and GetCallerIdentity: trust, external ids, tags, chains."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.aws.chains import BOTH, THIRD, WEB, assume, tags_of, trusting
from tests.worlds.aws.cloud import AWAY, HOME, allow, policy, refuses, statement, trust
from tests.worlds.aws.wire import send, to_sts

if TYPE_CHECKING:
    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role
    from worlds.aws.credentials import AccessKey


@pytest.fixture
def web(world: AwsWorld) -> Role:
    """The role that a pod has already; its own policy lets it assume and tag whatever trusts it."""
    return world.account().role("web", trust(HOME), allow(*BOTH))


@pytest.fixture
def key(world: AwsWorld, web: Role) -> AccessKey:
    """A session of that role."""
    return world.access_key(web)


def test_a_trusted_role_is_assumed(world: AwsWorld, client: Clients, key: AccessKey) -> None:
    """Across accounts; the journal says who asked, and whose chain it is."""
    other = trusting(world)

    got = assume(client, key, other.arn)

    identity = client("sts", got).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{AWAY}:assumed-role/other/next"
    assert identity["Account"] == AWAY
    assumed, asked = world.journal.entries
    assert (assumed.principal, assumed.outcome) == (key.principal.arn, "ok")
    assert assumed.access_key_id == key.id
    assert assumed.detail["assumed"] == identity["Arn"]
    assert (asked.principal, asked.base) == (identity["Arn"], key.principal.arn)


@pytest.mark.parametrize("side", ["the caller's policy", "the trust"])
def test_between_accounts_both_sides_must_allow(
    world: AwsWorld, client: Clients, web: Role, key: AccessKey, side: str
) -> None:
    """Either missing is a denial in the same words, which do not say which."""
    other = trusting(world)
    if side == "the trust":
        other.set_trust(trust(f"arn:aws:iam::{HOME}:role/another"))
    else:
        web.set_policies()

    with refuses("AccessDenied", f"User: {key.principal.arn} is not .* on resource: {other.arn}$"):
        assume(client, key, other.arn)

    (entry,) = world.journal.entries
    assert (entry.outcome, entry.status, entry.principal) == (
        "AccessDenied",
        403,
        key.principal.arn,
    )


def test_within_an_account_the_trust_may_name_the_role(
    world: AwsWorld, client: Clients, web: Role, key: AccessKey
) -> None:
    """A trust that names the role is enough; one that names the account leaves it to policies."""
    named = world.account().role("named", trust(web.arn))
    delegating = world.account().role("delegating", trust(HOME))
    web.set_policies()

    assert assume(client, key, named.arn)
    with refuses("AccessDenied"):
        assume(client, key, delegating.arn)
    web.allow(allow("sts:AssumeRole", on=delegating.arn))
    assert assume(client, key, delegating.arn)


def test_a_role_does_not_assume_itself(client: Clients, web: Role, key: AccessKey) -> None:
    """Unless its trust says so, in which AWS's message is the only hint."""
    web.set_trust(trust(f"arn:aws:iam::{HOME}:role/ci"))
    message = f"User: {key.principal.arn} is not authorized to perform: sts:AssumeRole on resource"

    with refuses("AccessDenied", f"{message}: {web.arn}$"):
        assume(client, key, web.arn)
    web.set_trust(trust(web.arn))
    assert assume(client, key, web.arn).principal.identity is web


def test_an_unknown_role_is_not_told_from_a_distrusting_one(
    client: Clients, key: AccessKey
) -> None:
    """The words are the same, in a known account and in an unknown one."""
    for arn in (f"arn:aws:iam::{HOME}:role/nobody", "arn:aws:iam::999999999999:role/web"):
        with refuses("AccessDenied", f"sts:AssumeRole on resource: {arn}$"):
            assume(client, key, arn)


def test_root_assumes_nothing(world: AwsWorld, client: Clients) -> None:
    """AWS refuses the root user by name."""
    root = world.access_key(world.account().user("root", allow("*")))
    role = world.account().role("any", trust("*"))

    with refuses("AccessDenied", "Roles may not be assumed by root accounts"):
        assume(client, root, role.arn)
    assert client("sts", root).get_caller_identity()["Arn"] == f"arn:aws:iam::{HOME}:root"


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"ExternalId": "acme"}, True),
        ({"ExternalId": "ACME"}, False),
        ({"ExternalId": "other"}, False),
        ({}, False),
    ],
)
def test_an_external_id_must_be_the_agreed_one(
    world: AwsWorld, client: Clients, key: AccessKey, given: dict[str, str], *, allowed: bool
) -> None:
    """Missing and wrong ones are denied in the same words."""
    condition = {"StringEquals": {"sts:ExternalId": "acme"}}
    other = world.account(AWAY).role("other", trust(WEB, when=condition))

    if allowed:
        assert assume(client, key, other.arn, **given)
    else:
        with refuses("AccessDenied", "sts:AssumeRole"):
            assume(client, key, other.arn, **given)
    assert world.journal.entries[-1].detail["external-id"] == given.get("ExternalId", "")


@pytest.mark.parametrize(
    ("condition", "tags", "allowed"),
    [
        ({"StringEquals": {"aws:RequestTag/team": "red"}}, {"team": "red"}, True),
        ({"StringEquals": {"aws:RequestTag/team": "red"}}, {"team": "blue"}, False),
        ({"StringEquals": {"aws:RequestTag/team": "red"}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x"}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x", "z": "y"}, False),
        ({"StringEquals": {"sts:RoleSessionName": "next"}}, {}, True),
        ({"StringEquals": {"sts:RoleSessionName": "other"}}, {}, False),
        ({"StringEquals": {"aws:PrincipalArn": WEB}}, {}, True),
        ({"StringEquals": {"aws:PrincipalAccount": AWAY}}, {}, False),
        ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, {}, True),
        ({"StringEquals": {"aws:ResourceTag/open": "yes"}}, {}, True),
        ({"StringEquals": {"iam:ResourceTag/open": "no"}}, {}, False),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, {}, True),
        ({"StringEquals": {"aws:ResourceAccount": AWAY}}, {}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, {}, True),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {}, True),
        ({"NumericLessThan": {"aws:EpochTime": "1577836800"}}, {}, False),
    ],
)
def test_a_trust_may_set_conditions(
    client: Clients,
    key: AccessKey,
    condition: dict[str, Any],
    tags: dict[str, str],
    *,
    allowed: bool,
) -> None:
    """Request, caller, role and time are there to be asked for."""
    trusting = trust(WEB, *BOTH, when=condition)
    other = client.world.account(AWAY).role("other", trusting, tags={"open": "yes"})

    if allowed:
        assert assume(client, key, other.arn, Tags=tags_of(**tags))
    else:
        with refuses("AccessDenied"):
            assume(client, key, other.arn, Tags=tags_of(**tags))


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"Tags": tags_of(a="1") + tags_of(A="2")}, "InvalidParameterValue", "Duplicate tag keys"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "InvalidParameterValue", "prefix aws:"),
        (
            {"Tags": tags_of(a="1"), "TransitiveTagKeys": ["b"]},
            "InvalidParameterValue",
            "transitive",
        ),
        ({"Tags": [{"Key": "", "Value": "1"}]}, "ValidationError", "tags"),
        ({"Tags": [{"Key": "a" * 129, "Value": "1"}]}, "ValidationError", "tags"),
        ({"Tags": [{"Key": "a", "Value": "1" * 257}]}, "ValidationError", "tags"),
        ({"Tags": [{"Key": "a;b", "Value": "1"}]}, "ValidationError", "tags"),
        ({"Tags": [{"Key": "a", "Value": "line\nend"}]}, "ValidationError", "tags"),
        ({"Tags": tags_of(**{f"t{n}": "" for n in range(51)})}, "ValidationError", "equal to 50"),
        ({"ExternalId": "a"}, "ValidationError", "externalId"),
        ({"ExternalId": "has blank"}, "ValidationError", "externalId"),
        ({"ExternalId": "a" * 1225}, "ValidationError", "externalId"),
        ({"DurationSeconds": 899}, "ValidationError", "greater than or equal to 900"),
        ({"RoleSessionName": "x"}, "ValidationError", "roleSessionName"),
        ({"Policy": "[]"}, "MalformedPolicyDocument", "Version"),
        ({"SourceIdentity": "me"}, "ValidationError", "no parameter SourceIdentity"),
        ({"DurationSeconds": 3601}, "ValidationError", "1 hour session limit .* role chaining"),
    ],
)
def test_parameters_are_checked(
    client: Clients, key: AccessKey, given: dict[str, Any], code: str, words: str
) -> None:
    """Bounds and forms of what may be asked for, in AWS's words."""
    other = trusting(client.world, max_session=43_200)

    with refuses(code, words):
        assume(client, key, other.arn, **given)


@pytest.mark.parametrize(
    "field", ["Tags=x", "Tags.member.1=x", "TransitiveTagKeys=x", "TransitiveTagKeys.member.1.a=x"]
)
def test_lists_must_be_lists(world: AwsWorld, key: AccessKey, field: str) -> None:
    """A field of another form is refused, not guessed at."""
    body = f"Action=AssumeRole&Version=2011-06-15&RoleArn={WEB}&RoleSessionName=next&{field}"

    answer = send(world, to_sts(world, body.encode()).signed(key, "sts"))

    assert (answer.status, answer.code) == (400, "ValidationError")


def test_only_a_chain_is_limited_to_an_hour(world: AwsWorld, client: Clients) -> None:
    """A user's session may be as long as the role allows."""
    user = world.access_key(world.account().user("ci", allow("sts:AssumeRole")))
    role = world.account().role("long", trust(HOME), max_session=43_200)
    short = world.account().role("short", trust(HOME))

    got = assume(client, user, role.arn, DurationSeconds=43_200)

    assert got.expires_at is not None
    assert got.expires_at > world.clock.now() + 43_000
    assert got.principal.base == user.principal.arn
    with refuses("ValidationError", "MaxSessionDuration"):
        assume(client, user, short.arn, DurationSeconds=3601)


def test_a_session_policy_cuts_the_next_session_down(
    world: AwsWorld, client: Clients, key: AccessKey
) -> None:
    """And also what that session may assume."""
    other = trusting(world)
    other.allow(allow("secretsmanager:*", "sts:AssumeRole"))
    world.account(AWAY).role("third", trust(AWAY))
    world.put_secret("db", "s3cret", account=AWAY)
    narrow = json.dumps(policy(statement("secretsmanager:GetSecretValue")))

    got = assume(client, key, other.arn, Policy=narrow)

    assert client("secretsmanager", got).get_secret_value(SecretId="db")["SecretString"]
    with refuses("AccessDeniedException", "because no session policy allows"):
        client("secretsmanager", got).describe_secret(SecretId="db")
    with refuses("AccessDenied"):
        assume(client, got, THIRD)


def test_an_explicit_deny_is_said(
    world: AwsWorld, client: Clients, web: Role, key: AccessKey
) -> None:
    """STS gives the reason for explicit denies only."""
    other = trusting(world)
    web.allow(policy(statement("sts:AssumeRole", effect="Deny")))

    with refuses("AccessDenied", "with an explicit deny in an identity-based policy$"):
        assume(client, key, other.arn)


def test_nobody_is_denied_its_own_identity(world: AwsWorld, client: Clients) -> None:
    """GetCallerIdentity needs no permission and cannot be taken away."""
    deny = policy(statement("*", effect="Deny"))
    user = world.account().user("ci", deny)

    identity = client("sts", world.access_key(user)).get_caller_identity()

    assert (identity["Arn"], identity["UserId"]) == (user.arn, user.id)
    (entry,) = world.journal.entries
    assert (entry.action, entry.principal, entry.base) == ("GetCallerIdentity", user.arn, user.arn)


@pytest.mark.parametrize(
    "body",
    [
        b"Action=GetFederationToken&Version=2011-06-15",
        b"Action=GetCallerIdentity&Version=2010-05-08",
        b"Action=GetCallerIdentity",
        b"\xff\xfe",
        b"",
    ],
)
def test_other_actions_and_versions_do_not_exist(
    world: AwsWorld, key: AccessKey, body: bytes
) -> None:
    """What STS does not have, and what this world does not, is an invalid action."""
    answer = send(world, to_sts(world, body).signed(key, "sts"))

    assert (answer.status, answer.code) == (400, "InvalidAction")
