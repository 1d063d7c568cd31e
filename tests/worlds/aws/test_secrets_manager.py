"""Secrets Manager: names, versions, permissions, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.aws.cloud import AWAY, ELSEWHERE, HOME, allow, policy, refuses, statement, trust
from tests.worlds.aws.wire import send, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role

GET = "secretsmanager:GetSecretValue"
DESCRIBE = "secretsmanager:DescribeSecret"


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that may do anything with secrets."""
    return world.account().role("web", trust(HOME), allow("secretsmanager:*"))


@pytest.fixture
def secrets(world: AwsWorld, client: Clients, role: Role) -> Any:  # noqa: ANN401
    """A client for that role."""
    return client("secretsmanager", world.access_key(role))


def test_a_text_is_read_with_its_version(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """The reply says name, ARN, version and stages."""
    secret = world.put_secret("prod/db", "s3cret", suffix="AbCdEf")

    reply = secrets.get_secret_value(SecretId="prod/db")

    arn = f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:prod/db-AbCdEf"
    assert reply["SecretString"] == "s3cret"
    assert "SecretBinary" not in reply
    assert (reply["Name"], reply["ARN"]) == ("prod/db", arn)
    assert reply["VersionStages"] == ["AWSCURRENT"]
    assert reply["VersionId"] in secret.shared.versions
    assert reply["CreatedDate"].timestamp() <= world.clock.now()


def test_bytes_are_read_as_bytes(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """A binary secret has no text."""
    world.put_secret("cert", b"\x00\xff")

    reply = secrets.get_secret_value(SecretId="cert")

    assert reply["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in reply


def test_a_rotation_moves_the_stages(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """AWSCURRENT goes to the new version and leaves AWSPREVIOUS behind."""
    world.put_secret("db", "one")
    first = secrets.get_secret_value(SecretId="db")["VersionId"]
    second = world.rotate("db", "two")
    third = world.rotate("db", "three")

    def read(**which: str) -> str:
        found: str = secrets.get_secret_value(SecretId="db", **which)["SecretString"]
        return found

    assert read() == read(VersionStage="AWSCURRENT") == read(VersionId=third) == "three"
    assert read(VersionStage="AWSPREVIOUS") == read(VersionId=second) == "two"
    assert read(VersionId=first) == "one"
    described = secrets.describe_secret(SecretId="db")["VersionIdsToStages"]
    assert described == {third: ["AWSCURRENT"], second: ["AWSPREVIOUS"]}


def test_custom_stages_move_alone(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """A stage of one's own leaves nothing behind, and a version may have many."""
    world.put_secret("db", "one")
    second = world.rotate("db", "two", stages=["BLUE"])
    first = secrets.get_secret_value(SecretId="db")["VersionId"]

    assert secrets.get_secret_value(SecretId="db", VersionStage="BLUE")["SecretString"] == "two"
    world.move_stage("db", "BLUE", first)
    world.move_stage("db", "BLUE", first)
    both = secrets.get_secret_value(SecretId="db", VersionStage="BLUE", VersionId=first)
    assert both["VersionStages"] == ["AWSCURRENT", "BLUE"]
    world.move_stage("db", "AWSCURRENT", second)
    stages = secrets.describe_secret(SecretId="db")["VersionIdsToStages"]
    assert stages == {first: ["AWSPREVIOUS", "BLUE"], second: ["AWSCURRENT"]}
    world.move_stage("db", "AWSCURRENT", first)
    stages = secrets.describe_secret(SecretId="db")["VersionIdsToStages"]
    assert stages == {first: ["AWSCURRENT", "BLUE"], second: ["AWSPREVIOUS"]}


@pytest.mark.parametrize(
    ("which", "code", "words"),
    [
        ({"VersionId": "0" * 36}, "ResourceNotFoundException", "for VersionId: 0"),
        ({"VersionStage": "BLUE"}, "ResourceNotFoundException", "for staging label: BLUE"),
        ({"VersionId": "short"}, "ValidationException", "versionId"),
        ({"VersionId": "0" * 65}, "ValidationException", "versionId"),
        ({"SecretId": "nothing"}, "ResourceNotFoundException", "can't find the specified secret"),
        ({"SecretId": ""}, "ValidationException", "secretId"),
        ({"SecretId": "a" * 2049}, "ValidationException", "secretId"),
    ],
)
def test_what_is_not_there_is_said(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
    which: dict[str, str],
    code: str,
    words: str,
) -> None:
    """Secret, version and stage are told apart."""
    world.put_secret("db", "one")

    with refuses(code, words):
        secrets.get_secret_value(**{"SecretId": "db", **which})


def test_a_version_must_have_the_stage_that_is_named_with_it(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """Both together must fit."""
    world.put_secret("db", "one")
    second = world.rotate("db", "two")

    with refuses("InvalidRequestException", "not associated"):
        secrets.get_secret_value(SecretId="db", VersionId=second, VersionStage="AWSPREVIOUS")


def test_a_secret_marked_for_deletion_is_not_read(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """It is described still, comes back when restored, and is gone when removed at once."""
    world.put_secret("db", "one")
    world.delete("db")

    with refuses("InvalidRequestException", "because it was marked for deletion"):
        secrets.get_secret_value(SecretId="db")
    assert secrets.describe_secret(SecretId="db")["DeletedDate"].timestamp() > 0
    world.restore("db")
    assert "DeletedDate" not in secrets.describe_secret(SecretId="db")
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "one"
    world.delete("db", at_once=True)
    with refuses("ResourceNotFoundException"):
        secrets.get_secret_value(SecretId="db")
    with pytest.raises(KeyError, match="db"):
        world.secret("db")


def test_a_secret_that_is_made_again_is_another_one(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """Name alike, ARN and versions new."""
    first = world.put_secret("db", "one")
    second = world.put_secret("db", "two")

    assert first.arn != second.arn
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "two"
    with refuses("ResourceNotFoundException"):
        secrets.get_secret_value(SecretId=first.arn)


def test_arns_whole_and_cut(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """Of one's own account the suffix may be left out; a whole ARN goes before a cut one."""
    plain = world.put_secret("db", "plain", suffix="abcdef")
    odd = world.put_secret("db-abcdef", "odd")

    def read(secret_id: str) -> str:
        found: str = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
        return found

    assert read(plain.arn.removesuffix("-abcdef")) == "plain"
    assert read(plain.arn) == "plain"
    assert read(odd.arn) == "odd"
    with refuses("ResourceNotFoundException"):
        read(plain.arn[:-3])


def test_a_whole_arn_wins_whatever_was_made_first(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """A name that ends like a suffix makes a cut ARN ambiguous, never a whole one."""
    world.put_secret("db-abcdef", "odd")
    plain = world.put_secret("db", "plain", suffix="abcdef")

    assert secrets.get_secret_value(SecretId=plain.arn)["SecretString"] == "plain"


def test_regions_are_apart(world: AwsWorld, client: Clients, role: Role) -> None:
    """A secret is where it was made; an ARN of elsewhere is not found here."""
    there = world.put_secret("db", "there", region=ELSEWHERE)
    key = world.access_key(role)

    far = client("secretsmanager", key, region=ELSEWHERE)
    assert far.get_secret_value(SecretId="db")["SecretString"] == "there"
    for secret_id in ("db", there.arn):
        with refuses("ResourceNotFoundException"):
            client("secretsmanager", key).get_secret_value(SecretId=secret_id)
    assert {entry.region for entry in world.journal.entries} == {"eu-west-1", ELSEWHERE}


def test_replicas_share_versions_and_describe_each_other(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """A rotation is seen in every region, under the same version's id."""
    world.put_secret("db", "one", replicas=[ELSEWHERE], tags={"team": "red"})
    key = world.access_key(role)
    here, there = (client("secretsmanager", key, region=r) for r in ("eu-west-1", ELSEWHERE))
    world.rotate("db", "two")

    primary, replica = here.describe_secret(SecretId="db"), there.describe_secret(SecretId="db")

    assert there.get_secret_value(SecretId="db")["SecretString"] == "two"
    assert primary["VersionIdsToStages"] == replica["VersionIdsToStages"]
    assert primary["PrimaryRegion"] == replica["PrimaryRegion"] == "eu-west-1"
    assert primary["ReplicationStatus"] == [{"Region": ELSEWHERE, "Status": "InSync"}]
    assert "ReplicationStatus" not in replica
    assert f":{ELSEWHERE}:" in replica["ARN"]
    assert primary["Tags"] == replica["Tags"] == [{"Key": "team", "Value": "red"}]
    assert "PrimaryRegion" not in here.describe_secret(SecretId=world.put_secret("x", "y").arn)


@pytest.mark.parametrize(
    ("pattern", "name", "code"),
    [
        ("secret:prod/*", "prod/db", ""),
        ("secret:prod/*", "test/db", "AccessDeniedException"),
        ("secret:prod/*", "prod/nothing", "ResourceNotFoundException"),
        ("secret:prod/*", "test/nothing", "AccessDeniedException"),
        ("secret:prod/db-??????", "prod/db", ""),
        ("secret:prod/db", "prod/db", "AccessDeniedException"),
        ("secret:prod/db-??????", "prod/nothing", "AccessDeniedException"),
    ],
)
def test_permission_is_asked_before_existence(
    client: Clients, world: AwsWorld, pattern: str, name: str, code: str
) -> None:
    """Who may not read learns nothing about what there is."""
    own = allow(GET, DESCRIBE, on=f"arn:aws:secretsmanager:eu-west-1:{HOME}:{pattern}")
    secrets = client("secretsmanager", world.access_key(world.account().user("ci", own)))
    for made in ("prod/db", "test/db"):
        world.put_secret(made, "s3cret")

    if not code:
        assert secrets.get_secret_value(SecretId=name)["SecretString"] == "s3cret"
        assert secrets.describe_secret(SecretId=name)["Name"] == name
        return
    for call in (secrets.get_secret_value, secrets.describe_secret):
        with refuses(code, f"on resource: {name} because no identity" if "Denied" in code else ""):
            call(SecretId=name)


@pytest.mark.parametrize(
    ("condition", "which", "allowed"),
    [
        ({"secretsmanager:VersionStage": "AWSCURRENT"}, {}, True),
        ({"secretsmanager:VersionStage": "AWSCURRENT"}, {"VersionStage": "AWSPREVIOUS"}, False),
        ({"secretsmanager:VersionId": "0" * 36}, {}, False),
        ({"secretsmanager:ResourceTag/team": "red"}, {}, True),
        ({"aws:ResourceTag/team": "blue"}, {}, False),
        ({"aws:ResourceAccount": HOME}, {}, True),
        ({"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}, {}, True),
        ({"aws:ResourceTag/team": "${aws:PrincipalTag/tier}"}, {}, False),
    ],
)
def test_conditions_on_the_secret(
    world: AwsWorld,
    client: Clients,
    condition: dict[str, str],
    which: dict[str, str],
    *,
    allowed: bool,
) -> None:
    """Stage, version, tags and account are there to be asked for: ABAC is among them."""
    own = allow(GET, when={"StringEquals": condition})
    user = world.account().user("ci", own, tags={"team": "red", "tier": "web"})
    secrets = client("secretsmanager", world.access_key(user))
    world.put_secret("db", "one", tags={"team": "red"})
    world.rotate("db", "two")

    if allowed:
        assert secrets.get_secret_value(SecretId="db", **which)
    else:
        with refuses("AccessDeniedException", "no identity-based policy"):
            secrets.get_secret_value(SecretId="db", **which)


def test_a_resource_policy_is_enough_within_an_account(world: AwsWorld, client: Clients) -> None:
    """It lets in who has no policy, can shut out who has, and can be taken away."""
    role = world.account().role("plain", trust(HOME))
    secrets = client("secretsmanager", world.access_key(role))
    let_in = policy(statement(GET, who={"AWS": role.arn}))
    shut_out = policy(statement(GET, who="*", effect="Deny"))
    world.put_secret("db", "one", policy=let_in)

    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "one"
    world.set_secret_policy("db", shut_out)
    with refuses("AccessDeniedException", "with an explicit deny in a resource-based policy"):
        secrets.get_secret_value(SecretId="db")
    world.set_secret_policy("db", None)
    with refuses("AccessDeniedException", "no identity-based policy"):
        secrets.get_secret_value(SecretId="db")


_CALLS: list[Callable[[Any, str], Any]] = [
    lambda secrets, arn: secrets.get_secret_value(SecretId=arn),
    lambda secrets, arn: secrets.describe_secret(SecretId=arn),
]


@pytest.mark.parametrize("call", _CALLS, ids=["GetSecretValue", "DescribeSecret"])
@pytest.mark.parametrize("missing", ["", "resource policy", "identity policy"])
def test_between_accounts_both_policies_must_allow(
    world: AwsWorld, client: Clients, role: Role, call: Callable[[Any, str], Any], missing: str
) -> None:
    """The message says which one lacks."""
    shared = policy(statement(GET, DESCRIBE, who={"AWS": role.arn}))
    key = world.kms_key(policy(statement("kms:Decrypt", who={"AWS": role.arn})), account=AWAY)
    secret = world.put_secret("db", "theirs", account=AWAY, policy=shared, kms_key=key)
    role.allow(allow("kms:Decrypt"))
    if missing == "resource policy":
        world.set_secret_policy(secret, None)
    if missing == "identity policy":
        role.set_policies()
    secrets = client("secretsmanager", world.access_key(role))

    if not missing:
        assert call(secrets, secret.arn)["ARN"] == secret.arn
        return
    kind = "resource-based" if missing == "resource policy" else "identity-based"
    with refuses("AccessDeniedException", f"because no {kind} policy allows"):
        call(secrets, secret.arn)


def test_another_accounts_secret_needs_its_whole_arn(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """A name is looked for at home, and a cut ARN finds nothing."""
    shared = policy(statement(GET, who={"AWS": role.arn}))
    secret = world.put_secret("db", "theirs", account=AWAY, policy=shared)
    secrets = client("secretsmanager", world.access_key(role))

    with refuses("ResourceNotFoundException"):
        secrets.get_secret_value(SecretId="db")
    with refuses("AccessDeniedException", "no resource-based policy"):
        secrets.get_secret_value(SecretId=secret.arn[:-7])


@pytest.mark.parametrize(
    "secret_id", [f"arn:aws:secretsmanager:eu-west-1:{HOME}", "arn:aws:s3:::bucket", "arn:"]
)
def test_odd_arns_are_not_found(secrets: Any, secret_id: str) -> None:  # noqa: ANN401
    """What is no secret's ARN finds nothing, or is denied as another account's."""
    with refuses("(ResourceNotFoundException|AccessDeniedException)"):
        secrets.get_secret_value(SecretId=secret_id)


def test_the_journal_tells_every_read_and_no_value(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
    role: Role,
) -> None:
    """Who read what, with which keys, and how it ended."""
    world.put_secret("db", "s3cret-value")
    secrets.get_secret_value(SecretId="db")
    secrets.describe_secret(SecretId="db")
    with refuses("ResourceNotFoundException"):
        secrets.get_secret_value(SecretId="nothing")

    entries = world.journal.entries

    session = f"arn:aws:sts::{HOME}:assumed-role/{role.name}/test"
    assert [(e.action, e.resources, e.outcome, e.status) for e in entries] == [
        ("GetSecretValue", ("db",), "ok", 200),
        ("DescribeSecret", ("db",), "ok", 200),
        ("GetSecretValue", ("nothing",), "ResourceNotFoundException", 400),
    ]
    assert {(e.principal, e.base, e.region, e.service) for e in entries} == {
        (session, session, "eu-west-1", "secretsmanager")
    }
    assert all(e.request_id and e.access_key_id and e.connection for e in entries)
    assert "s3cret-value" not in repr(entries)
    assert "s3cret-value" not in repr(world.secret("db"))


@pytest.mark.parametrize("target", ["secretsmanager.PutSecretValue", "secretsmanager."])
def test_other_actions_are_not_in_this_world(world: AwsWorld, role: Role, target: str) -> None:
    """Nothing is answered by chance."""
    ask = to_json(world, target, {}).signed(world.access_key(role), "secretsmanager")

    assert send(world, ask).code == "UnknownOperationException"
