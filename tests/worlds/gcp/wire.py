"""Requests to the Google Cloud world as bytes and headers."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from worlds.gcp.sts import ACCESS_TOKEN, EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp import GcpWorld, Provider

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
IAM = "https://www.googleapis.com/auth/iam"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESSOR = "roles/secretmanager.secretAccessor"
USER = "roles/iam.workloadIdentityUser"
CREATOR = "roles/iam.serviceAccountTokenCreator"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        """The JSON of it."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def refusal(self) -> tuple[int, str, str]:
        """HTTP status, code and message of either form of error."""
        error = self.content["error"]
        if isinstance(error, str):
            return self.status, error, self.content["error_description"]
        assert error["code"] == self.status
        return self.status, error["status"], error["message"]

    @property
    def reasons(self) -> list[str]:
        """The ErrorInfo reasons of it."""
        return [one["reason"] for one in self.content["error"]["details"] if "reason" in one]


def send(  # noqa: PLR0913 - a request has that many parts
    world: GcpWorld,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    service: str = "sts",
) -> Answer:
    """Send a request as it is; `Host` is added when it is not there."""
    parts = urlsplit(world.endpoints[service])
    context = ssl.create_default_context(cadata=world.ca_pem)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=5, context=context)
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=5)
    )
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def post_form(world: GcpWorld, path: str, fields: Mapping[str, str]) -> Answer:
    """Send a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return send(world, "POST", path, urlencode(fields).encode(), headers=headers)


def exchange(world: GcpWorld, provider: Provider, token: str, **fields: str) -> Answer:
    """Ask the token service about a subject token."""
    form = {
        "grant_type": EXCHANGE,
        "audience": provider.audience,
        "scope": CLOUD,
        "requested_token_type": ACCESS_TOKEN,
        "subject_token_type": JWT,
        "subject_token": token,
    }
    return post_form(world, "/v1/token", {**form, **fields})


def bearing(token: str, **headers: str) -> dict[str, str]:
    """Make the headers of a caller; further names have `_` for `-`."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Authorization": f"Bearer {token}", **more}


def access(world: GcpWorld, token: str, name: str, **headers: str) -> Answer:
    """Ask for a version of a secret by its resource's name."""
    return send(world, "GET", f"/v1/{name}:access", headers=bearing(token, **headers))


def post(world: GcpWorld, token: str, name: str, content: object) -> Answer:
    """Send JSON to a resource's method, such as `projects/…/cryptoKeys/db:decrypt`."""
    headers = bearing(token, Content_Type="application/json")
    return send(world, "POST", f"/v1/{name}", json.dumps(content).encode(), headers=headers)


def impersonate(world: GcpWorld, token: str, account: str, **fields: object) -> Answer:
    """Ask for a token of a service account."""
    name = f"projects/-/serviceAccounts/{account}:generateAccessToken"
    return post(world, token, name, {"scope": [CLOUD], **fields})


def metadata(world: GcpWorld, path: str, **headers: str) -> Answer:
    """Ask the metadata server; further headers' names have `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Metadata-Flavor": "Google", **named}
    return send(world, "GET", path, headers=given, service="metadata")
