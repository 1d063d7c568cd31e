"""
From Azure's refusals to ours: the reason, its own plain codes, and what to do about it.

Entra's codes are in `aadsts`, Key Vault's are those of
https://learn.microsoft.com/azure/key-vault/general/rest-error-codes. No text of theirs is passed
on: it may quote what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from injector.azure.aadsts import EXPLAINED, THROTTLED, TRANSIENT, UNMATCHED, code_of
from injector.contract.reasons import Reason
from injector.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.azure import VaultObject
    from injector.rest import Refusal

PROPAGATION_SECONDS: Final = 5.0
"""
Between tries while a federated credential that was just made spreads through Entra, which takes
"a few minutes" at worst by its documentation; the kubelet tries again after these.
"""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_FORBIDDEN: Final = 403
_THROTTLED: Final = 429
_SERVER: Final = 500


@dataclass(frozen=True, slots=True)
class Principal:
    """Who logs in, as a federated credential has to name it."""

    tenant: str
    client: str
    subject: str
    audience: str


def login_refused(principal: Principal, refusal: Refusal) -> ProviderError:
    """Translate what the token endpoint answers."""
    document = refusal.document
    code = code_of(document) or _plain(document.get("error")) or f"HTTP {refusal.status}"
    what, remedy = EXPLAINED.get(code, ("the login was refused", ""))
    known = {
        "tenant": principal.tenant,
        "client": principal.client,
        "subject": principal.subject,
        "audience": principal.audience,
    }
    reason = _passing(refusal, code) or Reason.IDENTITY_DENIED
    if code == "AADSTS700024":
        reason = Reason.CLOCK_SKEW
    elif 300 <= refusal.status < 400:  # noqa: PLR2004 - RFC 9110: redirection
        what, remedy = "the reply is a redirect, which is not followed", _PROXY
    if reason in {Reason.UNAVAILABLE, Reason.THROTTLED}:
        what, remedy = _PASSING[reason], ""
    return ProviderError(
        reason,
        f"{what} (client {principal.client})",
        step=refusal.call.step,
        code=code,
        request_id=_id(document.get("trace_id")),
        remedy=remedy.format(**known) if remedy else "",
        pause=PROPAGATION_SECONDS if code in UNMATCHED else refusal.pause,
    )


def is_spreading(error: ProviderError) -> bool:
    """Whether another try makes sense: by the reason, or since a credential may be new."""
    return error.retryable or error.code in UNMATCHED


_PASSING: Final = {
    Reason.UNAVAILABLE: "the service failed",
    Reason.THROTTLED: "too many requests",
}
_PROXY: Final = "look for a proxy that answers in the service's place"


def vault_refused(place: VaultObject, refusal: Refusal) -> ProviderError:
    """Translate what a vault answers."""
    error = _mapping(refusal.document.get("error"))
    code = _plain(error.get("code")) or f"HTTP {refusal.status}"
    inner = _plain(_mapping(error.get("innererror")).get("code"))
    reason, what, remedy = _vault_no(refusal.status, inner or code, place)
    return ProviderError(
        reason,
        what,
        step=refusal.call.step,
        code=inner or code,
        request_id=_id(refusal.headers.get("x-ms-request-id")),
        remedy=remedy,
        pause=refusal.pause,
    )


@dataclass(frozen=True, slots=True)
class _No:
    """What one status means of an object of a vault."""

    reason: Reason
    text: str
    remedy: str = ""


_TENANT: Final = (
    "`azure.tenant-id` must be the tenant of the vault's subscription "
    "(`az keyvault show --name {vault} --query properties.tenantId`)"
)
_STATUSES: Final[Mapping[int, _No]] = MappingProxyType(
    {
        400: _No(Reason.INVALID_REQUEST, "the request for `{name}` of {vault} is called invalid"),
        401: _No(
            Reason.IDENTITY_DENIED, "the vault {vault} takes no token of this tenant", _TENANT
        ),
        404: _No(
            Reason.NOT_FOUND,
            "there is no `{name}` in the vault {vault}, or not this version",
            "a deleted one that can be recovered is not found either",
        ),
        429: _No(Reason.THROTTLED, "the vault {vault} is asked too often"),
    }
)


def _vault_no(status: int, code: str, place: VaultObject) -> tuple[Reason, str, str]:
    if status == _FORBIDDEN:
        said, remedy = _FORBIDDEN_CODES.get(code, ("may not be read", _ROLE))
        no = _No(Reason.ACCESS_DENIED, f"`{{name}}` of the vault {{vault}} {said}", remedy)
    elif status >= _SERVER:
        no = _No(Reason.UNAVAILABLE, "the vault {vault} failed")
    elif 300 <= status < 400:  # noqa: PLR2004 - RFC 9110: redirection
        text = "the reply of {vault} is a redirect, which is not followed"
        no = _No(Reason.INVALID_REQUEST, text, _PROXY)
    else:
        no = _STATUSES.get(status, _STATUSES[400])
    known = {"name": place.name, "vault": place.vault}
    return no.reason, no.text.format(**known), no.remedy.format(**known)


_ROLE: Final = (
    "give the client the role `Key Vault Secrets User` on the vault {vault} or on the secret "
    "(`az role assignment create`); in a vault with access policies, the permission `get` of "
    "secrets (`az keyvault set-policy --secret-permissions get`)"
)
_FORBIDDEN_CODES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ForbiddenByRbac": ("may not be read: no role permits it", _ROLE),
        "ForbiddenByPolicy": ("may not be read: no access policy permits it", _ROLE),
        "AccessDenied": ("may not be read", _ROLE),
        "ForbiddenByFirewall": (
            "cannot be read from here: the vault's firewall refuses",
            "let the nodes' addresses, or a private endpoint, through the firewall of {vault}",
        ),
        "ForbiddenByConnection": (
            "cannot be read from here: the vault takes private endpoints only",
            "resolve the name of {vault} to its private endpoint within the cluster",
        ),
        "SecretDisabled": ("is disabled", "enable it or its version, or name another version"),
        "SecretExpired": ("has expired", "put a new version into {vault}"),
        "SecretNotYetValid": ("is not yet valid", "look at its activation date in {vault}"),
    }
)


def _passing(refusal: Refusal, code: str) -> Reason | None:
    if refusal.status == _THROTTLED or code in THROTTLED:
        return Reason.THROTTLED
    failed = refusal.status >= _SERVER or code in TRANSIENT
    if failed or refusal.document.get("error") == "temporarily_unavailable":
        return Reason.UNAVAILABLE
    return None


def _mapping(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _plain(raw: object) -> str:
    return raw if isinstance(raw, str) and _PLAIN.fullmatch(raw) else ""


def _id(raw: object) -> str:
    return raw if isinstance(raw, str) and _ID.fullmatch(raw) else ""
