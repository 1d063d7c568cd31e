"""
What a client of the aws method sends, and what Vault refuses before it asks AWS.

Order and words are those of Vault's `auth/aws` (path_login.go, as openbao-plugins keeps it).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVER_ID: Final = "X-Vault-AWS-IAM-Server-ID"
_NEEDED: Final = (
    "iam_http_request_method",
    "iam_request_url",
    "iam_request_body",
    "iam_request_headers",
)
_ALLOWED: Final = frozenset(
    f"x-amz-{name}"
    for name in (
        "algorithm",
        "content-sha256",
        "credential",
        "date",
        "security-token",
        "signature",
        "signedheaders",
        "user-agent",
    )
)
_SIGNED_HEADERS: Final = re.compile(r"SignedHeaders=([^,]+)")
_SCOPE: Final = re.compile(r"Credential=[^/, ]+/[0-9]{8}/([a-z0-9-]+)/sts/aws4_request")


class LoginRefusedError(Exception):
    """A login that Vault answers 400; the text is Vault's."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What `auth/aws/config/client` has."""

    iam_server_id_header_value: str = ""
    sts_endpoint: str = ""
    sts_region: str = ""
    use_sts_region_from_client: bool = False
    allowed_sts_header_values: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ClientConfig:
        """Read what was written; a list may be a text with commas."""
        allowed = content.get("allowed_sts_header_values") or ()
        listed = allowed.split(",") if isinstance(allowed, str) else allowed
        from_client = content.get("use_sts_region_from_client", False)
        return cls(
            str(content.get("iam_server_id_header_value", "")),
            str(content.get("sts_endpoint", "")),
            str(content.get("sts_region", "")),
            str(from_client).lower() == "true",
            tuple(one.strip().lower() for one in listed),
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed request to STS, on its way through Vault."""

    role: str
    host: str
    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""

    @property
    def region(self) -> str:
        """Of the signature; empty when it has none."""
        found = _SCOPE.search(self.headers.get("authorization", ""))
        return found.group(1) if found else ""


def parse(content: Mapping[str, Any]) -> Attempt:
    """
    Read the fields of a login.

    Raises:
        LoginRefusedError: for what is not there, not decodable or not a GetCallerIdentity.
    """
    if any(name not in content for name in _NEEDED):
        _refuse("didn't supply required authentication values")
    method = content["iam_http_request_method"]
    if not method:
        _refuse("missing iam_http_request_method")
    if method != "POST":
        _refuse("invalid iam_http_request_method; currently only 'POST' is supported")
    url = urlsplit(_decoded(content, "iam_request_url").decode("utf-8", "replace"))
    if url.query:
        _refuse("invalid request")
    body = _decoded(content, "iam_request_body")
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        if name != "Version" and (name, value) != ("Action", "GetCallerIdentity"):
            _refuse("iam request body is invalid")
    headers = _headers(content["iam_request_headers"])
    if not headers:
        _refuse("missing iam_request_headers")
    return Attempt(str(content.get("role", "")), url.netloc, url.path or "/", body, headers)


def check(attempt: Attempt, config: ClientConfig) -> None:
    """
    Check the headers against the method's configuration.

    Raises:
        LoginRefusedError: for a server id that is not there, another, or not signed, and for
            headers of AWS that are not permitted.
    """
    wanted = config.iam_server_id_header_value
    if wanted:
        trouble = _server_id(attempt.headers, wanted)
        if trouble:
            _refuse(f"error validating {SERVER_ID} header: {trouble}")
    for name in attempt.headers:
        allowed = name in _ALLOWED or name in config.allowed_sts_header_values
        if name.startswith("x-amz-") and not allowed:
            _refuse(f"invalid request header: {name.title()}")
    if config.use_sts_region_from_client and not attempt.region:
        _refuse("region missing from Authorization header")


def _server_id(headers: Mapping[str, str], wanted: str) -> str:
    given = headers.get(SERVER_ID.lower(), "")
    if not given:
        return f'missing header "{SERVER_ID}"'
    if given != wanted:
        return f'expected "{wanted}" but got "{given}"'
    if "authorization" not in headers:
        return "missing Authorization header"
    signed = _SIGNED_HEADERS.search(headers["authorization"])
    if signed is None or SERVER_ID.lower() not in signed.group(1).split(";"):
        return "vault header wasn't signed"
    return ""


def _decoded(content: Mapping[str, Any], name: str) -> bytes:
    if not content[name]:
        _refuse(f"missing {name}")
    try:
        return base64.b64decode(str(content[name]), validate=True)
    except (binascii.Error, ValueError):
        _refuse(f"failed to base64 decode {name}")


def _headers(given: Any) -> dict[str, str]:  # noqa: ANN401 - text or object
    """Read headers: an object, or one as JSON in base64; each value is a text or a list."""
    if isinstance(given, str):
        try:
            given = json.loads(base64.b64decode(given, validate=True))
        except ValueError:
            given = {}
    if not isinstance(given, dict):
        return {}
    return {
        str(name).lower(): ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in given.items()
    }


def _refuse(text: str) -> NoReturn:
    raise LoginRefusedError(text)
