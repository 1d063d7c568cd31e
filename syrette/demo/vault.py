"""The servers of the demonstration on Vault: OpenBao, PostgreSQL and a simulated API server."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from worlds.kubernetes import KubernetesWorld
from worlds.openbao import OpenBao
from worlds.postgres import Postgres
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.openbao import AuditEntry, Namespace

DEPLOYMENT: Final = Path(__file__).with_name("vault.yaml")
NAMESPACE: Final = "shop"
SERVICE_ACCOUNT: Final = "web"
ROLE: Final = "shop-web"
CREDENTIALS: Final = "database/creds/app"
# What docs/providers/vault.md says that a pod needs.
_POLICY: Final = {
    "secret/data/prod/*": ["read"],
    "secret/metadata/prod/*": ["read"],
    CREDENTIALS: ["read"],
    "sys/leases/revoke": ["update"],
}


@dataclass(frozen=True, slots=True)
class Servers:
    """Everything that serves."""

    openbao: OpenBao
    postgres: Postgres
    cluster: KubernetesWorld
    issuer: Issuer

    @property
    def vault(self) -> Namespace:
        """The root namespace of OpenBao."""
        return self.openbao.root

    def put(self, password: str) -> None:
        """Write a new version of the database's secret."""
        self.vault.put("secret", "prod/db", username="shop", password=password)

    def asked(self) -> tuple[AuditEntry, ...]:
        """What pods have asked, by the audit log: all but what the root token did."""
        return tuple(entry for entry in self.vault.audit.entries if "root" not in entry.policies)


@contextmanager
def servers() -> Iterator[Servers]:
    """
    Start and set up the servers, as docs/providers/vault.md does.

    Raises:
        NotStartedError: when a program is not there.
    """
    issuer = Issuer()
    with ExitStack() as ends:
        # The one that may be missing comes first.
        openbao = ends.enter_context(OpenBao())
        postgres = ends.enter_context(Postgres())
        cluster = ends.enter_context(KubernetesWorld(issuer=issuer))
        made = Servers(openbao, postgres, cluster, issuer)
        _set_up(made)
        yield made


def _set_up(made: Servers) -> None:
    vault, cluster = made.vault, made.cluster
    cluster.service_account(NAMESPACE, SERVICE_ACCOUNT)
    vault.kubernetes(cluster.url, cluster.ca_pem, cluster.reviewer())
    vault.policy(ROLE, _POLICY)
    vault.kubernetes_role(ROLE, ROLE, namespaces=[NAMESPACE], service_accounts=[SERVICE_ACCOUNT])
    vault.kv("secret")
    made.put("correct-horse/battery#1")
    vault.put("secret", "prod/api", key="ak-live-93b1")
    vault.database(made.postgres)
    vault.audit.clear()


def operator(made: Servers) -> dict[str, Any]:
    """Write the operator's configuration: where this Vault is, and a policy."""
    stores = {"vault": ["secret/prod/**", CREDENTIALS]}
    return {
        "cluster": "demo",
        "defaults": {"vault.address": made.openbao.address},
        "ca-bundle": made.openbao.ca_pem,
        "policy": [{"name": "teams", "allow": {"stores": stores, "vault-roles": [ROLE]}}],
    }


def cluster_facts() -> dict[str, Any]:
    """Write the cluster's facts: the service account needs no annotation."""
    return {"namespaces": {NAMESPACE: {"service-accounts": {SERVICE_ACCOUNT: {}}}}}
