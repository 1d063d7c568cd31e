"""
AWS's two protocols on the wire: which call a request is, and how its answer looks.

STS speaks the query protocol (a form in, XML out), the others JSON 1.1. The region of a signed
request stands in its signature; an unsigned one says it by the host (`sts.eu-west-1.amazonaws.com`)
or by the first segment of the path (`/eu-west-1/`), as the endpoints of a world do. The global
endpoint (`sts.amazonaws.com`) is one of us-east-1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from worlds.aws import sigv4
from worlds.aws.errors import SERIALIZATION, UNKNOWN_OPERATION, AwsError
from worlds.server import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.server import Request

STS_VERSION: Final = "2011-06-15"
_NAMESPACE: Final = f"https://sts.amazonaws.com/doc/{STS_VERSION}/"
_TARGETS: Final = {"secretsmanager": "secretsmanager", "AmazonSSM": "ssm", "TrentService": "kms"}
_REGION_PATH: Final = re.compile(r"/([a-z]{2}(?:-[a-z]+)+-[0-9])(?:/|$)")
_REGION_HOST: Final = re.compile(r"[a-z]+\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com(?:\.cn)?")
_GLOBAL_HOST: Final = "sts.amazonaws.com"
_GLOBAL_REGION: Final = "us-east-1"
_JSON: Final = "application/x-amz-json-1.1"
_JSON_CODES: Final = {
    sigv4.MISSING: "MissingAuthenticationTokenException",
    sigv4.INCOMPLETE: "IncompleteSignatureException",
    sigv4.MISMATCH: "InvalidSignatureException",
    sigv4.UNKNOWN_KEY: "UnrecognizedClientException",
    sigv4.EXPIRED: "ExpiredTokenException",
}
"""What the JSON services call what STS calls by the key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which call a request is."""

    service: str
    action: str
    demanded_region: str
    """The endpoint's region; empty when it serves any."""
    signed_region: str
    """The region of the signature; empty when there is none."""


def identify(request: Request) -> Asked:
    """Tell service, action and region; the service is STS unless a target header says another."""
    target, _, action = request.headers.get("x-amz-target", "").partition(".")
    service = _TARGETS.get(target, "sts")
    if service == "sts":
        form = dict(parse_qsl(request.body.decode("latin-1")))
        action = form.get("Action", "")
    host = request.headers.get("host", "").partition(":")[0]
    found = _REGION_PATH.match(request.path) or _REGION_HOST.fullmatch(host)
    demanded = _GLOBAL_REGION if host == _GLOBAL_HOST else found.group(1) if found else ""
    signed = sigv4.parse(request.headers.get("authorization", ""))
    return Asked(service, action, demanded, signed.region if signed else "")


def parameters(service: str, request: Request) -> dict[str, Any]:
    """
    Read the parameters.

    Raises:
        AwsError: on a body that is not what the protocol says.
    """
    if request.method != "POST":
        msg = "only POST is served"
        raise AwsError(UNKNOWN_OPERATION, msg, status=404)
    if service == "sts":
        return _form(request.body)
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or request.headers.get("content-type") != _JSON:
        msg = "the body is not a JSON object of content type application/x-amz-json-1.1"
        raise AwsError(SERIALIZATION, msg)
    return found


def _form(body: bytes) -> dict[str, Any]:
    """Read a form with its `Tags.member.1.Key` lists."""
    found: dict[str, Any] = {}
    lists: dict[str, dict[int, Any]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        parts = name.split(".")
        if len(parts) < 3 or parts[1] != "member" or not parts[2].isdigit():
            found[name] = value
            continue
        members = lists.setdefault(parts[0], {})
        member = members.setdefault(int(parts[2]), {} if len(parts) > 3 else value)
        if isinstance(member, dict):
            member[parts[-1]] = value
    for name, members in lists.items():
        found[name] = [members[index] for index in sorted(members)]
    return found


def success(asked: Asked, result: Mapping[str, Any], request_id: str) -> Response:
    """Encode a result."""
    if asked.service != "sts":
        return _json_response(200, dict(result), request_id)
    inner = _xml(f"{asked.action}Result", result)
    meta = _xml("ResponseMetadata", {"RequestId": request_id})
    text = f'<{asked.action}Response xmlns="{_NAMESPACE}">{inner}{meta}</{asked.action}Response>'
    return _xml_response(200, text, request_id)


def failure(service: str, error: AwsError, request_id: str) -> Response:
    """Encode an error."""
    if service != "sts":
        content = {"__type": error.code, "message": error.message}
        return _json_response(error.status, content, request_id)
    kind = "Sender" if error.status < 500 else "Receiver"
    inner = _xml("Error", {"Type": kind, "Code": error.code, "Message": error.message})
    text = f'<ErrorResponse xmlns="{_NAMESPACE}">{inner}<RequestId>{request_id}</RequestId>'
    return _xml_response(error.status, f"{text}</ErrorResponse>", request_id)


def signature_error(service: str, error: sigv4.SignatureError) -> AwsError:
    """Say in a service's own words what is wrong with a signature."""
    if service == "sts":
        status = 400 if error.kind == sigv4.INCOMPLETE else 403
        return AwsError(error.kind, str(error), status=status)
    return AwsError(_JSON_CODES[error.kind], str(error))


def _json_response(status: int, content: dict[str, Any], request_id: str) -> Response:
    headers = {"Content-Type": _JSON, "x-amzn-RequestId": request_id}
    return Response(status, json.dumps(content).encode(), headers)


def _xml_response(status: int, text: str, request_id: str) -> Response:
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return Response(status, text.encode(), headers)


def _xml(name: str, value: object) -> str:
    if isinstance(value, dict):
        inner = "".join(_xml(key, one) for key, one in value.items())
    else:
        inner = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}>{inner}</{name}>"
