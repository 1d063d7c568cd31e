"""
Opens the session cache of one worker: the transport, the clients and the registry of logins.

The one place where those meet. Each family of providers is imported where a plan has a store of
it: a pod pays for what it uses.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from injector.contract.stores import FAMILIES
from injector.retry import Retry
from injector.sessions import SessionCache
from injector.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from injector.aws.client import AwsClient
    from injector.aws.sdk import Sdk
    from injector.contract.plan import Plan
    from injector.identity.interface import Identity, Login, Session, SessionKey, Tenure
    from injector.rest import Rest
    from injector.vault.client import Vault, VaultClient


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
        plan: for the operator's trust and proxy, and for the families of its stores.
        identity: the pod that logs in.
        retry: repetition and its monotonic clock; `until` is the worker's deadline.
        clock: seconds since the epoch.
    """
    retry = retry or Retry()
    transport = Transport(ca_bundle=plan.ca_bundle, proxy=plan.proxy, clock=retry.clock)
    families = {store.family for store in plan.logins} or FAMILIES
    return sessions_over(transport, identity, retry=retry, clock=clock, families=families)


def sessions_over(
    transport: Transport,
    identity: Identity,
    *,
    retry: Retry,
    clock: Callable[[], float],
    families: Iterable[str] = FAMILIES,
) -> SessionCache:
    """Open the same over a transport that the caller closes: whoever is no process of its own."""
    clients = Clients(transport, retry)
    logins: dict[str, Login] = {}
    tenures: dict[str, Tenure] = {}
    if "aws" in families:
        from injector.identity import aws  # noqa: PLC0415 - paid by use

        logins |= aws.logins(clients.sdk, clock, identity.root)
    if "vault" in families:
        from injector.identity import vault  # noqa: PLC0415 - paid by use

        logins |= vault.logins(clients.servers, clock, identity.root)
        tenures |= vault.tenures(clients.servers, clock)
    if "azure" in families:
        from injector.identity import azure  # noqa: PLC0415 - paid by use

        logins |= azure.logins(clients.apis, clock, identity.root)
    if "gcp" in families:
        from injector.identity import gcp  # noqa: PLC0415 - paid by use

        logins |= gcp.logins(clients.apis, clock, identity.root)
    return SessionCache(identity, logins, clients, tenures=tenures, clock=clock)


class Clients:
    """
    Clients by family of the session's key; implements `ClientFactory`.

    Args:
        transport: sends every request.
        retry: how calls are repeated.
    """

    def __init__(self, transport: Transport, retry: Retry) -> None:
        self._transport = transport
        self._retry = retry

    @cached_property
    def sdk(self) -> Sdk:
        """What makes AWS clients."""
        from injector.aws.sdk import Sdk  # noqa: PLC0415 - paid by use

        return Sdk(self._transport, self._retry)

    @cached_property
    def servers(self) -> Vault:
        """What makes Vault clients."""
        from injector.vault.client import Vault  # noqa: PLC0415 - paid by use

        return Vault(self._transport, self._retry)

    def client(self, session: Session, service: str, region: str) -> AwsClient:
        """Make an AWS client."""
        return self.sdk.client(session, service, region)

    def vault(self, session: Session, namespace: str, seconds: float) -> VaultClient:
        """Make a Vault client."""
        return self.servers.open(session.key, session.credentials.token, namespace, seconds)

    @cached_property
    def apis(self) -> Rest:
        """What sends to APIs without a token, such as a login."""
        from injector.rest import Rest  # noqa: PLC0415 - paid by use

        return Rest(self._transport, self._retry)

    def rest(self, session: Session) -> Rest:
        """Make a client of APIs that take a bearer."""
        return self.apis.bearing(session.credentials.token, session.key.input("ca-bundle"))

    def expect(self, key: SessionKey, service: str, region: str, *, login: bool) -> None:
        """Open connections early; an API's is opened by its own provider (`Rest.expect`)."""
        if key.provider == "vault":
            self.servers.expect(key)
        elif key.provider == "aws":
            self.sdk.expect(key, service, region, login=login)
