"""A request on its way to OpenBao: what it is called here, and how it is sent on unchanged."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from worlds.server import Request, Response

_SECONDS: Final = 90.0
_OF_A_CONNECTION: Final = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
}
_ACTIONS: Final = {"GET": "Read", "LIST": "List", "DELETE": "Delete"}
_KNOWN: Final = (
    (re.compile(r"(.*/)?auth/(?P<mount>.+)/login"), "Login"),
    (re.compile(r"(.*/)?auth/(?P<mount>token)/renew(-self)?"), "RenewToken"),
    (re.compile(r"(.*/)?auth/(?P<mount>token)/revoke-self"), "RevokeToken"),
    (re.compile(r"(.*/)?(?P<mount>sys)/leases/renew"), "RenewLease"),
    (re.compile(r"(.*/)?(?P<mount>sys)/leases/revoke"), "RevokeLease"),
    (re.compile(r"(.*/)?(?P<mount>sys)/internal/ui/mounts/.*"), "Mounts"),
)


@dataclass(frozen=True, slots=True)
class Named:
    """What a request is called in the journal and in orders of faults."""

    mount: str
    """First segment of the path; of a login, the mount below `auth/`."""
    action: str


def name(request: Request) -> Named:
    """Name a request."""
    path = below_v1(request)
    for pattern, action in _KNOWN:
        found = pattern.fullmatch(path)
        if found is not None:
            return Named(found["mount"], action)
    listing = request.method == "GET" and "list=true" in request.query
    action = "List" if listing else _ACTIONS.get(request.method, "Write")
    return Named(path.partition("/")[0], action)


def below_v1(request: Request) -> str:
    """Give the path below `/v1/`."""
    return request.path.removeprefix("/v1/").rstrip("/")


def namespace(request: Request) -> str:
    """Give the namespace that the header says, without slashes at its ends."""
    return request.headers.get("x-vault-namespace", "").strip("/")


def content(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object; an empty one when it is none."""
    try:
        found = json.loads(request.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def rewritten(request: Request, document: dict[str, Any], path: str = "") -> Request:
    """Make the same request with another body, and perhaps for another path below `/v1/`."""
    body = json.dumps(document).encode()
    return replace(request, body=body, path=f"/v1/{path}" if path else request.path)


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one server."""

    address: str
    ca_pem: str

    def is_sealed(self) -> bool:
        """Whether the server is sealed."""
        status = self.send(Request("GET", "/v1/sys/seal-status", "", {}, b"", 0))
        return bool(json.loads(status.body)["sealed"])

    def send(self, request: Request) -> Response:
        """Send a request on, and bring its answer back."""
        context = ssl.create_default_context(cadata=self.ca_pem)
        place = urlsplit(self.address).netloc
        connection = http.client.HTTPSConnection(place, timeout=_SECONDS, context=context)
        target = request.path + (f"?{request.query}" if request.query else "")
        headers = {k: v for k, v in request.headers.items() if k not in _OF_A_CONNECTION}
        try:
            connection.request(request.method, target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in _OF_A_CONNECTION}
        return Response(answer.status, body, kept)


def answered(status: int, document: dict[str, Any] | None = None) -> Response:
    """Answer in JSON, or with nothing."""
    if document is None:
        return Response(status)
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def refused(text: str, status: int = 400) -> Response:
    """Answer an error as Vault does."""
    return answered(status, {"errors": [text]})
