"""
KMS keys, as far as the other services decrypt with them on a caller's behalf.

A key's policy must always consent. The keys that AWS manages let in whoever comes through their
service from their own account, so they are of no use to another account.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worlds.aws.calls import Access, judge
from worlds.aws.documents import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.calls import Call
    from worlds.aws.identities import Policy
    from worlds.aws.policy import Decision, Document


@dataclass(slots=True, eq=False)
class Key:
    """One KMS key."""

    arn: str
    account: str
    region: str
    policy: Document
    enabled: bool = True

    def set_policy(self, policy: Policy) -> None:
        """Replace the key policy."""
        self.policy = parse(policy, "resource")


@dataclass(slots=True)
class Kms:
    """The keys of one world."""

    partition: str = "aws"
    keys: dict[str, Key] = field(default_factory=dict)
    """By ARN."""

    def create(
        self, account: str, region: str, *, policy: Policy | None = None, key_id: str = ""
    ) -> Key:
        """Make a customer key; without a policy it leaves everything to its account's IAM."""
        owner = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{self.partition}:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        document = parse(policy or {"Version": "2012-10-17", "Statement": [owner]}, "resource")
        arn = f"arn:{self.partition}:kms:{region}:{account}:key/{key_id or uuid.uuid4()}"
        self.keys[arn] = Key(arn, account, region, document)
        return self.keys[arn]

    def managed(self, service: str, account: str, region: str) -> Key:
        """Give the key that AWS manages for a service in an account and region."""
        name = f"{self.partition}/{service}/{account}/{region}"
        key_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        arn = f"arn:{self.partition}:kms:{region}:{account}:key/{key_id}"
        if arn in self.keys:
            return self.keys[arn]
        users = {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": f"{service}.{region}.amazonaws.com",
                }
            },
        }
        policy = {"Version": "2012-10-17", "Statement": [users]}
        return self.create(account, region, policy=policy, key_id=key_id)


def may_decrypt(call: Call, key: Key, encryption_context: Mapping[str, str]) -> Decision:
    """Decide whether the caller may have the called service decrypt with a key."""
    context = {
        "kms:viaservice": (f"{call.service}.{call.region}.amazonaws.com",),
        "kms:calleraccount": (call.principal.account,),
        "kms:encryptioncontextkeys": tuple(encryption_context),
        **{
            f"kms:encryptioncontext:{name.lower()}": (value,)
            for name, value in encryption_context.items()
        },
    }
    access = Access("kms:Decrypt", key.arn, key.account, context, key.policy, policy_decides=True)
    return judge(call, access)
