"""
Opens the session cache of one worker: the transport, the clients and the registry of logins.

The one place where those meet. Each family of providers is imported when somebody logs in to it: a
pod pays for what it uses, and a store of documents that five families could open for the one that
does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from injector.retry import Retry
from injector.sessions import SessionCache
from injector.transport import Transport

if TYPE_CHECKING:
    from injector.aws.client import AwsClient
    from injector.aws.sdk import Sdk
    from injector.contract.plan import Plan
    from injector.identity.interface import Identity, Login, Session, SessionKey, Tenure
    from injector.rest import Rest
    from injector.vault.client import Vault, VaultClient

T = TypeVar("T")
_PREFIXES: Final = frozenset({"azure", "gcp", "vault"})


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
    transport: Transport,
    identity: Identity,
    *,
    retry: Retry,
    clock: Callable[[], float],
) -> SessionCache:
    """Open the same over a transport that the caller closes: whoever is no process of its own."""
    clients = Clients(transport, retry)

    def aws() -> Mapping[str, Login]:
        from injector.identity import aws  # noqa: PLC0415 - paid by use

        return aws.logins(clients.sdk, clock, identity.root)

    def vault() -> Mapping[str, Login]:
        from injector.identity import vault  # noqa: PLC0415 - paid by use

        return vault.logins(clients.servers, clock, identity.root)

    def vaults_tenures() -> Mapping[str, Tenure]:
        from injector.identity import vault  # noqa: PLC0415 - paid by use

        return vault.tenures(clients.servers, clock)

    def azure() -> Mapping[str, Login]:
        from injector.identity import azure  # noqa: PLC0415 - paid by use

        return azure.logins(clients.apis, clock, identity.root)

    def gcp() -> Mapping[str, Login]:
        from injector.identity import gcp  # noqa: PLC0415 - paid by use

        return gcp.logins(clients.apis, clock, identity.root)

    logins = ByMethod({"aws": aws, "vault": vault, "azure": azure, "gcp": gcp})
    tenures = ByMethod({"vault": vaults_tenures})
    return SessionCache(identity, logins, clients, tenures=tenures, clock=clock)


class ByMethod(Mapping[str, T]):
    """
    Rows of several families by their method, made when one of the family is asked for.

    Methods begin with their family and `-`; those that do not are AWS's.

    Args:
        makers: make all rows of a family.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Mapping[str, T]]]) -> None:
        self._makers = makers
        self._made: dict[str, Mapping[str, T]] = {}

    def __getitem__(self, method: str) -> T:
        family = method.partition("-")[0]
        return self._of(family if family in _PREFIXES else "aws")[method]

    def __iter__(self) -> Iterator[str]:
        return (method for family in self._makers for method in self._of(family))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of(self, family: str) -> Mapping[str, T]:
        if family not in self._made:
            self._made[family] = self._makers[family]()
        return self._made[family]


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
