"""
All five families of providers in one process of their own, and what a pod of each asks for.

Run as `python -m benchmarks.provider_world`; speaks as `benchmarks.world` does. AWS, Google and
Azure are simulated, OpenBao is the real one, documents are encrypted by the real sops. All of them
trust one cluster.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyrage

from benchmarks.world import NAMESPACE, POD, SECRET_BYTES, SERVICE_ACCOUNT
from worlds.aws import AwsWorld
from worlds.azure import AzureWorld
from worlds.egress import Egress
from worlds.gcp import GcpWorld
from worlds.kubernetes import KubernetesWorld
from worlds.openbao import OpenBao

if TYPE_CHECKING:
    from worlds.openbao import Namespace

AGE_SECRET: Final = "sops-age"  # noqa: S105 - a name
AGE_KEY: Final = "age.agekey"
_SECRET: Final = "bench"  # noqa: S105 - a name
_VAULT: Final = "bench-kv"
_VALUE: Final = "x" * SECRET_BYTES
_DOCUMENT: Final = f"username: web\npassword: {_VALUE}\n"
_AWS: Final = f"aws-secretsmanager:{_SECRET}"
_AZURE: Final = f"azure-keyvault:{_VAULT}/secrets/{_SECRET}"
_GOOGLE: Final = f"gcp-secretmanager:{_SECRET}"
_OPENBAO: Final = f"vault:secret/{_SECRET}#password"
_SOPS_KMS: Final = "sops:configmap/kms/secrets.yaml#password"
_SOPS_AGE: Final = "sops:configmap/age/secrets.yaml#password"
ALL: Final = "all five"
PODS: Final = {
    "aws-secretsmanager": {"file.aws": _AWS},
    "vault": {"file.vault": _OPENBAO},
    "gcp-secretmanager": {"file.gcp": _GOOGLE},
    "azure-keyvault": {"file.azure": _AZURE},
    "sops (age)": {
        "file.sops": _SOPS_AGE,
        "sops.age-key-secret": f"{AGE_SECRET}/{AGE_KEY}",
    },
    "sops (AWS KMS)": {"file.sops": _SOPS_KMS},
    ALL: {
        "file.aws": _AWS,
        "file.azure": _AZURE,
        "file.gcp": _GOOGLE,
        "file.sops": _SOPS_KMS,
        "file.vault": _OPENBAO,
    },
}
"""Annotations of each pod without our domain: one secret of 600 bytes from each provider."""


def asked(pod: str) -> dict[str, str]:
    """Give the annotations of one of `PODS`."""
    return {f"syrette.dev/{key}": text for key, text in PODS[pod].items()}


def main() -> None:
    """Serve until standard input ends."""
    # Whoever started us closes it and says SIGTERM as well, which would leave OpenBao running.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with ExitStack() as stack:
        aws = stack.enter_context(AwsWorld())
        issuer = aws.issuer
        cluster = stack.enter_context(KubernetesWorld(issuer=issuer))
        keys = issuer.key_set()
        gcp = stack.enter_context(GcpWorld(issuer=issuer.url, key_set=keys))
        azure = stack.enter_context(AzureWorld(issuer=issuer.url, key_set=keys))
        egress = stack.enter_context(Egress(azure.routes))
        openbao = stack.enter_context(OpenBao())
        five = _Five(aws, gcp, azure, openbao.root)
        print(json.dumps(five.furnish(cluster, egress.url)), flush=True)
        for line in sys.stdin:
            word, audience = line.split()
            assert word == "token"
            token = issuer.mint(NAMESPACE, SERVICE_ACCOUNT, audience, pod=POD)
            print(json.dumps(token), flush=True)


@dataclass(frozen=True, slots=True)
class _Five:
    """The backends."""

    aws: AwsWorld
    gcp: GcpWorld
    azure: AzureWorld
    vault: Namespace

    def furnish(self, cluster: KubernetesWorld, proxy: str) -> dict[str, Any]:
        """
        Make one secret in each, which the pod's service account may read.

        Returns:
            What a `Scene` needs: trust, role, the operator's document and the pod's objects.
        """
        self._furnish_google()
        self._furnish_azure()
        self._furnish_vault(cluster)
        worlds = (self.aws, self.gcp, self.azure, self.vault)
        trust = "".join(world.ca_pem for world in worlds)
        return {
            "ca": trust,
            "role": self._furnish_aws(),
            "operator": self._operator(trust, proxy),
            "objects": self._objects(),
        }

    def _furnish_aws(self) -> str:
        account = self.aws.account()
        account.trust_issuer(self.aws.issuer)
        may = _allowing("secretsmanager:*", "kms:Decrypt")
        role = account.web_identity_role("web", self.aws.issuer, NAMESPACE, SERVICE_ACCOUNT, may)
        self.aws.put_secret(_SECRET, _VALUE)
        return str(role.arn)

    def _furnish_google(self) -> None:
        member = self.gcp.provider().member(NAMESPACE, SERVICE_ACCOUNT)
        secret = self.gcp.put_secret(_SECRET, _VALUE)
        self.gcp.grant(member, "roles/secretmanager.secretAccessor", secret)

    def _furnish_azure(self) -> None:
        vault = self.azure.vault(_VAULT)
        vault.grant(self.azure.workload("web", NAMESPACE, SERVICE_ACCOUNT), "secrets/get")
        self.azure.put_secret(vault, _SECRET, _VALUE)

    def _furnish_vault(self, cluster: KubernetesWorld) -> None:
        cluster.service_account(NAMESPACE, SERVICE_ACCOUNT)
        self.vault.kv("secret")
        self.vault.put("secret", _SECRET, password=_VALUE)
        readable = (f"secret/data/{_SECRET}", f"secret/metadata/{_SECRET}")
        self.vault.policy("bench", {path: ["read"] for path in readable})
        self.vault.kubernetes(cluster.url, cluster.ca_pem, cluster.reviewer())
        self.vault.kubernetes_role("web", "bench")

    def _operator(self, trust: str, proxy: str) -> dict[str, Any]:
        google = {f"gcp.{name}": url for name, url in self.gcp.endpoints.items()}
        amazon = {f"aws.{name}": url for name, url in self.aws.endpoints.items()}
        return {
            "cluster": "bench",
            "ca-bundle": trust,
            "endpoints": {**amazon, **google},
            # Azure has no endpoints to configure: its own names lead to the world.
            "proxy": {"https": proxy, "no-proxy": ["127.0.0.1", "localhost"]},
            "defaults": {
                "aws.region": self.aws.region,
                "azure.client-id": self.azure.tenant().identity("web").client_id,
                "azure.tenant-id": self.azure.tenant().id,
                "gcp.project": self.gcp.project().id,
                "gcp.workload-identity-provider": self.gcp.provider().name,
                "vault.address": self.vault.address,
                "vault.role": "web",
            },
        }

    def _objects(self) -> dict[str, Any]:
        """Give the pod's ConfigMaps with documents, and the Secret with an identity of age."""
        identity = pyrage.x25519.Identity.generate()
        writer = self.aws.account().user("writer", _allowing("kms:Encrypt"))
        access = self.aws.access_key(writer)
        environment = {
            "AWS_ACCESS_KEY_ID": access.id,
            "AWS_SECRET_ACCESS_KEY": access.secret,
            "AWS_ENDPOINT_URL_KMS": self.aws.endpoint("kms"),
            "AWS_CA_BUNDLE": str(self.aws.ca_path),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        by_kms = _sealed(environment, "--kms", self.aws.kms_key().arn)
        by_age = _sealed({}, "--age", str(identity.to_public()))
        return {
            "configMap": {"kms": {"secrets.yaml": by_kms}, "age": {"secrets.yaml": by_age}},
            "secret": {AGE_SECRET: {AGE_KEY: str(identity)}},
        }


def _allowing(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _sealed(environment: dict[str, str], *keys: str) -> str:
    """Have the real sops encrypt the document; it must succeed."""
    sops = Path(sys.executable).parent / "sops"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "secrets.yaml"
        path.write_text(_DOCUMENT)
        return subprocess.run(
            [str(sops), "--disable-version-check", "encrypt", *keys, str(path)],
            env={"HOME": folder, "PATH": os.defpath, **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout


if __name__ == "__main__":
    main()
