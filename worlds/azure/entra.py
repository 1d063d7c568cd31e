"""
Entra's token endpoint for workload identities: a client assertion for an access token.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations says what
a federated credential matches: issuer, subject and audience, each equal and case-sensitive.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from worlds.tokens import InvalidTokenError, claims_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from worlds.tokens import Issuer

LIFE: Final = 3599  # seconds, as Entra grants
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class Federated:
    """A federated credential of an application or managed identity."""

    issuer: str
    subject: str
    audience: str = AUDIENCE


@dataclass(slots=True)
class Client:
    """An application or user-assigned managed identity."""

    tenant: str
    client_id: str
    credentials: list[Federated] = field(default_factory=list)
    spreading: int = 0
    """So many logins that a new credential is not yet known at."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token that was given."""

    client_id: str
    tenant: str
    resource: str
    expires_at: float


class EntraError(Exception):
    """A refusal: OAuth's word, Entra's number and its text."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(f"AADSTS{number}")
        self.status = status
        self.error = error
        self.number = number
        self.text = text

    def document(self, at: float) -> dict[str, Any]:
        """Give the body as Entra writes it."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at))
        return {
            "error": self.error,
            "error_description": (
                f"AADSTS{self.number}: {self.text} Trace ID: {trace} "
                f"Correlation ID: {correlation} Timestamp: {stamp}"
            ),
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


class Entra:
    """
    Tenants, their clients, and the tokens that were given.

    Args:
        issuer: whose tokens are verified; Entra would read its keys from its address.
        resource: what tokens may be asked for, as `https://vault.azure.net`.
        clock: seconds since the epoch.
    """

    def __init__(self, issuer: Issuer, resource: str, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self.resource = resource
        self.tenants: dict[str, dict[str, Client]] = {}
        self._clock = clock
        self._given: dict[str, Granted] = {}

    def client(self, tenant: str, client_id: str) -> Client:
        """Make an application in a tenant, which is made where there is none."""
        made = Client(tenant, client_id)
        self.tenants.setdefault(tenant.lower(), {})[client_id.lower()] = made
        return made

    def granted(self, token: str) -> Granted | None:
        """What a token was given for, None for one that is unknown or has ended."""
        found = self._given.get(token)
        return found if found is not None and self._clock() < found.expires_at else None

    def withdraw(self) -> None:
        """End every token, as a revocation by continuous access evaluation does."""
        self._given.clear()

    def token(self, tenant: str, body: bytes) -> tuple[dict[str, Any], str]:
        """
        Answer `POST /<tenant>/oauth2/v2.0/token`.

        Returns:
            The reply and who logged in.

        Raises:
            EntraError: for everything that Entra refuses.
        """
        form = {name: texts[0] for name, texts in parse_qs(body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            raise EntraError(400, "unsupported_grant_type", 70003, "The app requested an "
                             "unsupported grant type.")  # fmt: skip
        clients = self.tenants.get(tenant.lower())
        if clients is None:
            text = (
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            )
            raise EntraError(400, "invalid_request", 90002, text)
        client = clients.get(form.get("client_id", "").lower())
        if client is None:
            text = (
                f"Application with identifier '{form.get('client_id', '')}' was not found in the "
                f"directory '{tenant}'."
            )
            raise EntraError(400, "unauthorized_client", 700016, text)
        if not client.enabled:
            raise EntraError(400, "unauthorized_client", 7000112, "Application is disabled.")
        self._check_scope(form.get("scope", ""), tenant)
        if form.get("client_assertion_type") != ASSERTION or "client_assertion" not in form:
            text = "The request body must contain: 'client_assertion' or 'client_secret'."
            raise EntraError(401, "invalid_client", 7000218, text)
        self._check_assertion(form["client_assertion"], client)
        token = secrets.token_urlsafe(48)
        end = self._clock() + LIFE
        self._given[token] = Granted(client.client_id, client.tenant, self.resource, end)
        reply = {
            "token_type": "Bearer",
            "expires_in": LIFE,
            "ext_expires_in": LIFE,
            "access_token": token,
        }
        return reply, client.client_id

    def _check_scope(self, scope: str, tenant: str) -> None:
        if not scope.endswith("/.default"):
            text = f"The provided value for scope {scope} is not valid."
            raise EntraError(400, "invalid_scope", 1002012, text)
        resource = scope.removesuffix("/.default")
        if resource != self.resource:
            text = f"The resource principal named {resource} was not found in the tenant {tenant}."
            raise EntraError(400, "invalid_resource", 500011, text)

    def _check_assertion(self, assertion: str, client: Client) -> None:
        try:
            claims = claims_of(assertion)
        except InvalidTokenError:
            raise EntraError(
                401, "invalid_client", 50027, "JWT token is invalid or malformed."
            ) from None
        issuers = [it for it in client.credentials if it.issuer == claims.get("iss")]
        if not issuers:
            text = f"No matching federated identity record found for issuer '{claims.get('iss')}'."
            raise EntraError(401, "invalid_client", 700211, text)
        try:
            self.issuer.verify(assertion)
        except InvalidTokenError:
            text = "Client assertion failed signature validation."
            raise EntraError(401, "invalid_client", 700027, text) from None
        now = self._clock()
        if not claims.get("nbf", now) <= now < claims.get("exp", 0):
            text = "Client assertion is not within its valid time range."
            raise EntraError(401, "invalid_client", 700024, text)
        self._match(claims, issuers, client)

    def _match(self, claims: dict[str, Any], issuers: list[Federated], client: Client) -> None:
        raw = claims.get("aud")
        audiences = raw if isinstance(raw, list) else [raw]
        subjects = [it for it in issuers if it.subject == claims.get("sub")]
        if not subjects:
            text = f"No matching federated identity record found for subject '{claims.get('sub')}'."
            raise EntraError(401, "invalid_client", 700213, text)
        if not any(it.audience in audiences for it in subjects):
            text = f"No matching federated identity record found for audience '{audiences[0]}'."
            raise EntraError(401, "invalid_client", 700212, text)
        if client.spreading > 0:
            client.spreading -= 1
            text = "No matching federated identity record found for presented assertion."
            raise EntraError(401, "invalid_client", 70021, text)
