"""Refusals as Google's APIs word and number them: google.rpc.Status, and OAuth's own JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INVALID_ARGUMENT: Final = "INVALID_ARGUMENT"
FAILED_PRECONDITION: Final = "FAILED_PRECONDITION"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"
PERMISSION_DENIED: Final = "PERMISSION_DENIED"
NOT_FOUND: Final = "NOT_FOUND"
NO_ROUTE: Final = "NO_ROUTE"
"""In the journal; on the wire it is a page of HTML, as Google's front end sends it."""

INVALID_REQUEST: Final = "invalid_request"
INVALID_GRANT: Final = "invalid_grant"
INVALID_TARGET: Final = "invalid_target"
INVALID_SCOPE: Final = "invalid_scope"
INVALID_CLIENT: Final = "invalid_client"
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"
UNSUPPORTED_GRANT: Final = "unsupported_grant_type"

_STATUS: Final = {
    INVALID_ARGUMENT: 400,
    FAILED_PRECONDITION: 400,
    UNAUTHENTICATED: 401,
    PERMISSION_DENIED: 403,
    NOT_FOUND: 404,
    NO_ROUTE: 404,
    INVALID_CLIENT: 401,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
_HELP: Final = "type.googleapis.com/google.rpc.Help"
_PRECONDITION: Final = "type.googleapis.com/google.rpc.PreconditionFailure"


class GcpError(Exception):
    """
    A refusal in Google's words.

    Args:
        code: of google.rpc.Code, or OAuth's error.
        message: shown to the client; never holds a secret.
        status: HTTP status; the one that belongs to the code when absent, else 400.
        details: as google.rpc.Status has them.
        headers: of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _STATUS.get(code, 400)
        self.details = tuple(details)
        self.headers = dict(headers or {})


def info(reason: str, domain: str, **metadata: str) -> dict[str, Any]:
    """Make a google.rpc.ErrorInfo."""
    return {"@type": _INFO, "reason": reason, "domain": domain, "metadata": metadata}


def invalid(message: str) -> GcpError:
    """Make the error of an argument that is not taken."""
    return GcpError(INVALID_ARGUMENT, message)


def precondition(message: str, kind: str, subject: str) -> GcpError:
    """Make the error of a thing that is in the wrong state."""
    violation = {"type": kind, "subject": subject, "description": message}
    return GcpError(
        FAILED_PRECONDITION,
        message,
        details=[{"@type": _PRECONDITION, "violations": [violation]}],
    )


def permission_denied(permission: str, resource: str, *, words: str) -> GcpError:
    """
    Make the error of a missing permission.

    Args:
        permission: that is missing.
        resource: on which; empty when the service does not name it.
        words: how the service says it.
    """
    named = {"resource": resource} if resource else {}
    detail = info("IAM_PERMISSION_DENIED", "iam.googleapis.com", permission=permission, **named)
    return GcpError(PERMISSION_DENIED, words, details=[detail])


def service_disabled(service: str, title: str, number: str) -> GcpError:
    """Make the error of an API that a project has not enabled."""
    url = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
    message = (
        f"{title} has not been used in project {number} before or it is disabled. Enable it by "
        f"visiting {url} then retry. If you enabled this API recently, wait a few minutes for the "
        "action to propagate to our systems and retry."
    )
    link = {"description": "Google developers console API activation", "url": url}
    reason = info(
        "SERVICE_DISABLED", "googleapis.com", service=service, consumer=f"projects/{number}"
    )
    return GcpError(PERMISSION_DENIED, message, details=[{"@type": _HELP, "links": [link]}, reason])
