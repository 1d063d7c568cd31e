"""
Vault's errors as ours: reason, step and what to change.

Vault answers a status and texts, which may repeat what was sent: none of them passes through. They
are looked at for marks that Vault's and OpenBao's sources write, and each mark has our words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.vault import remedies

LOGIN: Final = "login"
DECRYPT: Final = "decrypt"
MAX_PAUSE: Final = 60.0
"""Seconds: the longest `Retry-After` that is honoured."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error reply, as far as it may be looked at."""

    step: str
    """What was asked for: `login`, `read`, `write`, `renew`, `revoke`, `decrypt`."""
    path: str
    """API path below `/v1/`, which holds no secret."""
    status: int
    text: str = ""
    """The errors, joined and in lower case: matched, never passed on."""
    request_id: str = ""
    retry_after: float = 0.0


# What the servers say, by the words of their sources, in the order in which they are looked for.
_AT_LOGIN: Final[tuple[tuple[str, Reason, str], ...]] = (
    ("invalid role name", Reason.IDENTITY_DENIED, "there is no such role at this mount"),
    ("could not be found", Reason.IDENTITY_DENIED, "there is no such role at this mount"),
    ("entry for role", Reason.IDENTITY_DENIED, "there is no such role at this mount"),
    (
        "service account name not authorized",
        Reason.IDENTITY_DENIED,
        "the role is not for this service account",
    ),
    ("namespace not authorized", Reason.IDENTITY_DENIED, "the role is not for this namespace"),
    ("audience", Reason.IDENTITY_DENIED, "the token has not the audience that the role wants"),
    ("expired", Reason.TOKEN_UNAVAILABLE, "the token has expired"),
    ("claim", Reason.IDENTITY_DENIED, "the token's claims are not those that the role wants"),
    (
        "does not belong to the role",
        Reason.IDENTITY_DENIED,
        "the role is not for this AWS principal",
    ),
    (
        "iam-server-id",
        Reason.IDENTITY_DENIED,
        "the server id of the signed request is not the one that Vault wants",
    ),
    ("error code 403 from sts", Reason.IDENTITY_DENIED, "AWS refused the signed request"),
    ("error code 400 from sts", Reason.IDENTITY_DENIED, "AWS refused the signed request"),
    ("error making upstream request", Reason.UNAVAILABLE, "Vault could not ask AWS"),
    ("service account unauthorized", Reason.IDENTITY_DENIED, "the token was not accepted"),
    ("could not load backend configuration", Reason.IDENTITY_DENIED, "the mount has no settings"),
)
_ANYWHERE: Final[tuple[tuple[str, Reason, str], ...]] = (
    ("upgrading from non-versioned", Reason.UNAVAILABLE, "the KV engine is not ready yet"),
    ("sealed", Reason.UNAVAILABLE, "Vault is sealed"),
    ("namespace not found", Reason.NOT_FOUND, "there is no such Vault namespace"),
    ("no handler for route", Reason.NOT_FOUND, "nothing is mounted at this path"),
    ("unsupported path", Reason.NOT_FOUND, "the engine has no such path"),
    ("lease not found", Reason.NOT_FOUND, "the lease has ended"),
    ("lease expired", Reason.NOT_FOUND, "the lease has ended"),
    ("lease is not renewable", Reason.INVALID_REQUEST, "the lease cannot be renewed"),
    ("unknown role", Reason.NOT_FOUND, "the engine has no such role"),
    ("version destroyed", Reason.NOT_FOUND, "this version was destroyed"),
    ("version deleted", Reason.NOT_FOUND, "this version was deleted"),
    ("role not found", Reason.NOT_FOUND, "the engine has no such role"),
)
_NOT_ITS_OWN: Final = "the data key is not what this key has encrypted, or was changed"
_AT_DECRYPT: Final[tuple[tuple[str, Reason, str], ...]] = (
    ("encryption key not found", Reason.NOT_FOUND, "the transit engine has no such key"),
    ("disallowed by policy", Reason.ACCESS_DENIED, "the key no longer decrypts with this version"),
    # With status 400 or 500, by version (hashicorp/vault#10842).
    ("message authentication failed", Reason.INVALID_DOCUMENT, _NOT_ITS_OWN),
    ("invalid ciphertext", Reason.INVALID_DOCUMENT, _NOT_ITS_OWN),
)
_BY_STATUS: Final = {
    400: (Reason.INVALID_REQUEST, "Vault calls the request invalid"),
    401: (Reason.ACCESS_DENIED, "access denied"),
    403: (Reason.ACCESS_DENIED, "access denied"),
    404: (Reason.NOT_FOUND, "not found"),
    405: (Reason.INVALID_REQUEST, "the path does not take this operation"),
    408: (Reason.UNAVAILABLE, "the request took too long"),
    412: (Reason.UNAVAILABLE, "the standby that answered is behind"),
    429: (Reason.THROTTLED, "Vault asked to slow down"),
    472: (Reason.UNAVAILABLE, "the server that answered is a recovery standby"),
    473: (Reason.UNAVAILABLE, "the server that answered is a standby"),
}


_MARKS: Final = {LOGIN: _AT_LOGIN, DECRYPT: _AT_DECRYPT}


def provider_error(failure: Failure) -> ProviderError:
    """Make our error of an error reply."""
    found, said = _classified(failure)
    # No such mount or role, say: never to be taken for a secret that is absent.
    reason = _LOGIN_REASONS.get(found, found) if failure.step == LOGIN else found
    return ProviderError(
        reason,
        f"{said} ({failure.path})",
        step=f"Vault {failure.step}",
        code=f"HTTP {failure.status}",
        request_id=failure.request_id,
        remedy=remedies.remedy(found, failure.step, failure.path, failure.text),
        pause=min(failure.retry_after, MAX_PAUSE),
    )


_LOGIN_REASONS: Final = {
    Reason.ACCESS_DENIED: Reason.IDENTITY_DENIED,
    Reason.NOT_FOUND: Reason.IDENTITY_DENIED,
    Reason.INVALID_REQUEST: Reason.IDENTITY_DENIED,
}


def _classified(failure: Failure) -> tuple[Reason, str]:
    for mark, reason, said in (*_MARKS.get(failure.step, ()), *_ANYWHERE):
        if mark in failure.text:
            return reason, said
    if failure.status in _BY_STATUS:
        return _BY_STATUS[failure.status]
    if 300 <= failure.status < 400:  # noqa: PLR2004 - RFC 9110: a redirect
        return Reason.UNAVAILABLE, "the reply is a redirect, which is never followed"
    if failure.status >= 500:  # noqa: PLR2004 - RFC 9110: the server's fault
        return Reason.UNAVAILABLE, "Vault failed"
    return Reason.INVALID_REQUEST, "Vault calls the request invalid"


def is_denied(error: ProviderError) -> bool:
    """Whether Vault said 403: a policy that does not allow it, or a token that is no more."""
    return error.code == "HTTP 403"
