"""
KMS keys and who may use them, for the API of KMS and for services that decrypt for a caller.

A key's policy must always consent. The keys that AWS manages let in whoever comes through their
service from their own account, so they are of no use to another account.
"""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from worlds.aws.calls import Access, judge
from worlds.aws.documents import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.calls import Call
    from worlds.aws.identities import Policy
    from worlds.aws.policy import Decision, Document


_MARK: Final = b"\x01\x02\x02\x00"
_NONCE_BYTES: Final = 12


@dataclass(slots=True, eq=False)
class Key:
    """One KMS key, symmetric."""

    arn: str
    account: str
    region: str
    policy: Document
    enabled: bool = True
    pending_deletion: bool = False
    material: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def set_policy(self, policy: Policy) -> None:
        """Replace the key policy."""
        self.policy = parse(policy, "resource")

    def seal(self, plaintext: bytes, encryption_context: Mapping[str, str]) -> bytes:
        """Encrypt without any question of permission; the ciphertext names the key."""
        arn = self.arn.encode()
        head = _MARK + len(arn).to_bytes(2, "big") + arn
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return (
            head + nonce + AESGCM(self.material).encrypt(nonce, plaintext, _aad(encryption_context))
        )

    def open(self, ciphertext: bytes, encryption_context: Mapping[str, str]) -> bytes | None:
        """Decrypt what names this key; `None` for another context or a changed ciphertext."""
        body = ciphertext[len(_MARK) + 2 + len(self.arn) :]
        nonce, sealed = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
        try:
            return AESGCM(self.material).decrypt(nonce, sealed, _aad(encryption_context))
        except (InvalidTag, ValueError):
            return None


def key_of(ciphertext: bytes) -> str:
    """Give the ARN of the key that a ciphertext names; empty where it is none of KMS."""
    start = len(_MARK) + 2
    size = int.from_bytes(ciphertext[len(_MARK) : start], "big")
    arn = ciphertext[start : start + size].decode("latin-1")
    whole = ciphertext.startswith(_MARK) and len(arn) == size and arn.startswith("arn:")
    return arn if whole else ""


def _aad(encryption_context: Mapping[str, str]) -> bytes:
    """Write a context in one way whatever its order."""
    return json.dumps(dict(encryption_context), sort_keys=True).encode()


@dataclass(slots=True)
class Kms:
    """The keys of one world."""

    partition: str = "aws"
    keys: dict[str, Key] = field(default_factory=dict)
    """By ARN."""
    aliases: dict[str, Key] = field(default_factory=dict)
    """By the alias's ARN."""

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

    def alias(self, name: str, key: Key) -> str:
        """Let `alias/<name>` of the key's account and region mean the key; gives its ARN."""
        arn = f"arn:{self.partition}:kms:{key.region}:{key.account}:alias/{name}"
        self.aliases[arn] = key
        return arn

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
    through = {"kms:viaservice": (f"{call.service}.{call.region}.amazonaws.com",)}
    return judge(call, access("Decrypt", key, call, encryption_context, through))


def access(
    action: str,
    key: Key,
    call: Call,
    encryption_context: Mapping[str, str],
    context: Mapping[str, tuple[str, ...]],
) -> Access:
    """
    Say what a caller wants to do with a key.

    Args:
        action: `Decrypt` or `Encrypt`.
        key: which.
        call: whose.
        encryption_context: of the operation; conditions may ask for its pairs.
        context: further condition keys.
    """
    known = {
        **context,
        "kms:calleraccount": (call.principal.account,),
        "kms:encryptioncontextkeys": tuple(encryption_context),
        **{
            f"kms:encryptioncontext:{name.lower()}": (value,)
            for name, value in encryption_context.items()
        },
    }
    return Access(f"kms:{action}", key.arn, key.account, known, key.policy, policy_decides=True)
