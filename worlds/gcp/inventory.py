"""What there is in a world: projects, identities, pools, secrets, keys, and how tests change it."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict, Unpack, runtime_checkable

from worlds.gcp.access_tokens import CLOUD_PLATFORM, LIFETIME, AccessTokens
from worlds.gcp.federation import Cluster, Pool, Provider
from worlds.gcp.iam import Bindings, Principal
from worlds.gcp.identities import Project, ServiceAccount, User
from worlds.gcp.kms import CryptoKey
from worlds.gcp.secrets_kept import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from worlds.clock import WorldClock
    from worlds.gcp.secrets_kept import State
    from worlds.tokens import Issuer

PROJECT: Final = "shop-prod"
NUMBER: Final = "123456789012"


class ProviderOptions(TypedDict, total=False):
    """What a provider may differ in; see `Provider`."""

    allowed_audiences: Sequence[str]
    mapping: Mapping[str, str]
    condition: Callable[[Mapping[str, Any]], bool]
    uploaded_keys: bool


@runtime_checkable
class Named(Protocol):
    """A thing that bindings stand on."""

    @property
    def name(self) -> str:
        """The resource."""


class Inventory:
    """
    Projects and what is in them.

    Args:
        clock: of the world.
        issuer: the cluster's issuer of tokens.
    """

    def __init__(self, clock: WorldClock, issuer: Issuer) -> None:
        self.clock = clock
        self.issuer = issuer
        self.lock = threading.RLock()
        """Held while a request is handled and while the inventory changes."""
        self.bindings = Bindings()
        self.tokens = AccessTokens()
        self.projects: dict[str, Project] = {}
        """By id and by number."""
        self.accounts: dict[str, ServiceAccount] = {}
        """By email."""
        self.users: dict[str, User] = {}
        """By email."""
        self.pools: dict[str, Pool] = {}
        """By resource."""
        self.clusters: dict[str, Cluster] = {}
        """By the audience of the exchange."""
        self.secrets: dict[str, Secret] = {}
        """By resource."""
        self.crypto_keys: dict[str, CryptoKey] = {}
        """By resource."""
        self.project(PROJECT, number=NUMBER)

    def project(self, name: str = PROJECT, *, number: str = "") -> Project:
        """Give a project, new when it is asked for the first time."""
        with self.lock:
            found = self.projects.get(name)
            if found is None:
                found = Project(name, number or _number(name))
                self.projects |= {found.id: found, found.number: found}
        return found

    def disable_api(self, service: str, *, project: str = PROJECT) -> None:
        """Turn an API off, such as `secretmanager.googleapis.com`."""
        self.project(project).disabled.add(service)

    def enable_api(self, service: str, *, project: str = PROJECT) -> None:
        """Turn it on again; all are on at first."""
        self.project(project).disabled.discard(service)

    def service_account(self, name: str, *, project: str = PROJECT) -> ServiceAccount:
        """Give a service account, new when it is asked for the first time."""
        home = self.project(project)
        email = f"{name}@{home.id}.iam.gserviceaccount.com"
        unique = f"1{_number(email, digits=20)}"
        with self.lock:
            return self.accounts.setdefault(email, ServiceAccount(email, home, unique))

    def user(self, email: str, *, scopes: Iterable[str] = (CLOUD_PLATFORM,)) -> User:
        """Make a person who logged in with these scopes, or replace the one of that name."""
        with self.lock:
            self.users[email] = User(email, frozenset(scopes))
        return self.users[email]

    def pool(self, name: str = "kubernetes", *, project: str = PROJECT) -> Pool:
        """Give a workload identity pool, new when it is asked for the first time."""
        made = Pool(name, self.project(project))
        with self.lock:
            return self.pools.setdefault(made.name, made)

    def provider(
        self,
        name: str = "prod",
        *,
        pool: Pool | None = None,
        issuer: Issuer | None = None,
        **options: Unpack[ProviderOptions],
    ) -> Provider:
        """Make a provider that trusts the cluster's issuer, or another, or replace it."""
        home = pool or self.pool()
        made = Provider(name, home, issuer or self.issuer, **options)
        with self.lock:
            home.providers[name] = made
        return made

    def gke_cluster(
        self,
        name: str = "prod",
        *,
        location: str = "europe-west1",
        project: str = PROJECT,
        issuer: Issuer | None = None,
    ) -> Cluster:
        """Make a GKE cluster whose tokens are the world's issuer's, or another's."""
        made = Cluster(name, location, self.project(project), issuer or self.issuer)
        with self.lock:
            self.clusters[made.audience] = made
        return made

    def grant(self, member: str | ServiceAccount | User, role: str, on: str | Named) -> None:
        """
        Let a member have a role on a resource and all within it.

        Args:
            member: as IAM writes it, or an account or user.
            role: such as `roles/secretmanager.secretAccessor`.
            on: a secret, key, service account or project, or a resource's name.

        Raises:
            ValueError: for a role or a form of member that this world does not know.
        """
        with self.lock:
            self.bindings.grant(_member(member), role, _resource(on))

    def revoke(self, member: str | ServiceAccount | User, role: str, on: str | Named) -> None:
        """Take a role back."""
        with self.lock:
            self.bindings.revoke(_member(member), role, _resource(on))

    def access_token(
        self,
        who: ServiceAccount | User | Principal,
        *,
        scopes: Iterable[str] = (CLOUD_PLATFORM,),
        lifetime: float = LIFETIME,
    ) -> str:
        """Give an access token without any login; `lifetime` is in seconds."""
        principal = who if isinstance(who, Principal) else who.principal
        return self.tokens.issue(principal, scopes, self.clock.now() + lifetime).value

    def expire_tokens(self, principal: str = "") -> int:
        """End access tokens now, all or those of one member; gives how many."""
        return self.tokens.expire(self.clock.now(), principal)

    def put_secret(
        self, name: str, value: str | bytes, *, project: str = PROJECT, location: str = ""
    ) -> Secret:
        """
        Make a secret with its first version, or add the next version to the one of that name.

        Args:
            name: its id.
            value: text is stored as UTF-8; at most 64 KiB.
            project: that it is in.
            location: of a regional secret; a global one without.
        """
        made = Secret(name, self.project(project), location)
        with self.lock:
            secret = self.secrets.setdefault(made.name, made)
            secret.add(_bytes(value), now=self.clock.now())
        return secret

    def rotate(self, secret: Secret, value: str | bytes) -> int:
        """Add a version to a secret; gives its number."""
        with self.lock:
            return secret.add(_bytes(value), now=self.clock.now()).number

    def set_version_state(self, secret: Secret, number: int, state: State) -> None:
        """Make a version ENABLED, DISABLED or, for good, DESTROYED."""
        with self.lock:
            secret.set_state(number, state, now=self.clock.now())

    def set_alias(self, secret: Secret, alias: str, number: int) -> None:
        """Let an alias name a version."""
        with self.lock:
            secret.aliases[alias] = number

    def delete_secret(self, secret: Secret) -> None:
        """Remove a secret with all its versions."""
        with self.lock:
            self.secrets.pop(secret.name, None)

    def crypto_key(
        self,
        name: str,
        *,
        ring: str = "prod",
        location: str = "europe-west1",
        project: str = PROJECT,
    ) -> CryptoKey:
        """Give a symmetric key, new when it is asked for the first time."""
        home = self.project(project).name
        resource = f"{home}/locations/{location}/keyRings/{ring}/cryptoKeys/{name}"
        with self.lock:
            return self.crypto_keys.setdefault(resource, CryptoKey(resource, location))


def _number(text: str, *, digits: int = 12) -> str:
    """Make a number for a name, the same for the same name."""
    return str(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))[:digits]


def _member(member: str | ServiceAccount | User) -> str:
    return member if isinstance(member, str) else member.member


def _resource(on: str | Named) -> str:
    return on if isinstance(on, str) else on.name


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
