"""What the tests of AssumeRole share: a pod's role, roles that trust it, and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.worlds.aws.cloud import AWAY, HOME, trust

if TYPE_CHECKING:
    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role
    from worlds.aws.credentials import AccessKey

BOTH = ("sts:AssumeRole", "sts:TagSession")
WEB = f"arn:aws:iam::{HOME}:role/web"
THIRD = f"arn:aws:iam::{AWAY}:role/third"


def tags_of(**tags: str) -> list[dict[str, str]]:
    """Write tags as STS takes them."""
    return [{"Key": name.replace("_", "-"), "Value": value} for name, value in tags.items()]


def assume(client: Clients, key: AccessKey, arn: str, **more: Any) -> AccessKey:  # noqa: ANN401
    """Assume a role; gives the keys of the new session."""
    given = {"RoleArn": arn, "RoleSessionName": "next", **more}
    reply = client("sts", key).assume_role(**given)
    found = client.world.keys.find(reply["Credentials"]["AccessKeyId"])
    assert found is not None
    return found


def trusting(world: AwsWorld, name: str = "other", **options: Any) -> Role:  # noqa: ANN401
    """A role of another account that trusts `web` to assume and tag it."""
    return world.account(AWAY).role(name, trust(WEB, *BOTH), **options)
