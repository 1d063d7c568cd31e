"""Google's refusals as our errors: reason, code, and what to change, without a byte of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.gcp import remedies
from injector.gcp.refusals import Said, read

if TYPE_CHECKING:
    from injector.identity.interface import SessionKey
    from injector.rest import Refusal

UNAUTHENTICATED: Final = "UNAUTHENTICATED"
"""Code of every 401: the token is not, or no longer, accepted."""

_No = tuple[Reason, str, str]
"""Reason, what happened, what to change."""


def is_unauthenticated(error: ProviderError) -> bool:
    """Whether Google did not accept the token, as after its end or a revocation."""
    return error.code == UNAUTHENTICATED


def exchange(refusal: Refusal, key: SessionKey) -> ProviderError:
    """Translate what STS says of a token exchange."""
    said = read(refusal)
    return _error(refusal, said, _general(said) or _of_exchange(said, key))


def grant(refusal: Refusal, whose: str) -> ProviderError:
    """Translate what the OAuth token endpoint says of mounted credentials, named by `whose`."""
    said = read(refusal)
    return _error(refusal, said, _general(said) or _of_grant(said, whose))


def impersonation(refusal: Refusal, key: SessionKey, principal: str) -> ProviderError:
    """Translate what IAM Credentials says of `generateAccessToken`, asked by `principal`."""
    said = read(refusal)
    return _error(refusal, said, _general(said) or _of_impersonation(said, key, principal))


def metadata(refusal: Refusal) -> ProviderError:
    """Translate what the metadata server says: 404 stays where the node has no account."""
    said = read(refusal)
    if said.status == 404:  # noqa: PLR2004 - RFC 9110
        no = (Reason.UNAVAILABLE, "the metadata server has no account yet", remedies.METADATA)
        return _error(refusal, said, no)
    no = (
        Reason.IDENTITY_DENIED,
        "the metadata server gives no token",
        remedies.METADATA,
    )
    return _error(refusal, said, _general(said) or no)


def secret(refusal: Refusal, name: str, version: str, principal: str) -> ProviderError:
    """
    Translate what Secret Manager says of a version.

    Args:
        refusal: the reply.
        name: `projects/…/secrets/…`.
        version: a number, `latest` or an alias.
        principal: who asked, as IAM writes it; empty when it is not known.
    """
    said = read(refusal)
    return _error(refusal, said, _general(said) or _of_secret(said, name, version, principal))


def crypto_key(refusal: Refusal, name: str, principal: str) -> ProviderError:
    """
    Translate what Cloud KMS says of the decryption with a key.

    Args:
        refusal: the reply.
        name: `projects/…/cryptoKeys/…`.
        principal: who asked, as IAM writes it; empty when it is not known.
    """
    said = read(refusal)
    if "_crc32c did not match" in said.text:
        no = (Reason.UNAVAILABLE, "the request was changed on its way to Cloud KMS", remedies.AGAIN)
        return _error(refusal, said, no)
    return _error(refusal, said, _general(said) or _of_key(said, name, principal))


def _error(refusal: Refusal, said: Said, no: _No) -> ProviderError:
    reason, message, remedy = no
    unknown = said.status == 401 and said.code in {"", UNAUTHENTICATED}  # noqa: PLR2004 - RFC 9110
    code = UNAUTHENTICATED if unknown else said.reason or said.code
    return ProviderError(
        reason,
        message,
        step=refusal.call.step,
        code=code or f"HTTP {said.status}",
        remedy=remedy,
        pause=refusal.pause,
    )


def _general(said: Said) -> _No | None:
    """Give what is the same for every API; None for the rest."""
    if said.status == 429 or said.reason in {"RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED"}:  # noqa: PLR2004 - RFC 6585
        return Reason.THROTTLED, "Google asked to slow down", remedies.QUOTA
    if 300 <= said.status < 400:  # noqa: PLR2004 - RFC 9110: a redirect
        return Reason.UNAVAILABLE, "the reply is a redirect, which is never followed", ""
    if said.status >= 500 or said.status == 408:  # noqa: PLR2004 - RFC 9110: the server's fault
        return Reason.UNAVAILABLE, "Google's API failed", remedies.AGAIN
    if said.reason in {"SERVICE_DISABLED", "API_DISABLED"}:
        service = said.metadata.get("service", "the API")
        project = said.metadata.get("consumer", "").removeprefix("projects/")
        where = f" in the project {project}" if project else ""
        return (
            Reason.ACCESS_DENIED,
            f"{service} is disabled{where}",
            remedies.enable(service, project),
        )
    return _REASONS.get(said.reason)


_REASONS: Final[dict[str, _No]] = {
    "BILLING_DISABLED": (
        Reason.ACCESS_DENIED,
        "billing is disabled in the project",
        "enable billing in the project of the secret",
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        Reason.ACCESS_DENIED,
        "the token lacks the scope cloud-platform",
        remedies.SCOPE,
    ),
    "USER_PROJECT_DENIED": (
        Reason.ACCESS_DENIED,
        "the calls may not be charged to the quota project",
        "grant roles/serviceusage.serviceUsageConsumer in it, or leave out `quota-project`",
    ),
    "SECURITY_POLICY_VIOLATED": (
        Reason.ACCESS_DENIED,
        "a VPC Service Controls perimeter refuses the call",
        "allow the pod's network and principal in the perimeter's ingress rules",
    ),
}


def _of_exchange(said: Said, key: SessionKey) -> _No:
    place = key.input("provider") or f"workload identity of {key.input('cluster')}"
    sent, expected = key.input("audience"), key.input("expected-audience")
    subject = remedies.condition(key)
    table: tuple[tuple[tuple[str, ...], Reason, str, str], ...] = (
        (
            ("audience in id token",),
            Reason.IDENTITY_DENIED,
            f"the token has the audience {sent}, {place} expects {expected} or an allowed one",
            remedies.AUDIENCE,
        ),
        (
            ("invalid_target", 'value for "audience"'),
            Reason.IDENTITY_DENIED,
            f"there is no {place}, or it or its pool is disabled or deleted",
            remedies.POOL,
        ),
        (
            ("attribute condition", "unauthorized_client"),
            Reason.IDENTITY_DENIED,
            f"the attribute condition of {place} refuses the pod",
            subject,
        ),
        (
            ("expired", "stale"),
            Reason.TOKEN_UNAVAILABLE,
            "the projected token has expired",
            remedies.CLOCK,
        ),
        (
            ("connecting to the given credential's issuer",),
            Reason.IDENTITY_DENIED,
            "Google cannot fetch the keys of the cluster's issuer",
            remedies.KEYS,
        ),
        (
            ("issuer",),
            Reason.IDENTITY_DENIED,
            f"{place} does not take tokens of this cluster's issuer",
            remedies.ISSUER,
        ),
    )
    for marks, reason, message, remedy in table:
        if any(mark in said.text or mark == said.code for mark in marks):
            return reason, message, remedy
    return Reason.IDENTITY_DENIED, f"{place} does not accept the pod's token", remedies.ISSUER


def _of_grant(said: Said, whose: str) -> _No:
    if said.code == "invalid_grant" and ("reasonable timeframe" in said.text or "iat" in said.text):
        return (
            Reason.CLOCK_SKEW,
            f"Google calls the signed request of {whose} untimely",
            ("compare the clock of the node with the time"),
        )
    if said.code == "invalid_grant":
        return Reason.IDENTITY_DENIED, f"Google does not accept {whose}", remedies.KEY
    return Reason.IDENTITY_DENIED, f"Google refuses the login of {whose}", remedies.KEY


def _of_impersonation(said: Said, key: SessionKey, principal: str) -> _No:
    account = key.input("google-account")
    delegates = [name for name in key.input("delegates").split(",") if name]
    chain = f" through {', '.join(delegates)}" if delegates else ""
    if said.status == 404:  # noqa: PLR2004 - RFC 9110
        return (
            Reason.IDENTITY_DENIED,
            f"there is no service account {account}",
            "check `gcp.service-account`, and that the account is not deleted",
        )
    if said.status == 403:  # noqa: PLR2004 - RFC 9110
        who = principal or "the pod's principal"
        return (
            Reason.IDENTITY_DENIED,
            f"{who} may not make tokens of {account}{chain}",
            remedies.impersonation(account, delegates, principal),
        )
    if said.status == 401:  # noqa: PLR2004 - RFC 9110
        return Reason.IDENTITY_DENIED, "Google does not accept the pod's token", remedies.AGAIN
    if said.code == "FAILED_PRECONDITION":
        no = f"the service account {account} is disabled"
        return Reason.IDENTITY_DENIED, no, f"gcloud iam service-accounts enable {account}"
    return (
        Reason.IDENTITY_DENIED,
        f"Google calls the request for a token of {account}{chain} invalid",
        "check `gcp.service-account` and `gcp.delegates`",
    )


def _of_secret(said: Said, name: str, version: str, principal: str) -> _No:
    what = f"{name}, version {version}"
    if said.status == 401:  # noqa: PLR2004 - RFC 9110
        return Reason.IDENTITY_DENIED, "Google does not accept the token", remedies.AGAIN
    if said.status == 403:  # noqa: PLR2004 - RFC 9110
        return (
            Reason.ACCESS_DENIED,
            f"{principal or 'the pod'} may not read {name}, or it does not exist: both look alike",
            remedies.accessor(name, principal),
        )
    if said.status == 404:  # noqa: PLR2004 - RFC 9110
        return Reason.NOT_FOUND, f"there is no {what}", remedies.ABSENT
    for state in ("destroyed", "disabled"):
        if f"{state} state" in said.text:
            return Reason.NOT_FOUND, f"{what} is {state}", remedies.STATES[state]
    if said.code == "FAILED_PRECONDITION":
        return Reason.NOT_FOUND, f"{what} is disabled or destroyed", remedies.STATES["disabled"]
    return Reason.INVALID_REQUEST, f"Google calls the request for {what} invalid", remedies.ABSENT


def _of_key(said: Said, name: str, principal: str) -> _No:
    if said.status == 401:  # noqa: PLR2004 - RFC 9110
        return Reason.IDENTITY_DENIED, "Google does not accept the token", remedies.AGAIN
    if said.status == 403:  # noqa: PLR2004 - RFC 9110
        who = principal or "the pod"
        return (
            Reason.ACCESS_DENIED,
            f"{who} may not decrypt with {name}, or it does not exist: both look alike",
            remedies.decrypter(name, principal),
        )
    if said.status == 404:  # noqa: PLR2004 - RFC 9110
        return Reason.NOT_FOUND, f"there is no key {name}", remedies.NO_KEY
    if said.code == "FAILED_PRECONDITION":
        state = next((it for it in ("destroy", "disabled") if it in said.text), "disabled")
        shown = "destroyed or scheduled for it" if state == "destroy" else state
        return (
            Reason.ACCESS_DENIED,
            f"the version of {name} that encrypted the data key is {shown}",
            remedies.KEY_STATES[state],
        )
    return (
        Reason.INVALID_DOCUMENT,
        f"the data key is not what {name} has encrypted, or was changed",
        "encrypt the document anew (`sops updatekeys`)",
    )
