"""
The login to Azure: the pod's projected token, exchanged as a client assertion (RFC 7523 §2.2).

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case.
The authority is the cloud's own, from the contract's table.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from injector.azure.errors import Principal, is_spreading, login_refused
from injector.contract import names
from injector.contract.azure import CLOUDS, PUBLIC
from injector.identity.interface import Credentials, Session, SessionKey, SessionRecord
from injector.identity.tokens import read_token
from injector.material import Material
from injector.rest import Call, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.contract.stores import Store
    from injector.identity.interface import Identity, Login
    from injector.identity.tokens import TokenReader
    from injector.rest import Rest

WORKLOAD_IDENTITY: Final = "azure-workload-identity"
STEP: Final = "Azure login"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST: Final = 86400.0
"""Seconds: Entra's tokens live an hour or two, with continuous access evaluation a day or so."""


def azure_key(store: Store, identity: Identity) -> SessionKey:
    """Name the login that the reads of an Azure store need: vaults of one cloud share it."""
    cloud = store.text("cloud", PUBLIC)
    audience = store.text("audience", CLOUDS[cloud].audience)
    return SessionKey.of(
        "azure",
        WORKLOAD_IDENTITY,
        {
            "cloud": cloud,
            "tenant-id": store.text("tenant-id"),
            "client-id": store.text("client-id"),
            "audience": audience,
            "token-file": f"{names.TOKEN_DIRECTORY}/{names.token_file(audience)}",
            "ca-bundle": store.text("ca-bundle"),
            "pod-namespace": identity.namespace,
            "service-account": identity.service_account,
            "pod": identity.pod,
        },
    )


def logins(apis: Rest, clock: Callable[[], float], root: str = "") -> dict[str, Login]:
    """
    Azure's row of the registry of logins.

    Args:
        apis: sends without a token.
        clock: seconds since the epoch, for `issued_at`.
        root: in front of the paths of tokens (`Identity.root`).
    """
    return {WORKLOAD_IDENTITY: partial(_log_in, apis, clock, partial(read_token, root))}


def authority(cloud: str) -> str:
    """Address of a cloud's token endpoints."""
    return f"https://{CLOUDS[cloud].authority}"


def _log_in(
    apis: Rest,
    clock: Callable[[], float],
    tokens: TokenReader,
    key: SessionKey,
    _source: Session | None,
) -> SessionRecord:
    cloud = key.input("cloud")

    def form() -> Mapping[str, str]:
        token = tokens(key.input("token-file"), STEP)
        return {
            "grant_type": "client_credentials",
            "client_id": key.input("client-id"),
            "scope": CLOUDS[cloud].scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": token.reveal().decode("latin-1"),
        }

    issued_at = clock()
    url = f"{authority(cloud)}/{key.input('tenant-id')}/oauth2/v2.0/token"
    principal = Principal(
        tenant=key.input("tenant-id"),
        client=key.input("client-id"),
        subject=f"system:serviceaccount:{key.input('pod-namespace')}:{key.input('service-account')}",
        audience=key.input("audience"),
    )
    client = apis.bearing(None, key.input("ca-bundle"))
    reply = client.call(
        Call(STEP, "POST", url, form=form), partial(login_refused, principal), again=is_spreading
    )
    token, life = reply.get("access_token"), _seconds(reply.get("expires_in"))
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise unreadable(STEP)
    return SessionRecord(
        key=key,
        principal=f"client {key.input('client-id')} of the tenant {key.input('tenant-id')}",
        credentials=Credentials(Material(token.encode())),
        issued_at=issued_at,
        expires_at=issued_at + life,
    )


def _seconds(raw: Any) -> float:  # noqa: ANN401 - whatever the reply holds
    """`expires_in`: a number, in some clouds as text; what is no life is a damaged reply."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise unreadable(STEP)
    try:
        life = float(raw)
    except (ValueError, OverflowError):
        raise unreadable(STEP) from None
    if not math.isfinite(life) or life <= 0:
        raise unreadable(STEP)
    return min(life, _LONGEST)
