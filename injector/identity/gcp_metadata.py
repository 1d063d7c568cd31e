"""
The metadata server of a Google node: plain HTTP, one header, and patience at a pod's start.

On GKE it does not answer in a new pod's first seconds, or answers that there is no account: other
programs that took this for a final answer failed at random (googleapis/google-auth-library-python
#745).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from injector.contract.field import GOOGLE_ACCOUNT
from injector.errors import ProviderError
from injector.gcp import errors, replies
from injector.identity.interface import Credentials, SessionRecord
from injector.rest import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.identity.interface import Session, SessionKey
    from injector.rest import Rest

ADDRESS: Final = "http://metadata.google.internal"
PATH: Final = "/computeMetadata/v1/instance/service-accounts/default/"
PATIENCE_SECONDS: Final = 40.0
"""Of all attempts; the worker's own deadline may be earlier."""
_PAUSE_SECONDS: Final = 2.0
"""Ceiling of the pause between attempts: the server may be ready any moment."""
_ATTEMPTS: Final = 1000
"""More than fit: patience is counted in seconds."""
_STEP: Final = "metadata token"
_EMAIL: Final = re.compile(GOOGLE_ACCOUNT, re.ASCII)
_HEADERS: Final = {"Metadata-Flavor": "Google"}


def log_in(
    apis: Rest, clock: Callable[[], float], key: SessionKey, _source: Session | None
) -> SessionRecord:
    """
    Get a token of the account that the node or the pod's workload identity has.

    Raises:
        ProviderError: when the server gives none in time.
    """
    base = (key.input("endpoint.metadata") or ADDRESS).rstrip("/") + PATH
    retry = replace(apis.retry, attempts=_ATTEMPTS, cap=_PAUSE_SECONDS, budget=PATIENCE_SECONDS)
    patient = replace(apis, retry=retry)
    query = urlencode({"scopes": key.input("scope")})
    reply = patient.call(Call(_STEP, "GET", f"{base}token?{query}", _HEADERS), errors.metadata)
    issued_at = clock()
    return SessionRecord(
        key=key,
        principal=_account(apis, base),
        credentials=Credentials(replies.token(reply, "access_token", _STEP)),
        issued_at=issued_at,
        expires_at=issued_at + replies.life(reply.get("expires_in")),
    )


def _account(apis: Rest, base: str) -> str:
    """Ask whose token it is; empty when the server does not say it, for that is no failure."""
    once = replace(apis, retry=replace(apis.retry, attempts=1))
    try:
        reply = once.call(
            Call("metadata account", "GET", f"{base}?recursive=true", _HEADERS), errors.metadata
        )
    except ProviderError:
        return ""
    email = reply.get("email")
    return email if isinstance(email, str) and _EMAIL.fullmatch(email) else ""
