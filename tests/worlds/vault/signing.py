"""The aws method as a client uses it: botocore signs, a test may alter what it sends."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.worlds.aws.wire import CALLER_IDENTITY, Ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws.credentials import AccessKey

SERVER_ID = "X-Vault-AWS-IAM-Server-ID"
REGION = "eu-west-1"


def encoded(data: bytes | str) -> str:
    """Write base64."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


@dataclass(frozen=True, slots=True)
class Login:
    """The fields of one login."""

    key: AccessKey
    role: str = "web"
    region: str = REGION
    """Of the signature."""
    host: str = "sts.eu-west-1.amazonaws.com"
    server_id: str = "vault.acme.io"
    """A signed header; empty for none."""
    late: Mapping[str, str] = field(default_factory=dict)
    """Headers that are put in after signing."""
    altered: Mapping[str, Any] = field(default_factory=dict)
    """Fields in the place of the right ones; none takes one away."""

    def fields(self) -> dict[str, Any]:
        """Sign, and write what Vault takes."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        if self.server_id:
            headers[SERVER_ID] = self.server_id
        url = f"https://{self.host}/"
        signed = Ask("POST", url, CALLER_IDENTITY, headers).signed(self.key, "sts", self.region)
        given = {name: [value] for name, value in {**signed.headers, **self.late}.items()}
        fields = {
            "role": self.role,
            "iam_http_request_method": "POST",
            "iam_request_url": encoded(url),
            "iam_request_body": encoded(CALLER_IDENTITY),
            "iam_request_headers": encoded(json.dumps(given)),
            **self.altered,
        }
        return {name: value for name, value in fields.items() if value is not None}
