"""How pods come to secrets of Vault: webhook, real patch, its containers as processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from injector.contract import names
from tests.injector.supervisor.process import eventually
from tests.pod.tier import SIDECAR
from tests.pod.vault.shop import DB, SECOND_AUDIENCE
from tests.policies import document

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pod.tier import Tier
    from tests.pod.vault.shop import Shop
    from worlds.aws import AwsWorld
    from worlds.vault import VaultWorld

NEVER = {"refresh": "never"}


def test_a_pod_logs_in_by_a_review_of_its_token(tier: Tier, shop: Shop) -> None:
    """One projected token, one TokenReview, one login, one read."""
    shop.put("s3cret")
    runner = tier.start(shop.pod({"file.password": f"{DB}#password", **NEVER}))
    (login,) = shop.vault.audit.logins("kubernetes")

    assert (runner.directory("app", "/secrets") / "password").read_text() == "s3cret"
    assert login.metadata["service_account_name"] == "web"
    assert len(tier.tokens) == 1
    assert len(shop.vault.audit.calls("secret/data/", operation="read")) == 1


def test_a_pod_of_another_account_is_refused_within_a_try(tier: Tier, shop: Shop) -> None:
    """Exit code of identity, and who it was."""
    shop.put("s3cret")
    asked = {"file.password": DB, "vault.role": "shop_web", **NEVER}
    failure = tier.failure(tier.runner(shop.pod(asked, serviceAccountName="plain")))

    assert failure.exit_code == 11
    assert "the role is not for this service account" in failure.termination_message
    assert "service account plain of namespace shop" in failure.termination_message
    assert "init is tried again" not in failure.log


def test_a_pod_logs_in_by_its_aws_identity(
    tier: Tier, shop: Shop, front: VaultWorld, world: AwsWorld
) -> None:
    """A signed request of its web identity; no token of Kubernetes reaches Vault."""
    shop.put("s3cret")
    shop.sign(world.account().web_identity_role("web", world.issuer, "shop", "web"))
    patched = tier.patched(shop.pod({"file.db": "signed:secret/prod/db#password"}))
    runner = tier.start(shop.pod({"file.db": "signed:secret/prod/db#password", **NEVER}))
    (login,) = front.journal.calls("Login", service="aws")

    assert (runner.directory("app", "/secrets") / "db").read_text() == "s3cret"
    assert login.principal.endswith(":assumed-role/web/syrette-shop-web")
    assert "sts.amazonaws.com" in json.dumps(patched["spec"]["volumes"])
    assert '"audience": "vault"' not in json.dumps(patched["spec"]["volumes"])
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_aws_and_vault_are_one_publication(tier: Tier, shop: Shop, world: AwsWorld) -> None:
    """A file of both, and both change in it by the running sidecar; a login of each."""
    world.account().role("web", document("web-identity-trust"), document("permissions"))
    world.put_secret("prod/db", "a0")
    shop.put("v0")
    item = """
- from: {cloud: aws-secretsmanager:prod/db, vault: vault:secret/prod/db}
  file: both
  template: "{{ cloud }} {{ vault.password }}"
"""
    runner = tier.start(shop.pod({"secrets": item, "file.password": f"{DB}#password"}))
    files = runner.directory("app", "/secrets")
    assert (files / "both").read_text() == "a0 v0"
    world.rotate("prod/db", "a1")
    shop.put("v1")
    eventually(lambda: (files / "both").read_text() == "a1 v1")

    assert set_of(files) == {"both": "a1 v1", "password": "v1"}
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1
    assert shop.logins() == 1


def test_two_vaults_are_told_apart(tier: Tier, shop: Shop, front: VaultWorld) -> None:
    """Two addresses, methods and audiences in one pod: neither sees the other's token."""
    shop.put("first")
    shop.put("second", "prod/card")
    asked = {"file.db": f"{DB}#password", "file.card": "payments:secret/prod/card#password"}
    runner = tier.start(shop.pod(asked))
    files = runner.directory("app", "/secrets")
    before = shop.logins()
    shop.put("third", "prod/card")
    eventually(lambda: (files / "card").read_text() == "third")
    tokens = runner.directory(SIDECAR, names.TOKEN_DIRECTORY)

    assert (files / "db").read_text() == "first"
    assert before == shop.logins() == 2
    assert [len(front.journal.calls("Login", service=it)) for it in ("jwt", "kubernetes")] == [1, 0]
    assert {path.name for path in tokens.iterdir() if not path.name.startswith("..")} == {
        names.token_file("vault"),
        names.token_file(SECOND_AUDIENCE),
    }


def set_of(files: Path) -> dict[str, str]:
    """Every file of a set."""
    return {it.name: it.read_text() for it in files.iterdir() if not it.name.startswith("..")}
