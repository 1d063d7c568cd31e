"""Requests to the AWS world as bytes and headers: botocore signs them, a test may alter them."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.worlds.aws.cloud import REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.aws import AwsWorld
    from worlds.aws.credentials import AccessKey

CALLER_IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, signed or not."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def having(self, **headers: str) -> Ask:
        """Set headers, whose names have `_` for `-`."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})

    def lacking(self, header: str) -> Ask:
        """Leave a header out."""
        kept = {name: value for name, value in self.headers.items() if name.lower() != header}
        return replace(self, headers=kept)

    def authorized(self, old: str, new: str) -> Ask:
        """Put something else into the Authorization header."""
        value = self.headers["Authorization"]
        assert old in value
        return self.having(authorization=value.replace(old, new))

    def signed(self, key: AccessKey, service: str, region: str = REGION) -> Ask:
        """Sign it as botocore does."""
        request = AWSRequest(self.method, self.url, dict(self.headers), self.body)
        request.headers["Host"] = urlsplit(self.url).netloc
        credentials = Credentials(key.id, key.secret, key.token or None)
        SigV4Auth(credentials, service, region).add_auth(request)
        return replace(self, headers={name: str(value) for name, value in request.headers.items()})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error code, of either protocol; empty when there is none."""
        if self.body.startswith(b"<"):
            found = ET.fromstring(self.body).findtext(".//{*}Code")  # noqa: S314 - our own world's
            return found or ""
        return str(json.loads(self.body).get("__type", ""))

    @property
    def message(self) -> str:
        """The error's text."""
        if self.body.startswith(b"<"):
            found = ET.fromstring(self.body).findtext(".//{*}Message")  # noqa: S314 - our own world's
            return found or ""
        return str(json.loads(self.body).get("message", ""))


def to_sts(world: AwsWorld, body: bytes = CALLER_IDENTITY, *, region: str = "") -> Ask:
    """Make an unsigned request to STS."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Ask("POST", world.endpoint("sts", region) + "/", body, headers)


def to_json(world: AwsWorld, target: str, content: Any, *, region: str = "") -> Ask:  # noqa: ANN401
    """Make an unsigned request to one of the JSON services."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    url = world.endpoint("secretsmanager", region) + "/"
    return Ask("POST", url, json.dumps(content).encode(), headers)


def send(world: AwsWorld, ask: Ask, *, patience: float = 5) -> Answer:
    """Send it as it is; `Host` is added when it is not there. `patience` is in seconds."""
    parts = urlsplit(ask.url)
    context = ssl.create_default_context(cadata=world.ca_pem)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=patience, context=context)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(ask.method, target, ask.body, dict(ask.headers))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
