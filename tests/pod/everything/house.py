"""One secret in each of five backends, and how each of them changes and fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.injector.keyservices.sealing import sops
from tests.injector.tenant import allowing
from tests.pod.tier import REFRESH, pod
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pod.webhook import Pod
    from worlds.aws import AwsWorld
    from worlds.azure import AzureWorld
    from worlds.gcp import GcpWorld
    from worlds.openbao import Namespace

FILES: Final = ("aws", "azure", "gcp", "sops", "vault")


class House:
    """
    The five, each with the value `<name>-0`.

    Args:
        aws: with a role for shop/web.
        vault: a namespace that knows the cluster.
        gcp: with a provider that trusts it.
        azure: with an identity for shop/web.
        folder: for documents of sops.
    """

    def __init__(
        self, aws: AwsWorld, vault: Namespace, gcp: GcpWorld, azure: AzureWorld, folder: Path
    ) -> None:
        self.aws, self.vault, self.gcp, self.azure, self._folder = aws, vault, gcp, azure, folder
        may = allowing("secretsmanager:*", "kms:Decrypt")
        aws.account().web_identity_role("web", aws.issuer, "shop", "web", may)
        aws.put_secret("prod/db", "aws-0")
        vault.policy("shop", {"secret/data/db": ["read"], "secret/metadata/db": ["read"]})
        vault.kubernetes_role("web", "shop")
        vault.kv("secret")
        vault.put("secret", "db", password="vault-0")
        self._google = gcp.put_secret("db", "gcp-0")
        member = gcp.provider().member("shop", "web")
        gcp.grant(member, "roles/secretmanager.secretAccessor", self._google)
        self._key_vault = azure.vault("acme-kv")
        self._key_vault.grant(azure.tenant().identity("web"), "secrets/get")
        azure.put_secret(self._key_vault, "db", "azure-0")
        self._kms = aws.kms_key()
        self.config_map = {"secrets.yaml": self.sealed("sops-0")}

    def sealed(self, value: str) -> str:
        """Have the real sops encrypt a document to the key of AWS KMS."""
        writer = self.aws.account().user("writer", allowing("kms:Encrypt"))
        access = self.aws.access_key(writer)
        path = self._folder / "secrets.yaml"
        path.write_text(f"password: {value}\n")
        environment = {
            "AWS_ACCESS_KEY_ID": access.id,
            "AWS_SECRET_ACCESS_KEY": access.secret,
            "AWS_ENDPOINT_URL_KMS": self.aws.endpoint("kms"),
            "AWS_CA_BUNDLE": str(self.aws.ca_path),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        keys = ("--kms", self._kms.arn)
        return sops(self._folder, environment, "encrypt", *keys, str(path)).decode()

    def pod(self, **spec: Any) -> Pod:  # noqa: ANN401 - any field of a pod
        """A pod that asks all five."""
        asked = {
            "file.aws": "aws-secretsmanager:prod/db",
            "file.azure": "azure-keyvault:acme-kv/secrets/db",
            "file.gcp": "gcp-secretmanager:db",
            "file.sops": "sops:configmap/app/secrets.yaml#password",
            "file.vault": "vault:secret/db#password",
            "vault.namespace": self.vault.path,
        }
        return pod({**asked, **REFRESH}, **spec)

    def change(self, number: int) -> None:
        """Give each secret its next value."""
        self.aws.rotate("prod/db", f"aws-{number}")
        self.vault.put("secret", "db", password=f"vault-{number}")
        self.gcp.rotate(self._google, f"gcp-{number}")
        self.azure.put_secret(self._key_vault, "db", f"azure-{number}")
        self.config_map["secrets.yaml"] = self.sealed(f"sops-{number}")

    def take_down(self, name: str) -> None:
        """Let one of the clouds fail every call; AWS takes the key of the document with it."""
        self._faults(name).add(faults.status(503))

    def bring_back(self, name: str) -> None:
        """End that."""
        self._faults(name).clear()

    def _faults(self, name: str) -> faults.Faults:
        return {"aws": self.aws.faults, "azure": self.azure.faults, "gcp": self.gcp.faults}[name]
