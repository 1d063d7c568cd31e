"""
Logins to Google: from the source that a store names to an access token, and on by impersonation.

What a source is made of is read at each attempt, for a token or a Secret may have been replaced
meanwhile. No document's own addresses are asked: they are Google's, or the operator's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.gcp import errors, replies
from injector.identity import gcp_credentials, gcp_metadata, mounted_secrets
from injector.identity.gcp_keys import (
    ACCESS_TOKEN,
    CREDENTIALS,
    FEDERATION,
    GKE,
    IMPERSONATION,
    METADATA,
    federated_principal,
)
from injector.identity.interface import Credentials, SessionRecord
from injector.identity.tokens import read_token
from injector.material import Material
from injector.rest import Call, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.identity.interface import Login, Session, SessionKey
    from injector.rest import Refusal, Rest

STS: Final = "https://sts.googleapis.com"
IAM_CREDENTIALS: Final = "https://iamcredentials.googleapis.com"
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type's name
_JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
HANDED_LIFE: Final = 300.0
"""Seconds after which a token that somebody else keeps fresh is read again."""


def logins(apis: Rest, clock: Callable[[], float], root: str = "") -> dict[str, Login]:
    """
    Google's rows of the registry of logins.

    Args:
        apis: sends the calls, without a token.
        clock: seconds since the epoch.
        root: in front of the paths of tokens and documents (`Identity.root`).
    """
    exchange = partial(_by_exchange, apis, clock, root)
    return {
        ACCESS_TOKEN: partial(_handed, clock, root),
        FEDERATION: exchange,
        GKE: exchange,
        CREDENTIALS: partial(gcp_credentials.log_in, apis, clock, root),
        METADATA: partial(gcp_metadata.log_in, apis, clock),
        IMPERSONATION: partial(_impersonate, apis, clock),
    }


def _handed(
    clock: Callable[[], float], root: str, key: SessionKey, _source: Session | None
) -> SessionRecord:
    step = "access token"
    token = mounted_secrets.read(root, key.input("namespace"), key.input("secret"), step).strip()
    if not replies.is_token(token.decode("latin-1")):
        raise ProviderError(
            Reason.TOKEN_UNAVAILABLE,
            f"the Secret {key.input('secret')} holds no access token",
            step=step,
            remedy="its value must be the bare token, on one line",
        )
    issued_at = clock()
    return SessionRecord(key, "", Credentials(Material(token)), issued_at, issued_at + HANDED_LIFE)


def _by_exchange(
    apis: Rest,
    clock: Callable[[], float],
    root: str,
    key: SessionKey,
    _source: Session | None,
) -> SessionRecord:
    """Exchange the projected token (RFC 8693; STS API v1, method `token`)."""
    step = "token exchange"

    def form() -> dict[str, str]:
        token = read_token(root, key.input("token-file"), step)
        return {
            "grant_type": _EXCHANGE,
            "audience": key.input("sts-audience"),
            "scope": key.input("scope"),
            "requested_token_type": _ACCESS_TOKEN,
            "subject_token": token.reveal().decode("latin-1"),
            "subject_token_type": _JWT,
        }

    base = key.input("endpoint.sts") or STS
    call = Call(step, "POST", f"{base.rstrip('/')}/v1/token", form=form)
    issued_at = clock()
    reply = _trusting(apis, key).call(call, lambda refusal: errors.exchange(refusal, key))
    return SessionRecord(
        key=key,
        principal=federated_principal(key),
        credentials=Credentials(replies.token(reply, "access_token", step)),
        issued_at=issued_at,
        expires_at=issued_at + replies.life(reply.get("expires_in")),
    )


def _impersonate(
    apis: Rest, clock: Callable[[], float], key: SessionKey, source: Session | None
) -> SessionRecord:
    """Ask for a token of the service account (IAM Credentials API, `generateAccessToken`)."""
    step = "generateAccessToken"
    if source is None:
        msg = "a service account is impersonated with a source"
        raise ProviderError(Reason.INTERNAL, msg, step=step)
    account = key.input("google-account")
    delegates = [name for name in key.input("delegates").split(",") if name]
    if source.principal == account and not delegates:
        # The metadata server of GKE, or a key, is already that account, which need not be
        # allowed to make tokens of itself.
        return SessionRecord(key, account, source.credentials, source.issued_at, source.expires_at)
    call = _generate(key, account, delegates)

    def refused(refusal: Refusal) -> ProviderError:
        return errors.impersonation(refusal, key, source.principal)

    issued_at = clock()
    bearing = apis.bearing(source.credentials.token, key.input("ca-bundle"))
    reply: dict[str, Any] = bearing.call(call, refused)
    if "expireTime" not in reply:
        raise unreadable(step)
    return SessionRecord(
        key=key,
        principal=account,
        credentials=Credentials(replies.token(reply, "accessToken", step)),
        issued_at=issued_at,
        expires_at=replies.end(reply["expireTime"], issued_at),
    )


def _generate(key: SessionKey, account: str, delegates: list[str]) -> Call:
    prefix = "projects/-/serviceAccounts"

    def document() -> dict[str, object]:
        return {
            "delegates": [f"{prefix}/{name}" for name in delegates],
            "scope": [key.input("scope")],
            "lifetime": "3600s",
        }

    base = (key.input("endpoint.iamcredentials") or IAM_CREDENTIALS).rstrip("/")
    url = f"{base}/v1/{prefix}/{quote(account, safe='@')}:generateAccessToken"
    return Call("generateAccessToken", "POST", url, document=document)


def _trusting(apis: Rest, key: SessionKey) -> Rest:
    return apis.bearing(None, key.input("ca-bundle"))
