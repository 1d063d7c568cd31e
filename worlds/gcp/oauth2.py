"""
The OAuth2 endpoint: what a file with a user's or a service account's credentials is good for.

`POST /token` with a refresh token, or with an assertion that a service account's key signed
(RFC 7523). Assertions are checked by the machine's clock, which clients sign with.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from worlds.gcp.access_tokens import LIFETIME
from worlds.gcp.errors import (
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_SCOPE,
    UNSUPPORTED_GRANT,
    GcpError,
)
from worlds.tokens import InvalidTokenError, claims_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worlds.gcp.access_tokens import AccessToken, AccessTokens
    from worlds.gcp.calls import Call
    from worlds.gcp.identities import ServiceAccount, User

BEARER_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SKEW: Final = 300  # seconds
_TIMES: Final = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
_SCOPE: Final = "Invalid OAuth scope or ID token audience provided."


@dataclass(slots=True)
class OAuth2:
    """The endpoint; accounts and users by email."""

    accounts: Mapping[str, ServiceAccount]
    users: Mapping[str, User]
    tokens: AccessTokens
    audiences: list[str] = field(default_factory=lambda: ["https://oauth2.googleapis.com/token"])
    """Names of the endpoint that an assertion may be made for."""

    def token(self, call: Call) -> dict[str, Any]:
        """Give an access token, or refuse."""
        form = dict(parse_qsl(call.request.body.decode("utf-8", "replace")))
        grant = form.get("grant_type", "")
        if grant == "refresh_token":
            return self._refresh(call, form)
        if grant == BEARER_GRANT:
            return self._assertion(call, form.get("assertion", ""))
        raise GcpError(UNSUPPORTED_GRANT, f"Invalid grant_type: {grant}")

    def _refresh(self, call: Call, form: Mapping[str, str]) -> dict[str, Any]:
        client = form.get("client_id", "")
        clients = [user for user in self.users.values() if user.client_id == client]
        if not clients:
            msg = "The OAuth client was not found."
            raise GcpError(INVALID_CLIENT, msg)
        secret, token = form.get("client_secret", ""), form.get("refresh_token", "")
        if secret not in {user.client_secret for user in clients}:
            msg = "The provided client secret is invalid."
            raise GcpError(INVALID_CLIENT, msg)
        if not token:
            msg = "Missing required parameter: refresh_token"
            raise GcpError(INVALID_REQUEST, msg)
        user = next((one for one in clients if one.refresh_token == token), None)
        if user is None:
            raise GcpError(INVALID_GRANT, "Bad Request")
        call.asked_by = user.member
        if user.revoked:
            msg = "Token has been expired or revoked."
            raise GcpError(INVALID_GRANT, msg)
        wanted = form.get("scope", "").split() or sorted(user.scopes)
        if not set(wanted) <= user.scopes:
            raise GcpError(INVALID_SCOPE, "Bad Request")
        given = self.tokens.issue(user.principal, wanted, call.now + LIFETIME)
        return _answer(call, given)

    def _assertion(self, call: Call, assertion: str) -> dict[str, Any]:
        account, claims = self.verify(assertion, call.wall)
        call.asked_by = account.member
        if str(claims.get("aud")) not in self.audiences:
            msg = f"Invalid JWT: Failed audience check. The right audience is {self.audiences[0]}"
            raise GcpError(INVALID_GRANT, msg)
        scopes = str(claims.get("scope", "")).split()
        if not scopes or any(not scope.startswith("https://") for scope in scopes):
            raise GcpError(INVALID_SCOPE, _SCOPE)
        given = self.tokens.issue(account.principal, scopes, call.now + LIFETIME)
        return _answer(call, given)

    def verify(self, assertion: str, wall: float) -> tuple[ServiceAccount, dict[str, Any]]:
        """
        Check who signed an assertion and when; gives the account and the claims.

        Args:
            assertion: a JWT.
            wall: the machine's time.

        Raises:
            GcpError: invalid_grant.
        """
        try:
            claims = claims_of(assertion)
        except InvalidTokenError:
            msg = "Invalid JWT Signature."
            raise GcpError(INVALID_GRANT, msg) from None
        account = self.accounts.get(str(claims.get("iss")))
        if account is None or account.disabled:
            msg = "Invalid grant: account not found"
            raise GcpError(INVALID_GRANT, msg)
        _check_signature(assertion, account)
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise GcpError(INVALID_GRANT, _TIMES)
        if expires <= wall or issued > wall + _SKEW or expires - issued > LIFETIME:
            raise GcpError(INVALID_GRANT, _TIMES)
        return account, claims


def _check_signature(assertion: str, account: ServiceAccount) -> None:
    """Take RS256 alone, of a key that the account has."""
    signed, _, signature = assertion.rpartition(".")
    header = json.loads(_decode(signed.partition(".")[0]))
    named = header.get("kid")
    keys: Iterable[Any] = [account.keys[named]] if named in account.keys else []
    if not named:
        keys = account.keys.values()
    for key in keys if header.get("alg") == "RS256" else ():
        try:
            key.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            continue
        return
    msg = "Invalid JWT Signature."
    raise GcpError(INVALID_GRANT, msg)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _answer(call: Call, token: AccessToken) -> dict[str, Any]:
    call.detail |= {"issued": token.id, "to": token.principal.name}
    return {
        "access_token": token.value,
        "expires_in": LIFETIME - 1,
        "scope": " ".join(sorted(token.scopes)),
        "token_type": "Bearer",
    }
