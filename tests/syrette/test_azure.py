"""What `explain` and `fetch` say of secrets of Azure."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from syrette.__main__ import main
from worlds.azure import AzureWorld
from worlds.egress import Egress
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from pathlib import Path

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
DOCUMENT = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "annotations": {
            "syrette.dev/azure.tenant-id": TENANT,
            "syrette.dev/azure.client-id": CLIENT,
            "syrette.dev/file.pw": "azure-keyvault:acme-kv/secrets/db-password",
            "syrette.dev/dir.tls": "azure-keyvault:acme-kv/certificates/web",
        },
    },
    "spec": {"serviceAccountName": "web", "containers": [{"name": "web", "image": "acme/web"}]},
}


@pytest.fixture(autouse=True)
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pod comes by standard input."""
    text = yaml.safe_dump(DOCUMENT).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))


def test_explain_says_who_the_pod_is_to_azure_and_what_is_called(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Client, tenant, cloud and the token's audience; one call a secret."""
    assert main(["explain", "-f", "-"]) == 0
    said = capsys.readouterr().out

    assert f"login: client {CLIENT} of the tenant {TENANT}, in the cloud public" in said
    assert "for audience api://AzureADTokenExchange" in said
    assert "2 × GetSecret (a certificate's key and chain are in its secret)" in said


def test_fetch_has_no_token_of_a_pod(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused at once, with the command that can."""
    assert main(["fetch", "--out", str(tmp_path / "out"), "-f", "-"]) == 2
    error = capsys.readouterr().err

    assert "store `azure-keyvault`: the login to Azure needs a token" in error
    assert "syrette check" in error
    assert not (tmp_path / "out").exists()


def test_check_reads_as_the_federated_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a token of the account that the cluster gives; the missing right is named before."""
    with AzureWorld() as azure, KubernetesWorld(issuer=azure.issuer) as cluster:
        azure.workload("web", "shop", "web")
        web, vault = azure.tenant().identity("web"), azure.vault("acme-kv")
        azure.put_secret(vault, "db-password", "s3cret-of-the-shop")
        cluster.apply("namespaces", "shop")
        cluster.apply(
            "serviceaccounts",
            "web",
            namespace="shop",
            metadata={
                "annotations": {
                    "azure.workload.identity/client-id": web.client_id,
                    "azure.workload.identity/tenant-id": azure.tenant().id,
                }
            },
        )
        cluster.node("node-1", "v1.37.1")
        with Egress(azure.routes) as egress:
            operator = {"ca-bundle": azure.ca_pem, "proxy": {"https": egress.url}}
            (tmp_path / "operator.yaml").write_text(yaml.safe_dump(operator))
            words = ["check", "-f", str(_manifest(tmp_path)), "-n", "shop"]
            words += ["--service-account", "web", "--config", str(tmp_path / "operator.yaml")]
            words += ["--kubeconfig", str(cluster.kubeconfig)]
            denied, refused = main(words), capsys.readouterr().out
            vault.grant(web, "secrets/get")
            code, said = main(words), capsys.readouterr().out

    assert denied != 0
    assert "Key Vault Secrets User" in refused
    assert (code, "readable" in said, web.client_id in said) == (0, True, True)
    assert "s3cret-of-the-shop" not in said


def _manifest(folder: Path) -> Path:
    metadata = {
        "name": "web",
        "namespace": "shop",
        "annotations": {"syrette.dev/file.pw": "azure-keyvault:acme-kv/secrets/db-password"},
    }
    path = folder / "pod.yaml"
    path.write_text(yaml.safe_dump({**DOCUMENT, "metadata": metadata}))
    return path
