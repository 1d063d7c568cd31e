"""
The token endpoint of Entra, for client credentials with a federated token.

Sources: "Microsoft identity platform and the OAuth 2.0 client credentials flow" (third case: with
a federated credential), and "Microsoft Entra authentication and authorization error codes". The
real endpoint lets clocks differ by some minutes; this one does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from worlds.azure.errors import FEDERATION, invalid_client, invalid_request
from worlds.tokens import InvalidTokenError, UnknownKeyError, claims_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.azure.access_tokens import AccessTokens
    from worlds.azure.calls import Call
    from worlds.azure.clouds import Cloud
    from worlds.azure.directory import FederatedCredential, Identity, Tenant
    from worlds.clock import WorldClock

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DEFAULT: Final = "/.default"
_OPENID: Final = frozenset({"openid", "offline_access", "profile"})
"""Scopes that MSAL adds to every request, and that an application's token has no use for."""
_CHECK: Final = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented "
    f"assertion. {FEDERATION}"
)


class Login:
    """
    The endpoint of every tenant.

    Args:
        tenants: by id.
        tokens: what it gives.
        clock: of the world.
    """

    def __init__(
        self, tenants: Mapping[str, Tenant], tokens: AccessTokens, clock: WorldClock
    ) -> None:
        self._tenants = tenants
        self._tokens = tokens
        self._clock = clock

    def tenant(self, name: str, cloud: Cloud) -> Tenant:
        """
        Find a tenant by what the path says.

        Raises:
            AzureError: AADSTS90002, also for a tenant of another cloud.
        """
        found = self._tenants.get(name.lower())
        if found is None or found.cloud is not cloud:
            msg = (
                f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and "
                "are signing into the correct cloud. Check with your subscription administrator, "
                "this may happen if there are no active subscriptions for the tenant."
            )
            raise invalid_request(90002, msg)
        return found

    def token(self, call: Call, tenant: Tenant, form: Mapping[str, str]) -> dict[str, Any]:
        """
        Give an access token for a federated one.

        Raises:
            AzureError: with the number that Entra has for what is wrong.
        """
        call.detail["tenant"] = tenant.id
        call.detail["client_id"] = form.get("client_id", "")
        call.detail["scope"] = form.get("scope", "")
        _demand_parameters(form)
        identity = _identity(tenant, form["client_id"])
        if not identity.enabled:
            msg = f"Application '{identity.client_id}'({identity.name}) is disabled."
            raise invalid_request(7000112, msg, "unauthorized_client")
        resource = _resource(form["scope"])
        subject = self._verify(identity, _assertion(form))
        call.asked_by = subject
        if resource != tenant.cloud.resource:
            msg = (
                f"The resource principal named {resource} was not found in the tenant named "
                f"{tenant.name}. This can happen if the application has not been installed by the "
                "administrator of the tenant or consented to by any user in the tenant. You might "
                "have sent your authentication request to the wrong tenant."
            )
            raise invalid_request(500011, msg, "invalid_resource")
        lifetime = self._tokens.lifetime
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._tokens.mint(identity, resource, subject),
        }

    def _verify(self, identity: Identity, assertion: str) -> str:
        """Check a federated token, and give its subject."""
        try:
            claims = claims_of(assertion)
        except InvalidTokenError:
            msg = "JWT token is invalid or malformed."
            raise invalid_request(50027, msg) from None
        credential = _match(identity, claims)
        issuer = credential.issuer
        if not issuer.reachable:
            msg = "Request to External OIDC endpoint failed."
            raise invalid_request(50166, msg)
        try:
            issuer.verify(assertion)
        except UnknownKeyError:
            msg = (
                "The certificate with identifier used to sign the federated credential could not "
                f"be found in the metadata of identity provider {issuer.url}. Please validate that "
                "your Identity Provider's metadata exposes the key used to sign the incoming token."
            )
            raise invalid_client(7000272, msg) from None
        except InvalidTokenError:
            msg = "Client assertion failed signature validation."
            raise invalid_client(700027, msg) from None
        _demand_time(claims, self._clock.now())
        return str(claims["sub"])


def _demand_parameters(form: Mapping[str, str]) -> None:
    for name in ("grant_type", "client_id", "scope"):
        if not form.get(name):
            msg = f"The request body must contain the following parameter: '{name}'."
            raise invalid_request(900144, msg)
    if form["grant_type"] != "client_credentials":
        msg = f"The app requested an unsupported grant type '{form['grant_type']}'."
        raise invalid_request(70003, msg, "unsupported_grant_type")


def _identity(tenant: Tenant, client_id: str) -> Identity:
    found = tenant.identities.get(client_id.lower())
    if found is None:
        msg = (
            f"Application with identifier '{client_id}' was not found in the directory "
            f"'{tenant.name}'. This can happen if the application has not been installed by the "
            "administrator of the tenant or consented to by any user in the tenant. You may have "
            "sent your authentication request to the wrong tenant."
        )
        raise invalid_request(700016, msg, "unauthorized_client")
    return found


def _resource(scope: str) -> str:
    asked = [one for one in scope.split() if one not in _OPENID]
    if len(asked) != 1 or not asked[0].endswith(_DEFAULT):
        msg = (
            f"The provided value for scope {scope} is not valid. Client credential flows must have "
            "a scope value with /.default suffixed to the resource identifier (application ID URI)."
        )
        raise invalid_request(1002012, msg, "invalid_scope")
    return asked[0].removesuffix(_DEFAULT)


def _assertion(form: Mapping[str, str]) -> str:
    if form.get("client_secret"):
        msg = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{form['client_id']}'."
        )
        raise invalid_client(7000215, msg)
    if not form.get("client_assertion") or form.get("client_assertion_type") != JWT_BEARER:
        msg = (
            "The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'."
        )
        raise invalid_client(7000218, msg)
    return form["client_assertion"]


def _match(identity: Identity, claims: Mapping[str, Any]) -> FederatedCredential:
    """Find the credential that a token fits, or say which of its claims fits none."""
    issuer, subject, audiences = claims.get("iss"), claims.get("sub"), _audiences(claims)
    if not identity.credentials:
        who = f"'{identity.client_id}'({identity.name})"
        msg = f"The client {who} has no configured federated identity credentials. {FEDERATION}"
        raise invalid_client(70025, msg)
    record = "No matching federated identity record found for presented assertion"
    same_issuer = [one for one in identity.credentials if one.issuer.url == issuer]
    if not same_issuer:
        raise invalid_client(700211, f"{record} issuer '{issuer}'. {_CHECK}")
    same_subject = [one for one in same_issuer if one.subject == subject]
    if not same_subject:
        if any(one.subject.lower() == str(subject).lower() for one in same_issuer):
            case = (
                "The subject matches with case-insensitive comparison, but not with "
                f"case-sensitive comparison. {_CHECK}"
            )
            raise invalid_client(7002138, f"{record} subject '{subject}'. {case}")
        raise invalid_client(700213, f"{record} subject '{subject}'. {_CHECK}")
    found = next((one for one in same_subject if one.audience in audiences), None)
    if found is None:
        raise invalid_client(700212, f"{record} audience '{', '.join(audiences)}'. {_CHECK}")
    if found.unseen:
        found.unseen -= 1
        said = (
            f"{record}. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. "
            f"Assertion Audience: '{found.audience}'. {FEDERATION}"
        )
        raise invalid_request(70021, said)
    return found


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    found = claims.get("aud", [])
    return [found] if isinstance(found, str) else [str(one) for one in found]


def _demand_time(claims: Mapping[str, Any], now: float) -> None:
    start, end = float(claims.get("nbf", 0)), float(claims.get("exp", 0))
    if not start <= now < end:
        msg = (
            f"Client assertion is not within its valid time range. Current time: {now:.0f}, "
            f"assertion valid from {start:.0f}, expiry time of assertion {end:.0f}."
        )
        raise invalid_client(700024, msg)
