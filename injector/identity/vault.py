"""
Logins to Vault and OpenBao: by the pod's projected token, or by a request signed for AWS.

A token is read, and a request signed, at each attempt. What comes back can be renewed until its
maximum, and is given back at the end of the pod.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity.interface import Credentials, Session, SessionRecord, Tenure
from injector.identity.keys import VAULT_AWS, VAULT_JWT, VAULT_KUBERNETES
from injector.identity.tokens import read_token
from injector.material import Material
from injector.vault import replies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.identity.interface import Login, SessionKey
    from injector.identity.tokens import TokenReader
    from injector.vault.client import Vault

STEP: Final = "Vault login"
SERVER_ID: Final = "X-Vault-AWS-IAM-Server-ID"
_FOREVER: Final = 10 * 365 * 86400.0
"""Seconds: the life of a token without an end, as a root token is."""


def logins(servers: Vault, clock: Callable[[], float], root: str = "") -> dict[str, Login]:
    """
    Vault's rows of the registry of logins.

    Args:
        servers: opens the clients.
        clock: seconds since the epoch, for `issued_at`.
        root: in front of the paths of tokens (`Identity.root`).
    """
    tokens = partial(read_token, root)
    by_token = partial(_by_token, servers, clock, tokens)
    return {
        VAULT_KUBERNETES: by_token,
        VAULT_JWT: by_token,
        VAULT_AWS: partial(_by_signature, servers, clock),
    }


def tenures(servers: Vault, clock: Callable[[], float]) -> dict[str, Tenure]:
    """Vault's rows of the registry of renewals."""
    tenure = Tenure(partial(_renew, servers, clock), partial(_revoke, servers))
    return {VAULT_KUBERNETES: tenure, VAULT_JWT: tenure, VAULT_AWS: tenure}


def _by_token(
    servers: Vault,
    clock: Callable[[], float],
    tokens: TokenReader,
    key: SessionKey,
    _source: Session | None,
) -> SessionRecord:
    def body() -> dict[str, str]:
        token = tokens(key.input("token-file"), STEP)
        return {"role": key.input("role"), "jwt": token.reveal().decode("latin-1")}

    return _log_in(servers, clock, key, body)


def _by_signature(
    servers: Vault,
    clock: Callable[[], float],
    key: SessionKey,
    source: Session | None,
) -> SessionRecord:
    from injector.aws import signing  # noqa: PLC0415 - paid by use

    if source is None:
        msg = "a request is signed with a source"
        raise ProviderError(Reason.INTERNAL, msg, step=STEP)
    headers = {SERVER_ID: key.input("aws-server-id")} if key.input("aws-server-id") else {}
    everywhere = key.input("aws-sts") == "global"
    place = signing.GLOBAL if everywhere else signing.regional(key.input("aws-region"))

    def body() -> dict[str, str]:
        signed = signing.caller_identity(source.credentials, place, headers)
        return {
            "role": key.input("role"),
            "iam_http_request_method": "POST",
            "iam_request_url": _base64(place.url),
            "iam_request_headers": _base64(json.dumps(signed)),
            "iam_request_body": _base64(signing.BODY),
        }

    return _log_in(servers, clock, key, body)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _log_in(
    servers: Vault,
    clock: Callable[[], float],
    key: SessionKey,
    body: Callable[[], Mapping[str, str]],
) -> SessionRecord:
    client = servers.open(key, None, key.input("namespace"))
    issued_at = clock()
    try:
        auth = client.log_in(key.input("auth-mount"), body)
    except ProviderError as exc:
        raise _explained(exc, key) from None
    return _record(key, auth, issued_at)


def _record(key: SessionKey, auth: Mapping[str, Any], issued_at: float) -> SessionRecord:
    life = replies.life(auth)
    renewable = auth.get("renewable") is True and life > 0
    return SessionRecord(
        key=key,
        principal=_principal(key, auth),
        credentials=Credentials(
            Material(str(auth["client_token"]).encode()),
            # A batch token has none, and nothing of it outlives it.
            accessor=replies.text(auth.get("accessor")) or f"batch-{issued_at!r}",
        ),
        issued_at=issued_at,
        expires_at=issued_at + (life or _FOREVER),
        lifetime=life if renewable else 0.0,
    )


def _principal(key: SessionKey, auth: Mapping[str, Any]) -> str:
    entity = replies.text(auth.get("entity_id"))
    said = f"auth/{key.input('auth-mount')} role {key.input('role')}"
    return f"{said} entity {entity}" if entity else said


def _renew(servers: Vault, clock: Callable[[], float], session: Session) -> SessionRecord:
    client = servers.open(session.key, session.credentials.token, session.key.input("namespace"))
    issued_at = clock()
    life = replies.life(client.renew_self())
    return SessionRecord(
        key=session.key,
        principal=session.principal,
        credentials=session.credentials,
        issued_at=issued_at,
        expires_at=issued_at + life,
        lifetime=session.lifetime,
    )


def _revoke(servers: Vault, session: Session, seconds: float) -> None:
    client = servers.trying_once(seconds).open(
        session.key, session.credentials.token, session.key.input("namespace")
    )
    client.revoke_self()


def _explained(exc: ProviderError, key: SessionKey) -> ProviderError:
    """Say as whom the pod tried to log in: what the role's bounds are compared with."""
    if exc.reason is not Reason.IDENTITY_DENIED:
        return exc
    account = f"{key.input('service-account')} of namespace {key.input('pod-namespace')}"
    audience = f", audience {key.input('audience')}" if key.input("audience") else ""
    return ProviderError(
        exc.reason,
        f"{exc}: role {key.input('role')}, service account {account}{audience}",
        step=exc.step,
        code=exc.code,
        request_id=exc.request_id,
        remedy=exc.remedy,
        pause=exc.pause,
    )
