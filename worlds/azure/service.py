"""From a request to its answer: identify, misbehave on demand, verify, handle, note."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from worlds import faults
from worlds.azure import keyvault, wire
from worlds.azure.calls import Call
from worlds.azure.clouds import CLOUDS, LOGINS
from worlds.azure.errors import AzureError, no_operation, no_page, unauthorized
from worlds.journal import OK, Entry
from worlds.server import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from worlds.azure.access_tokens import AccessTokens
    from worlds.azure.login import Login
    from worlds.azure.vaults import Vault
    from worlds.azure.wire import Asked
    from worlds.clock import WorldClock
    from worlds.faults import Fault, Faults
    from worlds.journal import Journal
    from worlds.server import Request

    Answer = Callable[[], Response]
    Encode = Callable[[AzureError], Response]

NO_VAULT = "NoSuchVault"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a world has: its time, its journal, its faults, its lock."""

    clock: WorldClock
    journal: Journal
    faults: Faults
    lock: AbstractContextManager[object]
    """Held while a request is handled, so that a rotation is seen whole or not at all."""

    def run(self, call: Call, answer: Answer, encode: Encode) -> Response:
        """Answer a call, or do what was ordered instead, and note it."""
        ordered = self.faults.take(call.service, call.action, call.host)
        response, outcome = faults.handled(
            ordered, lambda: self._answer(answer, encode), lambda hit: encode(_ordered(hit))
        )
        self.note(call, outcome, 0 if response.reset else response.status)
        return response

    def _answer(self, answer: Answer, encode: Encode) -> tuple[Response, str]:
        try:
            with self.lock:
                return answer(), OK
        except AzureError as exc:
            return encode(exc), exc.outcome

    def note(self, call: Call, outcome: str, status: int) -> None:
        """Put a call into the journal."""
        caller = call.caller
        self.journal.add(
            Entry(
                at=call.now,
                service=call.service,
                action=call.action,
                region=call.host,
                outcome=outcome,
                status=status,
                principal=caller.client_id if caller else call.asked_by,
                base=caller.subject if caller else call.asked_by,
                access_key_id=caller.token_id if caller else "",
                resources=tuple(call.resources),
                detail=dict(call.detail),
                connection=call.connection,
                request_id=call.request_id,
            )
        )


def _ordered(fault: Fault) -> AzureError:
    return AzureError(fault.code, fault.message, status=fault.status)


class Services:
    """
    The HTTPS endpoint of a world: every cloud's token endpoint, and every vault.

    Args:
        desk: of the world.
        login: the token endpoint.
        vaults: by host, the first of which serves paths that name none.
        tokens: which callers show.
    """

    def __init__(
        self, desk: Desk, login: Login, vaults: Mapping[str, Vault], tokens: AccessTokens
    ) -> None:
        self._desk = desk
        self._login = login
        self._vaults = vaults
        self._tokens = tokens

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        asked = wire.identify(request, next(iter(self._vaults), ""))
        call = Call(
            service=asked.service,
            action=asked.action,
            host=asked.host,
            now=self._desk.clock.now(),
            request_id=str(uuid.uuid4()),
            connection=request.connection,
        )
        if asked.service == wire.LOGIN:
            return self._desk.run(
                call,
                lambda: wire.success(self._at_login(request, asked, call), call.request_id),
                lambda error: wire.login_failure(error, call.host, call.now, call.request_id),
            )
        vault = self._vaults.get(asked.host)
        if vault is None:  # in earnest its name would not resolve
            self._desk.note(call, NO_VAULT, 0)
            return Response(0, reset=True)
        return self._desk.run(
            call,
            lambda: wire.success(self._at_vault(request, asked, call, vault), call.request_id),
            lambda error: wire.vault_failure(error, _challenge(vault), call.request_id),
        )

    def _at_login(self, request: Request, asked: Asked, call: Call) -> Mapping[str, Any]:
        if asked.action == wire.UNKNOWN:
            raise no_page()
        if asked.action == "DiscoverInstance":
            return _instance(asked)
        tenant = self._login.tenant(asked.tenant, LOGINS[asked.host])
        if asked.action == "GetKeys":
            return self._tokens.key_set()
        if asked.action == "Discover":
            return _discovery(asked, tenant.id, tenant.issuer)
        return self._login.token(call, tenant, wire.form(request))

    def _at_vault(
        self, request: Request, asked: Asked, call: Call, vault: Vault
    ) -> Mapping[str, Any]:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            msg = "AKV10000: Request is missing a Bearer or PoP token."
            raise unauthorized(msg)
        call.caller = self._tokens.verify(token, vault.tenant)
        call.detail["api-version"] = asked.query.get("api-version", "")
        keyvault.demand_version(asked.query.get("api-version"))
        if asked.action == wire.UNKNOWN:
            raise no_operation()
        if asked.action in {"Decrypt", "Encrypt"}:
            asked = replace(asked, content=wire.content(request))
        return keyvault.answer(call, call.caller, vault, asked)


def _challenge(vault: Vault) -> str:
    cloud = vault.tenant.cloud
    return f'Bearer authorization="{vault.tenant.authority}", resource="{cloud.resource}"'


def _discovery(asked: Asked, tenant: str, issuer: str) -> Mapping[str, Any]:
    """Give the tenant's OpenID Connect metadata, which MSAL asks for first."""
    base = f"https://{asked.host}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "issuer": f"{base}/v2.0",
        "access_token_issuer": issuer,
    }


def _instance(asked: Asked) -> Mapping[str, Any]:
    """Give the names of the clouds, which MSAL asks for before anything else."""
    base = f"https://{asked.host}/common/v2.0"
    metadata = [
        {
            "preferred_network": cloud.logins[0],
            "preferred_cache": cloud.logins[0],
            "aliases": list(cloud.logins),
        }
        for cloud in CLOUDS.values()
    ]
    endpoint = f"{base}/.well-known/openid-configuration"
    return {
        "tenant_discovery_endpoint": endpoint,
        "api-version": "1.1",
        "metadata": metadata,
    }
