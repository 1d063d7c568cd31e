"""
Azure on the wire: whose host a request is for, what it asks, and how its answer looks.

A request to a true host (`login.microsoftonline.com`, `acme-kv.vault.azure.net`) is for it. At any
other name of the world's listener the first segment of the path names the host
(`https://127.0.0.1:…/acme-kv.vault.azure.net/secrets/db`); without it, `/secrets`, `/keys` and
`/certificates` are of the first vault that was made, and every other path is of the public cloud's
token endpoint.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from worlds.azure.clouds import LOGINS, PUBLIC, of_vault
from worlds.azure.errors import bad_parameter
from worlds.server import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.azure.errors import AzureError
    from worlds.server import Request

LOGIN: Final = "login"
KEYVAULT: Final = "keyvault"
UNKNOWN: Final = "Unknown"
_FORM: Final = "application/x-www-form-urlencoded"
_READS: Final = {"secrets": "GetSecret", "keys": "GetKey", "certificates": "GetCertificate"}
_OBJECT: Final = re.compile(r"/(secrets|keys|certificates)/([^/]+)(?:/([^/]*))?/?")
_OPERATION: Final = re.compile(r"/keys/([^/]+)(?:/([^/]*))?/(decrypt|encrypt)")
_LOGIN_PATHS: Final = {
    "oauth2/v2.0/token": "Token",
    "v2.0/.well-known/openid-configuration": "Discover",
    "discovery/v2.0/keys": "GetKeys",
    "discovery/instance": "DiscoverInstance",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    service: str
    host: str
    action: str
    tenant: str = ""
    """Of a login, as the path says it."""
    name: str = ""
    """Of a vault's object, and its version."""
    version: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    """Of a body in JSON."""


def identify(request: Request, default_vault: str) -> Asked:
    """Tell what a request asks for; a body is read later."""
    host, path = _place(request, default_vault)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if host in LOGINS:
        tenant, _, rest = path.lstrip("/").partition("/")
        action = _LOGIN_PATHS.get(rest, UNKNOWN)
        right = request.method == ("POST" if action == "Token" else "GET")
        return Asked(LOGIN, host, action if right else UNKNOWN, tenant, query=query)
    if request.method == "POST" and (found := _OPERATION.fullmatch(path)):
        name, version, operation = (unquote(part or "") for part in found.groups())
        action = operation.capitalize()
        return Asked(KEYVAULT, host, action, name=name, version=version, query=query)
    if request.method == "GET" and (found := _OBJECT.fullmatch(path)):
        kind, name, version = (unquote(part or "") for part in found.groups())
        return Asked(KEYVAULT, host, _READS[kind], name=name, version=version, query=query)
    return Asked(KEYVAULT, host, UNKNOWN, query=query)


def _place(request: Request, default_vault: str) -> tuple[str, str]:
    host = request.headers.get("host", "").partition(":")[0].lower()
    if _ours(host):
        return host, request.path
    first, _, rest = request.path.lstrip("/").partition("/")
    if _ours(first.lower()):
        return first.lower(), "/" + rest
    return (default_vault if first in _READS else PUBLIC.logins[0]), request.path


def _ours(host: str) -> bool:
    return host in LOGINS or of_vault(host) is not None


def form(request: Request) -> dict[str, str]:
    """Read a form; a body of another type has no parameters."""
    if request.headers.get("content-type", "").partition(";")[0] != _FORM:
        return {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def content(request: Request) -> dict[str, Any]:
    """
    Read a body in JSON.

    Raises:
        AzureError: BadParameter.
    """
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = "Request body not specified"
        raise bad_parameter(msg)
    return found


def success(result: Mapping[str, Any], request_id: str) -> Response:
    """Encode a result."""
    return _json(200, result, {"x-ms-request-id": request_id, "Cache-Control": "no-cache"})


def login_failure(error: AzureError, host: str, now: float, request_id: str) -> Response:
    """Encode Entra's error."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
    correlation = str(uuid.uuid4())
    trace = f"Trace ID: {request_id}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}"
    result = {
        "error": error.error,
        "error_description": f"{error.code}: {error.message}\r\n{trace}",
        "error_codes": [error.number],
        "timestamp": stamp,
        "trace_id": request_id,
        "correlation_id": correlation,
        "error_uri": f"https://{host}/error?code={error.number}",
    }
    return _json(error.status, result, {"x-ms-request-id": request_id})


def vault_failure(error: AzureError, challenge: str, request_id: str) -> Response:
    """Encode Key Vault's error; a 401 goes with the challenge."""
    inner = {"innererror": {"code": error.inner}} if error.inner else {}
    headers = {"x-ms-request-id": request_id, "Cache-Control": "no-cache"}
    if error.status == 401:
        headers["WWW-Authenticate"] = challenge
    shown = {"error": {"code": error.code, "message": error.message, **inner}}
    return _json(error.status, shown, headers)


def _json(status: int, value: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, json.dumps(value).encode(), {**kind, **headers})
