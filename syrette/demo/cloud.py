"""The simulated AWS of the demonstration: two accounts, two roles, made-up secrets."""

from __future__ import annotations

import json
from typing import Any, Final

from worlds.aws import AwsWorld

NAMESPACE: Final = "shop"
SERVICE_ACCOUNT: Final = "web"
REGION: Final = "eu-west-1"
BILLING_ACCOUNT: Final = "444455556666"
EXTERNAL_ID: Final = "acme"


def cloud() -> AwsWorld:
    """Make the AWS; it serves while its context is open."""
    world = AwsWorld(REGION)
    account = world.account()
    account.trust_issuer(world.issuer)
    reader = world.account(BILLING_ACCOUNT).role(
        "billing-reader",
        _trust(f"arn:aws:iam::{account.number}:role/web"),
        _allow(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]),
    )
    account.web_identity_role(
        "web",
        world.issuer,
        NAMESPACE,
        SERVICE_ACCOUNT,
        _allow(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]),
        _allow(["ssm:GetParameters"]),
        _allow(["sts:AssumeRole", "sts:TagSession"], reader.arn),
    )
    world.put_secret("prod/db", database("correct-horse/battery#1"))
    world.put_secret("prod/invoice", json.dumps({"key": "inv-2f7a"}), account=BILLING_ACCOUNT)
    world.put_parameter("/prod/api-key", "ak-live-93b1")
    return world


def database(password: str) -> str:
    """Write the database's secret with another password."""
    return json.dumps({"username": "shop", "password": password})


def operator(world: AwsWorld) -> dict[str, Any]:
    """Write the operator's configuration: where this AWS is, a second account's store, a policy."""
    roles = [f"arn:aws:iam::{world.account().number}:role/web"]
    reader = f"arn:aws:iam::{BILLING_ACCOUNT}:role/billing-reader"
    return {
        "cluster": "demo",
        "defaults": {"aws.region": REGION},
        "ca-bundle": world.ca_pem,
        "endpoints": {f"aws.{service}": url for service, url in world.endpoints.items()},
        "stores": {
            "billing": {
                "provider": "aws-secretsmanager",
                "assume-role": [reader],
                "external-id": EXTERNAL_ID,
            }
        },
        "policy": [
            {
                "name": "teams",
                "allow": {
                    "stores": {
                        "aws-secretsmanager": ["prod/**"],
                        "aws-ssm": ["/prod/**"],
                        "billing": ["prod/**"],
                    },
                    "roles": [*roles, reader],
                },
            }
        ],
    }


def cluster(world: AwsWorld) -> dict[str, Any]:
    """Write the cluster's facts: the service account says its role, as for any other workload."""
    role = f"arn:aws:iam::{world.account().number}:role/web"
    account = {"annotations": {"eks.amazonaws.com/role-arn": role}}
    return {"namespaces": {NAMESPACE: {"service-accounts": {SERVICE_ACCOUNT: account}}}}


def _allow(actions: list[str], resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _trust(role: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
