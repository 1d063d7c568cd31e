"""Requests to the Azure world by bytes and headers, and a world with something in it."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.azure import AzureWorld, Identity, Vault

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "api://AzureADTokenExchange"
SUBJECT = "system:serviceaccount:shop:web"
SCOPE = "https://vault.azure.net/.default"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, code and inner code of Key Vault's error."""
        error = self.json["error"]
        return self.status, error["code"], error.get("innererror", {}).get("code", "")


@dataclass(frozen=True, slots=True)
class Shop:
    """A world whose service account shop/web may read, decrypt and encrypt in one vault."""

    world: AzureWorld
    web: Identity
    vault: Vault

    def projected(self, account: str = "web", audience: str = AUDIENCE, **claims: object) -> str:
        """Give a pod's token."""
        return self.world.issuer.mint("shop", account, audience, claims=claims)

    def login(
        self,
        assertion: str | None = None,
        *,
        host: str = "login.microsoftonline.com",
        tenant: str = "",
        **form: str,
    ) -> Answer:
        """Ask for an access token, with some of the form replaced; an empty value leaves out."""
        chosen = {
            "grant_type": "client_credentials",
            "client_id": self.web.client_id,
            "scope": SCOPE,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self.projected() if assertion is None else assertion,
            **form,
        }
        body = urlencode({name: value for name, value in chosen.items() if value}).encode()
        path = f"/{tenant or self.web.tenant.id}/oauth2/v2.0/token"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", host, path, headers, body)

    def token(self) -> str:
        """Give an access token of shop/web."""
        found: str = self.login().json["access_token"]
        return found

    def get(
        self, path: str, token: str | None = None, *, version: str = "7.4", host: str = ""
    ) -> Answer:
        """Read from the vault, with a token of shop/web when none is given."""
        shown = self.token() if token is None else token
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        query = f"?api-version={version}" if version else ""
        return self.send("GET", host or self.vault.host, path + query, headers)

    def post(self, path: str, content: object) -> Answer:
        """Have the vault do something."""
        headers = {
            "Authorization": f"Bearer {self.token()}",
            "Content-Type": "application/json",
        }
        body = json.dumps(content).encode()
        return self.send("POST", self.vault.host, f"{path}?api-version=7.4", headers, body)

    def send(  # noqa: PLR0913, PLR0917 - the parts of a request
        self,
        method: str,
        host: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        patience: float = 10,
    ) -> Answer:
        """Send one request as it is; an empty host is that of the loopback."""
        context = ssl.create_default_context(cadata=self.world.ca_pem)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.world.port, timeout=patience, context=context
        )
        named = {"Host": host} if host else {}
        try:
            connection.request(method, path, body, {**named, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()
