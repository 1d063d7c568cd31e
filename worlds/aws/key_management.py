"""
The API of KMS: Encrypt and Decrypt with symmetric keys.

A ciphertext names its key and is bound to its encryption context. With a `KeyId` in the request it
must be that key's. What is of another account, and not permitted, looks like what does not exist.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.calls import demand, judge
from worlds.aws.errors import (
    ACCESS_DENIED_JSON,
    DISABLED,
    INCORRECT_KEY,
    INVALID_ALGORITHM,
    INVALID_CIPHERTEXT,
    INVALID_STATE,
    NOT_FOUND_KMS,
    SERIALIZATION,
    AwsError,
    json_constraint,
)
from worlds.aws.kms import access, key_of

if TYPE_CHECKING:
    from worlds.aws.calls import Call
    from worlds.aws.kms import Key, Kms

_ALGORITHM: Final = "SYMMETRIC_DEFAULT"
_MAX_ID: Final = 2048
_MAX_PLAINTEXT: Final = 4096
_MAX_CIPHERTEXT: Final = 6144
_REFERRED: Final = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this "
    "region, or you are not allowed to access."
)
_INVISIBLE: Final = (
    "on this resource because the resource does not exist in this Region, no resource-based "
    "policies allow access, or a resource-based policy explicitly denies access"
)
_NOT_THAT: Final = (
    "The key ID in the request does not identify a CMK that can perform this operation."
)


@dataclass(slots=True)
class KeyManagement:
    """The service of one world."""

    kms: Kms

    def encrypt(self, call: Call) -> dict[str, Any]:
        """Answer Encrypt."""
        plaintext = _blob(call, "Plaintext", _MAX_PLAINTEXT)
        context = _encryption_context(call)
        key = self._named(call, "Encrypt", _key_id(call), context)
        _demand_usable(key)
        return {
            "CiphertextBlob": base64.b64encode(key.seal(plaintext, context)).decode(),
            "KeyId": key.arn,
            "EncryptionAlgorithm": _ALGORITHM,
        }

    def decrypt(self, call: Call) -> dict[str, Any]:
        """Answer Decrypt; without a KeyId the ciphertext says which key it is."""
        ciphertext = _blob(call, "CiphertextBlob", _MAX_CIPHERTEXT)
        context = _encryption_context(call)
        given = call.parameters.get("KeyId")
        made_by = key_of(ciphertext)
        if given is not None:
            key = self._named(call, "Decrypt", _key_id(call), context)
        else:
            key = self._referred(call, made_by, context)
        _demand_usable(key)
        if not made_by:
            raise AwsError(INVALID_CIPHERTEXT, "")
        if made_by != key.arn:
            raise AwsError(INCORRECT_KEY, _NOT_THAT)
        plaintext = key.open(ciphertext, context)
        if plaintext is None:
            raise AwsError(INVALID_CIPHERTEXT, "")
        return {
            "Plaintext": base64.b64encode(plaintext).decode(),
            "KeyId": key.arn,
            "EncryptionAlgorithm": _ALGORITHM,
        }

    def _named(self, call: Call, action: str, asked: str, context: dict[str, str]) -> Key:
        """Find and permit the key of a request: its id, an alias, or the ARN of either."""
        arn = self._arn(call, asked)
        call.resources.append(arn)
        if arn.split(":")[3] != call.region:
            msg = f"Invalid arn {call.region}"
            raise AwsError(NOT_FOUND_KMS, msg)
        key = self.kms.aliases.get(arn) or self.kms.keys.get(arn)
        mine = arn.split(":")[4] == call.principal.account
        if key is None and mine:
            kind = "Alias" if ":alias/" in arn else "Key"
            msg = (
                f"{kind} '{arn}' does not exist" if kind == "Key" else f"{kind} {arn} is not found."
            )
            raise AwsError(NOT_FOUND_KMS, msg)
        if key is None or (not mine and not self._may(call, action, key, context)):
            who = call.principal.arn
            msg = f"User: {who} is not authorized to perform: kms:{action} {_INVISIBLE}"
            raise AwsError(ACCESS_DENIED_JSON, msg)
        demand(call, access(action, key, call, context, _AS_ASKED))
        return key

    def _arn(self, call: Call, asked: str) -> str:
        if asked.startswith("arn:") and asked.count(":") == 5:
            return asked
        place = f"arn:{self.kms.partition}:kms:{call.region}:{call.principal.account}"
        return f"{place}:{asked}" if asked.startswith("alias/") else f"{place}:key/{asked}"

    def _referred(self, call: Call, arn: str, context: dict[str, str]) -> Key:
        if not arn:
            raise AwsError(INVALID_CIPHERTEXT, "")
        call.resources.append(arn)
        key = self.kms.keys.get(arn)
        known = key is not None and key.region == call.region
        if key is None or not known or not self._may(call, "Decrypt", key, context):
            raise AwsError(ACCESS_DENIED_JSON, _REFERRED)
        return key

    @staticmethod
    def _may(call: Call, action: str, key: Key, context: dict[str, str]) -> bool:
        return judge(call, access(action, key, call, context, _AS_ASKED)).allowed


_AS_ASKED: Final = {"kms:encryptionalgorithm": (_ALGORITHM,)}


def _demand_usable(key: Key) -> None:
    if key.pending_deletion:
        msg = f"{key.arn} is pending deletion."
        raise AwsError(INVALID_STATE, msg)
    if not key.enabled:
        msg = f"{key.arn} is disabled."
        raise AwsError(DISABLED, msg)


def _key_id(call: Call) -> str:
    given = call.parameters.get("KeyId")
    if not isinstance(given, str) or not 1 <= len(given) <= _MAX_ID:
        raise json_constraint(field="keyId", rule="have length between 1 and 2048")
    algorithm = call.parameters.get("EncryptionAlgorithm", _ALGORITHM)
    if algorithm != _ALGORITHM:
        msg = f"{algorithm} is not valid for a symmetric key."
        raise AwsError(INVALID_ALGORITHM, msg)
    return given


def _blob(call: Call, name: str, largest: int) -> bytes:
    given = call.parameters.get(name)
    field = name[0].lower() + name[1:]
    if given is None:
        raise json_constraint(field=field, rule="not be null")
    try:
        data = base64.b64decode(given, validate=True)
    except (binascii.Error, TypeError, ValueError):
        msg = f"{name} is no base64"
        raise AwsError(SERIALIZATION, msg) from None
    if not 1 <= len(data) <= largest:
        raise json_constraint(field=field, rule=f"have length between 1 and {largest}")
    return data


def _encryption_context(call: Call) -> dict[str, str]:
    given = call.parameters.get("EncryptionContext") or {}
    pairs = given.items() if isinstance(given, dict) else [(None, None)]
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        msg = "EncryptionContext is no map of strings"
        raise AwsError(SERIALIZATION, msg)
    for name, value in given.items():
        call.detail[f"context.{name}"] = value
    return dict(given)
