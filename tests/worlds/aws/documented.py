"""The set-ups of docs/providers/aws.md: logins, reads, and policies with one line less."""

from __future__ import annotations

import copy
import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests import policies
from tests.worlds.aws.cloud import HOME

if TYPE_CHECKING:
    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld
    from worlds.aws.credentials import AccessKey

Document = dict[str, Any]


def change(*words: str) -> str:
    """Give what the page's table says to change, in the row that has all these words."""
    rows = [line for line in policies.PAGE.read_text().splitlines() if line.startswith("| ")]
    (found,) = [row for row in rows if all(word in row.split(" | ")[0] for word in words)]
    return found.split(" | ")[1]


def without(policy: Document, action: str, resource: str = "") -> Document:
    """Leave an action out, or one of its resources; a statement that has none left goes."""
    made = copy.deepcopy(policy)
    for statement in list(made["Statement"]):
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        if action not in actions:
            continue
        if resource:
            statement["Resource"].remove(resource)
            return made
        statement["Action"] = [one for one in actions if one != action]
        if not statement["Action"]:
            made["Statement"].remove(statement)
    assert made != policy
    return made


def without_condition(policy: Document, key: str = "") -> Document:
    """Leave a condition's key out, or all conditions."""
    made = copy.deepcopy(policy)
    for statement in made["Statement"]:
        if key and "Condition" in statement:
            statement["Condition"]["StringEquals"].pop(key)
        elif not key:
            statement.pop("Condition", None)
    assert made != policy
    return made


def key_of(client: Clients, access_key_id: str) -> AccessKey:
    """Give the keys with this id."""
    found = client.world.keys.find(access_key_id)
    assert found is not None
    return found


def by_web_identity(client: Clients, namespace: str = "shop", account: str = "web") -> AccessKey:
    """Log in as `web` with a service account's token."""
    token = client.world.issuer.mint(namespace, account, "sts.amazonaws.com")
    reply = client("sts").assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{HOME}:role/web", RoleSessionName="syrette", WebIdentityToken=token
    )
    return key_of(client, reply["Credentials"]["AccessKeyId"])


def ask_the_agent(world: AwsWorld, namespace: str, account: str) -> tuple[int, str]:
    """Ask the Pod Identity agent for credentials; gives status and text."""
    token = world.issuer.mint(namespace, account, "pods.eks.amazonaws.com")
    host = urlsplit(world.endpoint("pod-identity")).netloc
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/v1/credentials", headers={"Authorization": token})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def by_pod_identity(client: Clients, namespace: str = "shop", account: str = "web") -> AccessKey:
    """Log in through the Pod Identity agent."""
    status, text = ask_the_agent(client.world, namespace, account)
    assert status == 200, text
    return key_of(client, json.loads(text)["AccessKeyId"])


def assume(client: Clients, key: AccessKey, arn: str, **more: Any) -> AccessKey:  # noqa: ANN401
    """Assume a role with a session's keys."""
    reply = client("sts", key).assume_role(RoleArn=arn, RoleSessionName="syrette", **more)
    return key_of(client, reply["Credentials"]["AccessKeyId"])


def read(client: Clients, key: AccessKey, secret_id: str) -> str:
    """Read a secret's text."""
    reply = client("secretsmanager", key).get_secret_value(SecretId=secret_id)
    return str(reply["SecretString"])
