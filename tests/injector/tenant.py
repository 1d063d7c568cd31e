"""A service account on the AWS world: its projected tokens, stores, sessions and reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from injector import logins
from injector.contract import names, references
from injector.contract.plan import Plan, Proxy
from injector.contract.stores import Hop, Store
from injector.identity.interface import Identity
from injector.identity.keys import POD_IDENTITY_AUDIENCE, WEB_IDENTITY_AUDIENCE, session_key
from injector.providers import PROVIDERS
from injector.providers.interface import Read
from tests.injector.cycle.pod import READ_ALL, Time

if TYPE_CHECKING:
    from pathlib import Path

    from injector.aws.sdk import Sdk
    from injector.identity.interface import Session, SessionKey
    from injector.providers.interface import Fetched
    from injector.retry import Retry
    from injector.sessions import SessionCache
    from worlds.aws import AwsWorld
    from worlds.aws.identities import Role

REGION = "eu-west-1"
ASSUME_ALL = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}
    ],
}


def trusting(*principals: str, tags: bool = True, **condition: dict[str, str]) -> dict[str, Any]:
    """Write a trust policy that lets ARNs assume a role, and tag its sessions."""
    actions = ["sts:AssumeRole", "sts:TagSession"] if tags else ["sts:AssumeRole"]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": actions,
    }
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def allowing(*actions: str, resource: str = "*") -> dict[str, Any]:
    """Write an identity policy."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def put_secrets(world: AwsWorld, count: int) -> list[str]:
    """Make secrets; gives their references."""
    for number in range(count):
        world.put_secret(f"prod/{number}", f"value-{number}")
    return [f"aws-secretsmanager:prod/{number}" for number in range(count)]


def read(text: str, known: str = "", served_by: str = "") -> Read:
    """Make a read of a reference, with what is held of it."""
    return Read(references.parse(text), known, served_by)


class Tenant:
    """
    One service account, whose role `web` may read everything and assume anything.

    Args:
        world: where it logs in.
        root: a folder for its tokens.
        namespace: its own.
        service_account: its own.
    """

    def __init__(
        self,
        world: AwsWorld,
        root: Path,
        namespace: str = "shop",
        service_account: str = "web",
    ) -> None:
        self.world = world
        base = root / namespace / service_account
        self.root = base / names.TOKEN_DIRECTORY[1:]
        self.root.mkdir(parents=True)
        self.identity = Identity(namespace, service_account, f"{service_account}-1", str(base))
        self.time = Time(world.clock.now())
        self._opened: list[SessionCache] = []
        world.account().trust_issuer(world.issuer)
        name = service_account if namespace == "shop" else f"{namespace}-{service_account}"
        self.role = self.web_identity_role(name)
        self.project()
        self.sessions = self.open()

    def web_identity_role(self, name: str, *policies: Any) -> Role:  # noqa: ANN401 - AWS's JSON
        """Make a role that trusts this service account; by default it may do everything."""
        given = policies or (READ_ALL, ASSUME_ALL)
        account, issuer = self.world.account(), self.world.issuer
        return account.web_identity_role(
            name, issuer, self.identity.namespace, self.identity.service_account, *given
        )

    def reader(self, name: str, *sources: str, account: str = "", **trust: Any) -> Role:  # noqa: ANN401 - of `trusting`
        """Make a role that may read everything and be assumed by others, by `web` if unsaid."""
        owner = self.world.account(account) if account else self.world.account()
        policy = trusting(*(sources or (self.role.arn,)), **trust)
        return owner.role(name, policy, READ_ALL, ASSUME_ALL)

    def project(self, audience: str = WEB_IDENTITY_AUDIENCE, **options: Any) -> Path:  # noqa: ANN401 - of `mint`
        """Write a projected token as the kubelet does; gives its file."""
        place = self.identity
        options = {"pod": place.pod, "lifetime": 86400, **options}
        subject = options.pop("service_account", place.service_account)
        token = self.world.issuer.mint(place.namespace, subject, audience, **options)
        path = self.root / names.token_file(audience)
        path.write_text(token + "\n")
        return path

    def associate(self, role: Role | None = None, **options: Any) -> Role:  # noqa: ANN401 - of `associate`
        """Give the service account a Pod Identity association and its token."""
        role = role or self.world.account().role("pod", POD_TRUST, READ_ALL, ASSUME_ALL)
        self.world.associate(
            self.identity.namespace, self.identity.service_account, role, **options
        )
        self.project(POD_IDENTITY_AUDIENCE)
        return role

    def rotating(self, audience: str = WEB_IDENTITY_AUDIENCE) -> Retry:
        """Give a policy of repetition in whose pauses the kubelet writes a new token."""

        def pause(_seconds: float) -> None:
            self.project(audience)

        return replace(self.time.retry, sleep=pause)

    def open(
        self, *, retry: Retry | None = None, proxy: Proxy | None = None, ca_bundle: str = ""
    ) -> SessionCache:
        """Open a further, empty cache, as another worker does."""
        plan = Plan((), (), (), ca_bundle=ca_bundle or self.world.ca_pem, proxy=proxy or Proxy())
        sessions = logins.open_sessions(
            plan, self.identity, retry=retry or self.time.retry, clock=self.time
        )
        self._opened.append(sessions)
        return sessions

    def close(self) -> None:
        """Close what was opened, as the end of a process does."""
        for sessions in self._opened:
            sdk_of(sessions).transport.close()

    def store(self, provider: str = "aws-secretsmanager", **settings: Any) -> Store:  # noqa: ANN401 - of a store
        """Give a store that logs in as `web`, with settings spelled with `_`."""
        shared: dict[str, Any] = {
            "region": REGION,
            "endpoints": tuple(sorted(self.world.endpoints.items())),
        }
        if settings.get("auth", "web-identity") == "web-identity":
            shared["role-arn"] = self.role.arn
        chain = settings.pop("assume_role", ())
        if chain:
            hops = (chain,) if isinstance(chain, str | Hop) else chain
            shared["assume-role"] = tuple(h if isinstance(h, Hop) else Hop(h) for h in hops)
        return Store(
            provider, provider, shared | {name.replace("_", "-"): v for name, v in settings.items()}
        )

    def key(self, store: Store, region: str = REGION) -> SessionKey:
        """Name a store's login."""
        return session_key(store, self.identity, region)

    def get(self, store: Store) -> Session:
        """Log in for a store, or not if there is a session."""
        return self.sessions.get(self.key(store))

    def fetch(
        self,
        store: Store,
        *reads: Read | str,
        denied: frozenset[str] = frozenset(),
        sessions: SessionCache | None = None,
    ) -> list[Fetched]:
        """Read from a store."""
        asked = [read(item) if isinstance(item, str) else item for item in reads]
        provider = PROVIDERS[store.provider]
        return provider.fetch(asked, store, sessions or self.sessions, denied)

    def who(self, session: Session) -> str:
        """Ask the world whose credentials a session has."""
        principal = self.world.principal_of(session.credentials.access_key_id)
        return principal.arn if principal else ""

    def pass_time(self, seconds: float) -> None:
        """Let time pass for the pod and the world."""
        self.time.now += seconds
        self.world.advance(seconds)


POD_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
}
"""Trust of a role of an association, as EKS's documentation writes it."""


def session_arn(role: Role, name: str = "syrette-shop-web") -> str:
    """Write the ARN of a session of a role."""
    return f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{name}"


def sdk_of(sessions: SessionCache) -> Sdk:
    """What makes the AWS clients of a cache."""
    assert isinstance(sessions._clients, logins.Clients)
    return sessions._clients.sdk
