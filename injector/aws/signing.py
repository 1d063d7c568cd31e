"""
Signs GetCallerIdentity without sending it: whoever gets it can ask AWS who signed.

Vault's `aws` method wants such a request
(https://developer.hashicorp.com/vault/docs/auth/aws#iam-auth-method).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from injector.aws import endpoints
from injector.aws.sdk import DATA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.identity.interface import Credentials

BODY: Final = "Action=GetCallerIdentity&Version=2011-06-15"
_CONTENT_TYPE: Final = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a request would go: its host is part of what is signed."""

    url: str
    region: str


GLOBAL: Final = Endpoint("https://sts.amazonaws.com/", "us-east-1")
"""The endpoint without a region, and the one in whose name it wants requests signed."""


def regional(region: str) -> Endpoint:
    """
    The public endpoint of a region, which Vault asks from where it runs.

    An endpoint of the operator's is the pods' way to STS, not Vault's.
    """
    return Endpoint(f"{endpoints.guess(DATA, 'sts', region)}/", region)


def caller_identity(
    credentials: Credentials, place: Endpoint, headers: Mapping[str, str]
) -> dict[str, list[str]]:
    """
    Sign GetCallerIdentity at this moment.

    Args:
        credentials: of an AWS session.
        place: where it would go.
        headers: to sign in addition.

    Returns:
        Every header that must be sent, signature included; names to values.
    """
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - only AWS pays for botocore
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - only AWS pays for botocore
    from botocore.credentials import Credentials as Keys  # noqa: PLC0415 - only AWS pays for botocore

    request: Any = AWSRequest(
        method="POST",
        url=place.url,
        data=BODY,
        headers={"Content-Type": _CONTENT_TYPE, "Content-Length": str(len(BODY)), **headers},
    )
    keys = Keys(
        credentials.access_key_id,
        credentials.secret_access_key.reveal().decode(),
        credentials.token.reveal().decode() or None,
    )
    SigV4Auth(keys, "sts", place.region).add_auth(request)
    host = place.url.partition("://")[2].partition("/")[0]
    signed = {name: [str(value)] for name, value in request.headers.items()}
    return {"Host": [host], **signed}
