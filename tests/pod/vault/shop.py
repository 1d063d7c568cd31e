"""A namespace of Vault as docs/providers/vault.md sets it up for shop/web, and pods that use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.pod.tier import REFRESH, pod
from tests.vault_page import blocks

if TYPE_CHECKING:
    from tests.pod.webhook import Pod
    from worlds.aws import Role
    from worlds.openbao import Namespace
    from worlds.postgres import Postgres
    from worlds.vault import VaultWorld

ROLE: Final = "shop_web"
SERVER_ID: Final = "vault.acme.io"
SECOND_AUDIENCE: Final = "vault-payments"
DB: Final = "vault:secret/prod/db"
CREDENTIALS: Final = "database/creds/app"


class Shop:
    """
    One namespace, which knows shop/web by all three methods.

    Args:
        vault: the namespace, whose login methods know the cluster.
        front: another address of it, for the stores `payments` (jwt) and `signed` (aws).
    """

    def __init__(self, vault: Namespace, front: VaultWorld) -> None:
        self.vault = vault
        self._front = front
        self.policy("kv2", "database")
        vault.kubernetes_role(ROLE, ROLE, token_ttl="15m", token_period="15m")
        vault.jwt_role(ROLE, ROLE, audience=SECOND_AUDIENCE)
        vault.kv("secret")

    def policy(self, *names: str) -> None:
        """Write policies of the page as that of the role."""
        text = "".join(blocks()["policy", name] for name in names)
        self.vault.api.write(f"sys/policies/acl/{ROLE}", policy=text)

    def put(self, password: str, name: str = "prod/db") -> None:
        """Write a secret's next version."""
        self.vault.put("secret", name, password=password)

    def lease(self, postgres: Postgres) -> None:
        """Let pods have users of a database."""
        self.vault.database(postgres)

    def sign(self, role: Role) -> None:
        """Enable the aws method, as section 3 does."""
        through = self._front.front_of(self.vault)
        through.login_method("aws", "aws")
        through.api.write(
            "auth/aws/config/client",
            iam_server_id_header_value=SERVER_ID,
            sts_endpoint="https://sts.eu-west-1.amazonaws.com",
            sts_region="eu-west-1",
        )
        through.api.write(
            f"auth/aws/role/{ROLE}",
            auth_type="iam",
            bound_iam_principal_arn=role.arn,
            token_policies=ROLE,
            token_ttl="15m",
            token_max_ttl="15m",
        )

    def pod(self, annotations: dict[str, str], **spec: Any) -> Pod:  # noqa: ANN401 - any field of a pod
        """A pod that reads in this namespace, every second."""
        second = {
            "provider": "vault",
            "address": self._front.address,
            "namespace": self.vault.path,
            "role": ROLE,
        }
        stores = {
            "payments": {**second, "auth": "jwt", "audience": SECOND_AUDIENCE},
            "signed": {**second, "auth": "aws", "aws-server-id": SERVER_ID},
        }
        ours = {"vault.namespace": self.vault.path, "stores": json.dumps(stores), **REFRESH}
        return pod({**ours, **annotations}, **spec)

    def logins(self, mount: str = "") -> int:
        """How many there were."""
        return len(self.vault.audit.logins(mount))
