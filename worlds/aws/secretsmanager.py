"""
Secrets Manager: GetSecretValue, BatchGetSecretValue, DescribeSecret.

Permission is asked before existence, so that nothing is given away. Between accounts both sides
must allow, the full ARN is needed, batches do not reach, and the managed key does not decrypt.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.aws.calls import Access, demand
from worlds.aws.errors import (
    ACCESS_DENIED_JSON,
    DECRYPTION_FAILURE,
    INVALID_PARAMETER,
    INVALID_REQUEST,
    NOT_FOUND,
    AwsError,
    json_constraint,
)
from worlds.aws.kms import may_decrypt
from worlds.aws.secrets_kept import CURRENT

if TYPE_CHECKING:
    from worlds.aws.calls import Call
    from worlds.aws.secrets_kept import Secret, Secrets, Version

_BATCH: Final = 20
_WITHOUT_IDS: Final = frozenset(("Filters", "MaxResults", "NextToken"))
_MAX_ID: Final = 2048
_VERSION_ID: Final = range(32, 65)  # characters
_DELETED: Final = (
    "You can't perform this operation on the secret because it was marked for deletion."
)
_DEFAULT_KEY: Final = (
    "You can't access a secret from a different AWS account if you encrypt the secret with the "
    "default KMS service key."
)


@dataclass(slots=True)
class SecretsManager:
    """The service of one world."""

    secrets: Secrets
    partition: str = "aws"

    def get_secret_value(self, call: Call) -> dict[str, Any]:
        """Answer GetSecretValue."""
        secret_id = _secret_id(call.parameters.get("SecretId"))
        call.resources.append(secret_id)
        version_id = call.parameters.get("VersionId", "")
        stage = call.parameters.get("VersionStage", "")
        if "VersionId" in call.parameters and len(version_id) not in _VERSION_ID:
            raise json_constraint(field="versionId", rule="have length between 32 and 64")
        secret = self._permitted(call, "GetSecretValue", secret_id, stages=(version_id, stage))
        version = _version(secret, version_id, stage)
        return _value(call, secret, version)

    def describe_secret(self, call: Call) -> dict[str, Any]:
        """Answer DescribeSecret."""
        secret_id = _secret_id(call.parameters.get("SecretId"))
        call.resources.append(secret_id)
        secret = self._permitted(call, "DescribeSecret", secret_id)
        shared = secret.shared
        described: dict[str, Any] = {
            "ARN": secret.arn,
            "Name": secret.name,
            "CreatedDate": secret.created,
            "LastChangedDate": max((v.created for v in shared.versions.values()), default=0.0),
            "Tags": [{"Key": key, "Value": value} for key, value in shared.tags.items()],
            "VersionIdsToStages": {
                v.id: sorted(v.stages) for v in shared.versions.values() if v.stages
            },
        }
        if secret.customer_key:
            described["KmsKeyId"] = secret.key.arn
        if secret.deleted is not None:
            described["DeletedDate"] = secret.deleted
        others = self.secrets.replicas(secret)
        if others:
            described["PrimaryRegion"] = shared.primary_region
        if others and secret.region == shared.primary_region:
            described["ReplicationStatus"] = [
                {"Region": one.region, "Status": "InSync"} for one in others
            ]
        return described

    def batch_get_secret_value(self, call: Call) -> dict[str, Any]:
        """Answer BatchGetSecretValue for a list of ids; filters are not in this world."""
        ids = call.parameters.get("SecretIdList")
        if not isinstance(ids, list) or not ids or _WITHOUT_IDS & set(call.parameters):
            msg = "Give SecretIdList alone: what goes with Filters is not in this world."
            raise AwsError(INVALID_PARAMETER, msg)
        if len(ids) > _BATCH:
            raise json_constraint(field="secretIdList", rule="have length less than or equal to 20")
        call.resources.extend(ids)
        account = call.principal.account
        demand(call, Access("secretsmanager:BatchGetSecretValue", "*", account))
        values: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for one in dict.fromkeys(_secret_id(one) for one in ids):
            try:
                values.append(self._batched(call, one))
                call.items.append((one, "ok"))
            except AwsError as exc:
                errors.append({"SecretId": one, "ErrorCode": exc.code, "Message": exc.message})
                call.items.append((one, exc.code))
        values.reverse()  # the order of a reply is not the order of its request
        return {"SecretValues": values, "Errors": errors}

    def _batched(self, call: Call, secret_id: str) -> dict[str, Any]:
        parts = secret_id.split(":")
        if secret_id.startswith("arn:") and parts[4] != call.principal.account:
            msg = "Access to a secret of another account is not supported in a batch."
            raise AwsError(ACCESS_DENIED_JSON, msg)
        secret = self._permitted(call, "GetSecretValue", secret_id, stages=("", ""))
        return _value(call, secret, _version(secret, "", ""))

    def _permitted(
        self, call: Call, action: str, secret_id: str, *, stages: tuple[str, str] | None = None
    ) -> Secret:
        secret = self._find(call, secret_id)
        full = f"secretsmanager:{action}"
        context: dict[str, tuple[str, ...]] = {
            "secretsmanager:secretid": (secret_id if secret is None else secret.arn,)
        }
        if stages is not None:
            context |= _stage_context(*stages)
        if secret is None:
            arn, account = self._guess(call, secret_id)
            demand(call, Access(full, arn, account, context), shown=secret_id)
            msg = "Secrets Manager can't find the specified secret."
            raise AwsError(NOT_FOUND, msg)
        for key, value in secret.shared.tags.items():
            context[f"aws:resourcetag/{key.lower()}"] = (value,)
            context[f"secretsmanager:resourcetag/{key.lower()}"] = (value,)
        access = Access(full, secret.arn, secret.account, context, secret.shared.policy)
        demand(call, access, shown=secret_id)
        return secret

    def _find(self, call: Call, secret_id: str) -> Secret | None:
        account = call.principal.account
        if not secret_id.startswith("arn:"):
            return self.secrets.named(secret_id, account, call.region)
        mine = secret_id.split(":")[4:5] == [account]
        secret = self.secrets.by_arn(secret_id, partial=mine)
        return secret if secret is not None and secret.region == call.region else None

    def _guess(self, call: Call, secret_id: str) -> tuple[str, str]:
        """Give the ARN and account under which an unknown secret is judged."""
        if secret_id.startswith("arn:") and secret_id.count(":") >= 6:
            return secret_id, secret_id.split(":")[4]
        account = call.principal.account
        base = f"arn:{self.partition}:secretsmanager:{call.region}:{account}:secret:"
        return base + secret_id, account


def _secret_id(given: object) -> str:
    if not isinstance(given, str) or not 1 <= len(given) <= _MAX_ID:
        raise json_constraint(field="secretId", rule="have length between 1 and 2048")
    return given


def _stage_context(version_id: str, stage: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if version_id:
        found["secretsmanager:versionid"] = (version_id,)
    if stage or not version_id:
        found["secretsmanager:versionstage"] = (stage or CURRENT,)
    return found


def _version(secret: Secret, version_id: str, stage: str) -> Version:
    if secret.deleted is not None:
        raise AwsError(INVALID_REQUEST, _DELETED)
    if version_id:
        version = secret.shared.versions.get(version_id)
        if version is None:
            msg = (
                f"Secrets Manager can't find the specified secret value for VersionId: {version_id}"
            )
            raise AwsError(NOT_FOUND, msg)
        if stage and stage not in version.stages:
            msg = "You provided a VersionStage that is not associated to the provided VersionId."
            raise AwsError(INVALID_REQUEST, msg)
        return version
    wanted = stage or CURRENT
    version = secret.at(wanted)
    if version is None:
        msg = f"Secrets Manager can't find the specified secret value for staging label: {wanted}"
        raise AwsError(NOT_FOUND, msg)
    return version


def _value(call: Call, secret: Secret, version: Version) -> dict[str, Any]:
    _decrypt(call, secret, version)
    value = version.value
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        "VersionStages": sorted(version.stages),
        "CreatedDate": version.created,
        **(
            {"SecretString": value}
            if isinstance(value, str)
            else {"SecretBinary": base64.b64encode(value).decode()}
        ),
    }


def _decrypt(call: Call, secret: Secret, version: Version) -> None:
    if not secret.customer_key and secret.account != call.principal.account:
        raise AwsError(INVALID_REQUEST, _DEFAULT_KEY)
    context = {"SecretARN": secret.arn, "SecretVersionId": version.id}
    if not may_decrypt(call, secret.key, context).allowed:
        msg = "Access to KMS is not allowed"
        raise AwsError(ACCESS_DENIED_JSON, msg)
    if not secret.key.enabled:
        msg = "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
        raise AwsError(DECRYPTION_FAILURE, msg)
