"""One namespace of a server: what can be made in it, and what lives in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from worlds.openbao.api import Api, ApiError
from worlds.openbao.audit import AuditLog
from worlds.openbao.engines import Engines
from worlds.openbao.logins import Logins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OWN_MOUNTS: Final = frozenset({"cubbyhole/", "identity/", "sys/", "token/"})
_OWN_POLICIES: Final = frozenset({"default", "root"})


class Namespace(Engines, Logins):
    """
    A namespace, and the token that may do everything in it.

    ```python
    vault.path                                         # "t1"; empty for the root namespace
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kv("secret"); vault.put("secret", "prod/db", password="s3cret")
    vault.kubernetes(cluster.url, cluster.ca_pem, cluster.reviewer())
    vault.kubernetes_role("web", "shop", token_ttl="15m")
    vault.jwt(issuer); vault.jwt_role("web", "shop")
    vault.transit(); vault.pki(); vault.database(postgres, ttl="5s", max_ttl="20s")
    vault.namespace("team")                            # one in it
    vault.token("shop", ttl="1h")                      # a token without a login
    vault.tokens(), vault.leases("database/creds/app") # what lives
    vault.audit.logins("kubernetes")                   # who asked; see `AuditLog`
    vault.api.read("secret/data/prod/db")              # any other request
    ```

    Args:
        api: of the server, with such a token, in the namespace.
        audit_file: of the server.
    """

    def __init__(self, api: Api, audit_file: Path) -> None:
        Engines.__init__(self, api)
        self._audit_file = audit_file
        self.audit = AuditLog(audit_file, api.namespace)
        self._inner: list[Namespace] = []

    @property
    def path(self) -> str:
        """Its whole path, as `X-Vault-Namespace` has it."""
        return self.api.namespace

    @property
    def address(self) -> str:
        """Base URL of the server."""
        return self.api.address

    @property
    def ca_pem(self) -> str:
        """Certificate of the authority that signed the server's."""
        return self.api.ca_pem

    def namespace(self, name: str) -> Namespace:
        """Make a namespace in this one, which goes with `clear`."""
        made = self.make(name)
        self._inner.append(made)
        return made

    def make(self, name: str) -> Namespace:
        """Make a namespace in this one, which stays."""
        self.api.write(f"sys/namespaces/{name}")
        made = Namespace(self.api.within(f"{self.path}/{name}".strip("/")), self._audit_file)
        made.audit.clear()
        return made

    def through(self, address: str, ca_pem: str) -> Namespace:
        """Give the same namespace, asked at another address."""
        api = replace(self.api, address=address, ca_pem=ca_pem)
        made = Namespace(api, self._audit_file)
        made.audit.clear()
        return made

    def policy(self, name: str, rules: dict[str, list[str]]) -> str:
        """Write a policy of paths and their capabilities; gives its name."""
        document = {"path": {path: {"capabilities": may} for path, may in rules.items()}}
        self.api.write(f"sys/policies/acl/{name}", policy=json.dumps(document))
        return name

    def token(self, *policies: str, **options: Any) -> str:  # noqa: ANN401 - of auth/token/create
        """Make an orphan token with policies; `options` are those of `auth/token/create`."""
        answer = self.api.write(
            "auth/token/create-orphan", policies=list(policies), **{"ttl": "1h", **options}
        )
        return str(answer["auth"]["client_token"])

    def tokens(self) -> dict[str, dict[str, Any]]:
        """What is known of every live service token but our own, by accessor."""
        return dict(self._tokens())

    def leases(self, prefix: str) -> tuple[str, ...]:
        """Ids of the live leases of one role: `database/creds/app`."""
        keys = self.api.list(f"sys/leases/lookup/{prefix}")
        return tuple(f"{prefix}/{key}" for key in keys)

    def revoke(self, prefix: str) -> None:
        """Revoke every lease below a prefix, or every token of a login method, as operators do."""
        self.api.write(f"sys/leases/revoke-prefix/{prefix}", sync=True)

    def clear(self) -> None:
        """Take away what was made here: engines, login methods, policies, tokens, namespaces."""
        for inner in self._inner:
            inner.clear()
            self.api.delete(f"sys/namespaces/{inner.path.rpartition('/')[2]}")
        self._inner.clear()
        for kind in ("auth", "mounts"):
            for path in set(self.api.read(f"sys/{kind}")["data"]) - _OWN_MOUNTS:
                self.api.delete(f"sys/{kind}/{path.rstrip('/')}")
        for name in set(self.api.list("sys/policies/acl")) - _OWN_POLICIES:
            self.api.delete(f"sys/policies/acl/{name}")
        for accessor in self.tokens():
            self.api.write("auth/token/revoke-accessor", accessor=accessor)

    def _tokens(self) -> Iterator[tuple[str, dict[str, Any]]]:
        own = self.api.within("").read("auth/token/lookup-self")["data"]["accessor"]
        for accessor in self.api.list("auth/token/accessors"):
            if accessor == own:
                continue
            try:
                found = self.api.write("auth/token/lookup-accessor", accessor=accessor)
            except ApiError as exc:
                if exc.status not in {403, 404}:
                    raise
                continue  # it ended meanwhile
            yield accessor, found["data"]
