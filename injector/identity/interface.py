"""
Who the pod is, and the values that a login takes and gives: plain, frozen, without an SDK object.

`Session` alone is mutable. It belongs to whoever asked for it and is never kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from injector.material import Material

if TYPE_CHECKING:
    from injector.aws.client import AwsClient
    from injector.rest import Rest
    from injector.vault.client import VaultClient

AMBIENT: Final = "ambient"
"""The one method whose sessions are the environment's: they never reach a snapshot."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The pod as a cloud knows it, and where its projected tokens are."""

    namespace: str
    service_account: str
    pod: str
    root: str = ""
    """In front of the paths of its tokens; no part of who it is."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves a session: three keys for AWS, a token and its accessor for Vault."""

    token: Material
    access_key_id: str = field(default="", repr=False)
    secret_access_key: Material = field(default_factory=lambda: Material(b""))
    accessor: str = field(default="", repr=False)
    """Vault's name of the token, by which a lease is known to be this token's."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """
    Every input of an authentication. Equal keys share a login, different ones never.

    Make it with `keys.session_key` or with `of`, which drops empty inputs and sorts.
    """

    provider: str
    """The family of providers that share sessions: `aws`, `vault`, `gcp`, `azure`."""
    method: str
    """
    `web-identity`, `pod-identity`, `ambient` or `assume-role`; `vault-kubernetes`, `vault-jwt` or
    `vault-aws`.
    """
    inputs: tuple[tuple[str, str], ...]
    """Sorted by name, each once."""
    source: SessionKey | None = None
    """Whose credentials the login uses: for a role of a chain, and for Vault's `aws` method."""

    @classmethod
    def of(
        cls,
        provider: str,
        method: str,
        inputs: dict[str, str],
        source: SessionKey | None = None,
    ) -> SessionKey:
        """Make a key whatever the order of the inputs."""
        given = tuple(sorted((name, value) for name, value in inputs.items() if value))
        return cls(provider, method, given, source)

    def input(self, name: str) -> str:
        """One input of this login, empty when it is not given."""
        return dict(self.inputs).get(name, "")

    @property
    def chain(self) -> tuple[SessionKey, ...]:
        """This login and those that it leans on, back to the first."""
        return (self, *(() if self.source is None else self.source.chain))

    @property
    def root(self) -> SessionKey:
        """The login at the start of the chain."""
        return self if self.source is None else self.source.root


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One finished login. Times are seconds since the epoch."""

    key: SessionKey
    principal: str
    """Who the provider says we are, such as an assumed role's ARN; empty when it does not say."""
    credentials: Credentials
    issued_at: float
    """Of the login, or of the last renewal."""
    expires_at: float
    lifetime: float = 0.0
    """
    Seconds that the login granted, where the session can be renewed; 0 where it cannot. A renewal
    that grants much less has come to the session's maximum.
    """


class ClientFactory(Protocol):
    """What turns a session into clients; given to the cache by whoever builds it."""

    def client(self, session: Session, service: str, region: str) -> AwsClient:
        """Make an AWS client that signs with the credentials that the session has now."""

    def vault(self, session: Session, namespace: str, seconds: float) -> VaultClient:
        """Make a Vault client with the token that the session has now."""

    def rest(self, session: Session) -> Rest:
        """Make a client of JSON over HTTPS that shows the token that the session has now."""

    def expect(self, key: SessionKey, service: str, region: str, *, login: bool) -> None:
        """Open early the connections that a login with `key` (if any) and a read will want."""


class Session:
    """
    A caller's own view of a login: change it at will, nobody else sees it.

    Args:
        record: the finished login.
        clients: makes clients of it.
        until: when it is renewed or replaced, in seconds since the epoch.
    """

    __slots__ = (
        "_clients",
        "credentials",
        "expires_at",
        "issued_at",
        "key",
        "lifetime",
        "principal",
        "until",
    )

    def __init__(
        self, record: SessionRecord, clients: ClientFactory, until: float = math.inf
    ) -> None:
        self.key = record.key
        self.principal = record.principal
        self.credentials = record.credentials
        self.issued_at = record.issued_at
        self.expires_at = record.expires_at
        self.lifetime = record.lifetime
        self.until = until
        self._clients = clients

    def client(self, service: str, region: str) -> AwsClient:
        """Make a client for one AWS service in one region."""
        return self._clients.client(self, service, region)

    def vault(self, namespace: str, seconds: float = 0.0) -> VaultClient:
        """Make a client of Vault in one of its namespaces; `seconds` bound each request."""
        return self._clients.vault(self, namespace, seconds)

    def rest(self) -> Rest:
        """Make a client of APIs that take the session's token as bearer (Google, Azure)."""
        return self._clients.rest(self)

    def __repr__(self) -> str:
        return f"<Session {self.key.provider} {self.key.method} {self.principal}>"


Login = Callable[[SessionKey, Session | None], SessionRecord]
"""
Authenticates once; gets the source's session where the key has one, and reads token files itself.
Raises `InjectorError` only.
"""


@dataclass(frozen=True, slots=True)
class Tenure:
    """How sessions of one method are kept beyond their first end, and given back."""

    renew: Callable[[Session], SessionRecord]
    """Extends a session that can be renewed; raises `InjectorError` only."""
    revoke: Callable[[Session, float], None]
    """
    Ends a session and what was given to it in one try of so many seconds, however near the end of
    the process is; raises `InjectorError` only.
    """
