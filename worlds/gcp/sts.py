"""
The Security Token Service: a Kubernetes token against an access token (RFC 8693).

`POST /v1/token` as a form, or as JSON with the fields in camel case; GKE's own address
`/v1/identitybindingtoken` takes the JSON in snake case. Refused: a provider that is not there or
disabled, a token of another issuer, key or audience, an ended one, and claims that the mapping or
the condition does not take.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from worlds.gcp.access_tokens import LIFETIME
from worlds.gcp.errors import (
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_SCOPE,
    INVALID_TARGET,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT,
    GcpError,
)
from worlds.gcp.federation import SUBJECT, MappingError
from worlds.tokens import InvalidTokenError, claims_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worlds.gcp.access_tokens import AccessTokens
    from worlds.gcp.calls import Call
    from worlds.gcp.federation import Cluster, Pool, Provider
    from worlds.gcp.iam import Principal
    from worlds.tokens import Issuer

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type
SUBJECT_TYPES: Final = (
    "urn:ietf:params:oauth:token-type:jwt",
    "urn:ietf:params:oauth:token-type:id_token",
)
_AUDIENCE: Final = re.compile(
    r"//iam\.googleapis\.com/(projects/[0-9]+/locations/global/workloadIdentityPools/[^/]+)"
    r"/providers/([^/]+)"
)
_MAX_SUBJECT: Final = 127  # bytes
_DAY: Final = 24 * 3600  # seconds that a subject token may live at most
_FORMATS: Final = "https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token"
_BAD_AUDIENCE: Final = (
    'Invalid value for "audience". This value should be the full resource name of the Identity '
    f"Provider. See {_FORMATS} for the list of possible formats."
)
_NO_TARGET: Final = (
    'The target service indicated by the "audience" parameters is invalid. This might either be '
    "because the pool or provider is disabled or deleted or because it doesn't exist."
)


@dataclass(slots=True)
class Sts:
    """The service; pools by their name, clusters by their audience."""

    pools: Mapping[str, Pool]
    clusters: Mapping[str, Cluster]
    tokens: AccessTokens

    def exchange(self, call: Call) -> dict[str, Any]:
        """Give an access token for the request's subject token, or refuse."""
        given = _fields(call)
        _check_types(given)
        audience = given.get("audience", "")
        call.resources.append(audience)
        scopes = given.get("scope", "").split()
        if audience.startswith("identitynamespace:"):
            principal = self._of_cluster(call, audience, given["subject_token"])
        else:
            principal = self._of_provider(call, audience, given["subject_token"])
        if not scopes or any(not scope.startswith("https://") for scope in scopes):
            message = "Invalid OAuth scope or ID token audience provided."
            raise GcpError(INVALID_SCOPE, message)
        token = self.tokens.issue(principal, scopes, call.now + LIFETIME)
        call.detail |= {"issued": token.id, "to": principal.name}
        return {
            "access_token": token.value,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": LIFETIME - 1,
        }

    def _of_provider(self, call: Call, audience: str, token: str) -> Principal:
        provider = self._provider(audience)
        claims = _verified(call, provider.issuer, token, reachable=provider.uploaded_keys)
        _for_one_of(provider.audiences, claims)
        try:
            attributes = provider.attributes(claims)
        except MappingError as exc:
            msg = f"Could not obtain a value for {exc} from the given credential."
            raise GcpError(UNAUTHORIZED_CLIENT, msg) from None
        if len(attributes[SUBJECT].encode()) > _MAX_SUBJECT:
            msg = (
                f"The size of mapped attribute {SUBJECT} exceeds the {_MAX_SUBJECT} bytes limit. "
                "Either modify your attribute mapping or the incoming assertion to produce a "
                f"mapped attribute that is less than {_MAX_SUBJECT} bytes."
            )
            raise GcpError(INVALID_REQUEST, msg)
        if provider.condition is not None and not provider.condition(claims):
            msg = "The given credential is rejected by the attribute condition."
            raise GcpError(UNAUTHORIZED_CLIENT, msg)
        return provider.pool.caller(attributes)

    def _provider(self, audience: str) -> Provider:
        named = _AUDIENCE.fullmatch(audience)
        if named is None:
            raise GcpError(INVALID_REQUEST, _BAD_AUDIENCE)
        pool = self.pools.get(named.group(1))
        provider = pool.providers.get(named.group(2)) if pool else None
        if pool is None or provider is None or pool.disabled or provider.disabled:
            raise GcpError(INVALID_TARGET, _NO_TARGET)
        return provider

    def _of_cluster(self, call: Call, audience: str, token: str) -> Principal:
        cluster = self.clusters.get(audience)
        if cluster is None:
            raise GcpError(INVALID_TARGET, _NO_TARGET)
        claims = _verified(call, cluster.issuer, token, reachable=True)
        _for_one_of((cluster.pool,), claims)
        match claims.get("kubernetes.io"):
            case {"namespace": str(namespace), "serviceaccount": {"name": str(name)}}:
                return cluster.caller(namespace, name)
            case _:
                msg = "The given credential is not a Kubernetes service account token."
                raise GcpError(INVALID_GRANT, msg)


def _fields(call: Call) -> dict[str, str]:
    """Read the form, or the JSON in either case, as the form's names."""
    body = call.request.body
    if call.request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = "Invalid JSON payload received."
        raise GcpError(INVALID_REQUEST, msg)
    return {
        re.sub("[A-Z]", lambda letter: f"_{letter.group().lower()}", key): str(value)
        for key, value in found.items()
    }


def _check_types(given: Mapping[str, str]) -> None:
    if given.get("grant_type") != EXCHANGE:
        msg = f"Invalid value for grant_type; it should be {EXCHANGE}."
        raise GcpError(UNSUPPORTED_GRANT, msg)
    if given.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        msg = 'Invalid value for "requestedTokenType".'
        raise GcpError(INVALID_REQUEST, msg)
    if given.get("subject_token_type") not in SUBJECT_TYPES:
        msg = 'Invalid value for "subjectTokenType".'
        raise GcpError(INVALID_REQUEST, msg)
    if not given.get("subject_token"):
        msg = 'Missing value for "subjectToken".'
        raise GcpError(INVALID_REQUEST, msg)


def _verified(call: Call, issuer: Issuer, token: str, *, reachable: bool) -> dict[str, Any]:
    """Check a subject token but for its audience; gives its claims."""
    try:
        named = str(claims_of(token).get("iss"))
        if named != issuer.url:
            msg = f"The issuer in ID Token {named} does not match the expected ones: {issuer.url}"
            raise GcpError(INVALID_GRANT, msg)
        if not reachable and not issuer.reachable:
            msg = "Error connecting to the given credential's issuer."
            raise GcpError(INVALID_GRANT, msg)
        claims = issuer.verify(token)
    except InvalidTokenError as exc:
        msg = f"Unable to verify the ID Token signature: {exc}."
        raise GcpError(INVALID_GRANT, msg) from None
    _check_times(claims, call.now)
    call.asked_by = str(claims.get("sub", ""))
    return claims


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        msg = "The given credential lacks its iat or exp claim."
        raise GcpError(INVALID_GRANT, msg)
    if expires <= now or issued > now + 60 or expires - issued > _DAY:
        msg = f"ID Token issued at {int(issued)} is stale to sign-in."
        raise GcpError(INVALID_GRANT, msg)


def _for_one_of(allowed: Sequence[str], claims: Mapping[str, Any]) -> None:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if not set(map(str, listed)) & set(allowed):
        shown = ", ".join(map(str, listed))
        msg = f"The audience in ID Token [{shown}] does not match the expected audience."
        raise GcpError(INVALID_GRANT, msg)
