"""Session tags: who may say them, what they decide, and how they go on along a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.aws.chains import BOTH, THIRD, WEB, assume, tags_of, trusting
from tests.worlds.aws.cloud import AWAY, HOME, allow, refuses, trust

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


@pytest.mark.parametrize("missing", ["the caller's policy", "the trust"])
def test_tags_need_tag_session_on_both_sides(
    world: AwsWorld, client: Clients, web: Role, key: AccessKey, missing: str
) -> None:
    """Without tags AssumeRole is enough; with them the denial names sts:TagSession."""
    other = trusting(world)
    if missing == "the trust":
        other.set_trust(trust(WEB, "sts:AssumeRole"))
    else:
        web.set_policies(allow("sts:AssumeRole"))

    assert assume(client, key, other.arn).principal.tags == {}
    with refuses("AccessDenied", f"sts:TagSession on resource: {other.arn}$"):
        assume(client, key, other.arn, Tags=tags_of(team="red"))


def test_tags_stand_in_the_session_and_its_conditions(
    world: AwsWorld, client: Clients, key: AccessKey
) -> None:
    """They are the principal's, over the role's own tags of the same name."""
    own = allow(
        "secretsmanager:GetSecretValue",
        when={"StringEquals": {"aws:PrincipalTag/team": "red", "aws:PrincipalTag/tier": "web"}},
    )
    other = trusting(world, tags={"team": "blue", "tier": "web"})
    other.allow(own)
    world.put_secret("db", "s3cret", account=AWAY)

    plain = client("secretsmanager", assume(client, key, other.arn))
    tagged = client("secretsmanager", assume(client, key, other.arn, Tags=tags_of(team="red")))

    assert tagged.get_secret_value(SecretId="db")["SecretString"] == "s3cret"
    with refuses("AccessDeniedException"):
        plain.get_secret_value(SecretId="db")
    assert world.journal.calls("AssumeRole")[1].detail["tags"] == "team=red"


@pytest.fixture
def tagged(world: AwsWorld, client: Clients, key: AccessKey) -> AccessKey:
    """A session with a transitive tag and another one, and a third role behind it."""
    other = trusting(world)
    other.allow(allow(*BOTH))
    world.account(AWAY).role("third", trust(other.arn, *BOTH), allow(*BOTH))
    tags = tags_of(namespace="shop", passing="x")
    return assume(client, key, other.arn, Tags=tags, TransitiveTagKeys=["namespace"])


def test_transitive_tags_go_on_over_every_hop(
    world: AwsWorld, client: Clients, tagged: AccessKey
) -> None:
    """Others end with the session that they were given to."""
    third = assume(client, tagged, THIRD, Tags=tags_of(more="y"))
    fourth = world.account().role("fourth", trust(THIRD, *BOTH))

    last = assume(client, third, fourth.arn)

    assert tagged.principal.tags == {"namespace": "shop", "passing": "x"}
    assert third.principal.tags == {"namespace": "shop", "more": "y"}
    assert last.principal.tags == {"namespace": "shop"}
    assert last.principal.transitive == {"namespace"}
    assert last.principal.base == f"arn:aws:sts::{HOME}:assumed-role/web/test"
    assert world.journal.calls("AssumeRole")[0].detail["transitive"] == "namespace"


@pytest.mark.parametrize("name", ["namespace", "Namespace"])
def test_a_transitive_tag_cannot_be_said_again(
    client: Clients, tagged: AccessKey, name: str
) -> None:
    """Not with the same value either, in whatever case."""
    tags = [{"Key": name, "Value": "shop"}]

    with refuses("InvalidParameterValue", "conflicts with a transitive tag key"):
        assume(client, tagged, THIRD, Tags=tags)


def test_inherited_tags_need_tag_session_too(
    world: AwsWorld, client: Clients, tagged: AccessKey
) -> None:
    """A hop behind a transitive tag fails without it, though nothing was asked for."""
    world.account(AWAY).roles[THIRD].set_trust(trust(f"arn:aws:iam::{AWAY}:role/other"))

    with refuses("AccessDenied", "sts:TagSession"):
        assume(client, tagged, THIRD)


def test_fifty_tags_with_letters_of_any_language_are_taken(
    world: AwsWorld, client: Clients, key: AccessKey
) -> None:
    """The bounds themselves are inside."""
    small = tags_of(**{f"t{n}": "" for n in range(48)}, größe="ä b_.:/=+-@")
    tags = [*small, {"Key": "k" * 128, "Value": "v" * 256}]

    got = assume(client, key, trusting(world).arn, Tags=tags, ExternalId="a+=,.@:/-b")

    assert len(got.principal.tags) == 50
