"""From bytes to calls and back: which service and action a request is for, and how answers look."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from worlds.gcp.errors import NO_ROUTE, GcpError, invalid
from worlds.server import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.server import Request

HOSTS: Final = {
    "sts.googleapis.com": "sts",
    "securetoken.googleapis.com": "sts",
    "iamcredentials.googleapis.com": "iamcredentials",
    "secretmanager.googleapis.com": "secretmanager",
    "cloudkms.googleapis.com": "cloudkms",
    "oauth2.googleapis.com": "oauth2",
}
"""The real names, which serve their own service alone."""
GLOBAL: Final = "global"
_REGIONAL: Final = re.compile(r"secretmanager\.([a-z0-9-]+)\.rep\.googleapis\.com")
_JSON: Final = {"Content-Type": "application/json; charset=UTF-8"}
_VERSION: Final = (
    r"/v1/projects/(?P<project>[^/]+)(?:/locations/(?P<location>[^/]+))?"
    r"/secrets/(?P<secret>[^/]+)/versions/(?P<version>[^/:]+)"
)
_KEY: Final = (
    r"/v1/(?P<key>projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/keyRings/[^/]+"
    r"/cryptoKeys/[^/:]+)(?:/cryptoKeyVersions/(?P<version>[0-9]+))?"
)
_ACCOUNT: Final = r"/v1/projects/(?P<project>[^/]+)/serviceAccounts/(?P<account>[^/:]+)"
_ROUTES: Final = tuple(
    (method, service, action, re.compile(pattern))
    for method, service, action, pattern in (
        ("POST", "sts", "ExchangeToken", r"/v1/(?:token|identitybindingtoken)"),
        ("POST", "oauth2", "Token", r"/token"),
        ("POST", "iamcredentials", "GenerateAccessToken", f"{_ACCOUNT}:generateAccessToken"),
        ("GET", "secretmanager", "AccessSecretVersion", f"{_VERSION}:access"),
        ("GET", "secretmanager", "GetSecretVersion", _VERSION),
        ("POST", "cloudkms", "Encrypt", f"{_KEY}:encrypt"),
        ("POST", "cloudkms", "Decrypt", f"{_KEY}:decrypt"),
    )
)
_OAUTH: Final = frozenset({"sts", "oauth2"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which call a request is; without an action when there is none such."""

    service: str
    action: str = ""
    region: str = GLOBAL
    names: Mapping[str, str] = field(default_factory=dict)
    """Parts of the path."""


def identify(request: Request) -> Asked:
    """Tell service, action and location, by the host where it is a real one, and by the path."""
    host = request.headers.get("host", "").partition(":")[0].lower()
    regional = _REGIONAL.fullmatch(host)
    served = "secretmanager" if regional else HOSTS.get(host, "")
    path = unquote(request.path)
    for method, service, action, pattern in _ROUTES:
        found = pattern.fullmatch(path)
        if found is None or method != request.method or served not in {"", service}:
            continue
        names = {key: value for key, value in found.groupdict().items() if value is not None}
        place = names.get("location", GLOBAL)
        if service == "secretmanager" and served and place != _place(regional):
            break
        return Asked(service, action, place, names)
    return Asked(served or "unknown", region=_place(regional))


def _place(regional: re.Match[str] | None) -> str:
    return regional.group(1) if regional else GLOBAL


def body_of(request: Request) -> dict[str, Any]:
    """
    Read a JSON object.

    Raises:
        GcpError: INVALID_ARGUMENT.
    """
    try:
        found = json.loads(request.body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = "Invalid JSON payload received."
        raise invalid(msg)
    return found


def bytes_of(given: Mapping[str, Any], name: str) -> bytes:
    """
    Read a field of bytes: base64 of either alphabet, with or without padding.

    Raises:
        GcpError: INVALID_ARGUMENT.
    """
    text = str(given.get(name, "")).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        msg = f"Invalid value at '{name}' (TYPE_BYTES), Base64 decoding failed."
        raise invalid(msg) from None


def base64_of(data: bytes) -> str:
    """Write a field of bytes."""
    return base64.b64encode(data).decode()


def success(result: Mapping[str, Any]) -> Response:
    """Encode a result."""
    return Response(200, json.dumps(result).encode(), _JSON)


def failure(service: str, error: GcpError) -> Response:
    """Encode an error in the service's protocol."""
    if error.code == NO_ROUTE:
        headers = {"Content-Type": "text/html; charset=UTF-8"}
        return Response(404, f"<!DOCTYPE html>\n<title>{error}</title>\n".encode(), headers)
    headers = {**_JSON, **error.headers}
    if service in _OAUTH:
        short = {"error": error.code, "error_description": error.message}
        return Response(error.status, json.dumps(short).encode(), headers)
    content: dict[str, Any] = {
        "code": error.status,
        "message": error.message,
        "status": error.code,
    }
    if error.details:
        content["details"] = list(error.details)
    return Response(error.status, json.dumps({"error": content}).encode(), headers)
