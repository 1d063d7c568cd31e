"""Whole pods: annotated, admitted, run as processes, with Azure and AWS behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.injector.supervisor.process import eventually
from tests.pod.tier import REFRESH, pod
from worlds import faults

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.azure import AzureWorld, Vault

SECRET = "azure-keyvault:acme-kv/secrets/db-password"


def _identity(azure: AzureWorld) -> dict[str, str]:
    web = azure.tenant().identity("web")
    return {"azure.tenant-id": web.tenant.id, "azure.client-id": web.client_id}


def test_a_pod_finds_its_azure_secrets_and_follows_them(
    tier: Tier, azure: AzureWorld, vault: Vault
) -> None:
    """As files and as a variable, with one login for init and sidecar."""
    asked = {
        "file.pw": SECRET,
        "env.PW": SECRET,
        "dir.tls": "azure-keyvault:acme-kv/certificates/w",
    }
    azure.put_certificate(vault, "w")
    runner = tier.start(pod({**asked, **_identity(azure), **REFRESH}))
    files = runner.directory("app", "/secrets")
    assert (files / "pw").read_text() == "s3cret"
    assert sorted(path.name for path in (files / "tls").iterdir()) == [
        "ca.crt",
        "tls.crt",
        "tls.key",
    ]
    azure.put_secret(vault, "db-password", "fresh")

    eventually(lambda: (files / "pw").read_text() == "fresh")
    assert azure.journal.count("Token") == 1


def test_one_provider_that_is_down_tears_nothing(
    tier: Tier, azure: AzureWorld, vault: Vault, world: AwsWorld
) -> None:
    """AWS moves on, Azure's file stays, and it follows when Azure is back."""
    world.put_secret("prod/db", "aws-0")
    asked = {"file.az": SECRET, "file.aws": "aws-secretsmanager:prod/db"}
    runner = tier.start(pod({**asked, **_identity(azure), **REFRESH}))
    files = runner.directory("app", "/secrets")
    assert ((files / "az").read_text(), (files / "aws").read_text()) == ("s3cret", "aws-0")
    azure.faults.add(faults.status(503))
    azure.put_secret(vault, "db-password", "fresh")
    world.rotate("prod/db", "aws-1")
    eventually(lambda: (files / "aws").read_text() == "aws-1")
    assert (files / "az").read_text() == "s3cret"
    azure.faults.clear()

    eventually(lambda: (files / "az").read_text() == "fresh")


def test_a_pod_that_azure_refuses_says_what_to_change(
    tier: Tier, azure: AzureWorld, vault: Vault
) -> None:
    """In the termination message, where people look, and no later than the pod's own deadline."""
    asked = {"file.pw": SECRET, "init-timeout": "5s", **_identity(azure)}
    runner = tier.runner(pod(asked, serviceAccountName="plain"))

    failure = tier.failure(runner)

    assert "AADSTS700213" in str(failure)
    assert "system:serviceaccount:shop:plain" in str(failure)
    assert (azure.journal.count("GetSecret"), vault.name) == (0, "acme-kv")
