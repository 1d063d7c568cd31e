"""
Opens the session cache of one worker: the transport, the SDK and the registry of logins.

The one place where those meet; everything in it is lazy, so that it costs nothing until a provider
asks for a session.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector.aws.sdk import Sdk
from injector.identity import aws, vault
from injector.retry import Retry
from injector.sessions import SessionCache
from injector.transport import Transport
from injector.vault.client import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.aws.client import AwsClient
    from injector.contract.plan import Plan
    from injector.identity.interface import Identity, Session, SessionKey
    from injector.vault.client import VaultClient


def open_sessions(
    plan: Plan,
    identity: Identity,
    *,
    retry: Retry | None = None,
    clock: Callable[[], float] = time.time,
) -> SessionCache:
    """
    Open an empty cache.

    Args:
        plan: for the operator's trust and proxy.
        identity: the pod that logs in.
        retry: repetition and its monotonic clock; `until` is the worker's deadline.
        clock: seconds since the epoch.
    """
    retry = retry or Retry()
    transport = Transport(ca_bundle=plan.ca_bundle, proxy=plan.proxy, clock=retry.clock)
    return sessions_over(transport, identity, retry=retry, clock=clock)


def sessions_over(
    transport: Transport, identity: Identity, *, retry: Retry, clock: Callable[[], float]
) -> SessionCache:
    """Open the same over a transport that the caller closes: whoever is no process of its own."""
    clients = Clients(Sdk(transport, retry), Vault(transport, retry))
    logins = {
        **aws.logins(clients.sdk, clock, identity.root),
        **vault.logins(clients.servers, clock, identity.root),
    }
    tenures = vault.tenures(clients.servers, clock)
    return SessionCache(identity, logins, clients, tenures=tenures, clock=clock)


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients by family of the session's key; implements `ClientFactory`."""

    sdk: Sdk
    servers: Vault

    def client(self, session: Session, service: str, region: str) -> AwsClient:
        """Make an AWS client."""
        return self.sdk.client(session, service, region)

    def vault(self, session: Session, namespace: str, seconds: float) -> VaultClient:
        """Make a Vault client."""
        return self.servers.open(session.key, session.credentials.token, namespace, seconds)

    def expect(self, key: SessionKey, service: str, region: str, *, login: bool) -> None:
        """Open connections early."""
        if key.provider == "vault":
            self.servers.expect(key)
        else:
            self.sdk.expect(key, service, region, login=login)
