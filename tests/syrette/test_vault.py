"""What `render`, `explain` and `fetch` make of secrets of Vault."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import yaml

from injector.contract import codec, names
from injector.contract.plan import Plan
from injector.contract.stores import Hop, Store
from syrette.__main__ import main
from syrette.local import local

if TYPE_CHECKING:
    from pathlib import Path

Typed = Callable[..., tuple[int, str, str]]
"""A command about a pod with these annotations: code, output and errors."""

CONFIG = """
defaults:
  aws.region: eu-west-1
  vault.address: https://vault.acme.io:8200
  vault.role: "{namespace}_{service-account}"
"""
ITEM = "- {from: vault:pki/issue/web, data: {common_name: web.shop.svc, ttl: 24h}, dir: tls}"
SECRETS = {
    "file.password": "vault:secret/app/web#password",
    "file.user": "vault:secret/app/web#username",
    "file.old": "vault:secret/app/web?version=3",
    "file.db": "vault:database/creds/readonly",
    "file.aws": "vault:team/aws/sts/deploy?engine=team/aws",
    "secrets": ITEM,
}


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Type a command about a pod of the namespace `shop` and the account `web`."""
    config = tmp_path / "operator.yaml"
    config.write_text(CONFIG)

    def run(command: str, *rest: str, **annotations: str) -> tuple[int, str, str]:
        keys = {key.replace("__", ".").replace("_", "-"): it for key, it in annotations.items()}
        given = {f"syrette.dev/{key}": text for key, text in (keys or SECRETS).items()}
        document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop", "annotations": given},
            "spec": {
                "serviceAccountName": "web",
                "containers": [{"name": "web", "image": "acme/web"}],
            },
        }
        text = yaml.safe_dump(document)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code = main([command, "--config", str(config), *rest, "-f", "-"])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def test_a_pod_with_secrets_of_vault_renders(typed: Typed) -> None:
    """The manifest has the token of the login and a plan that the injector reads."""
    code, output, _ = typed("render")
    spec = yaml.safe_load(output)["spec"]
    (identity,) = [it for it in spec["volumes"] if it["name"] == names.IDENTITY_VOLUME]
    (entry,) = [it for it in spec["initContainers"][0]["env"] if it["name"] == names.PLAN_VARIABLE]
    plan = codec.load(entry["value"])

    assert code == 0
    assert identity["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "vault"
    assert plan.store("vault").text("role") == "shop_web"
    assert str(plan.secrets[-1].sources[0].reference) == (
        "vault:pki/issue/web?data.common_name=web.shop.svc&data.ttl=24h"
    )


def test_explain_says_where_and_as_whom_a_pod_logs_in(typed: Typed) -> None:
    """Address, method, mount, role, namespaces and the token's audience."""
    code, output, _ = typed(
        "explain",
        file__a="vault:secret/a",
        vault__auth_mount="kubernetes-eu",
        vault__namespace="acme/shop",
        vault__auth_namespace="acme",
    )

    assert code == 0
    for line in (
        "address: https://vault.acme.io:8200",
        "login: kubernetes at auth/kubernetes-eu, as the role shop_web in the namespace acme",
        "with the token of web for audience vault",
        "reads in the namespace acme/shop",
    ):
        assert f"    {line}\n" in output
    assert "ambient" not in output


def test_explain_says_whose_signature_logs_in(typed: Typed) -> None:
    """The AWS identity, its store, the STS that Vault asks and the server id."""
    role = "arn:aws:iam::111122223333:role/web"
    code, output, _ = typed(
        "explain",
        file__a="vault:secret/a",
        vault__auth="aws",
        vault__aws_server_id="vault.acme.io",
        aws__assume_role=role,
    )

    assert code == 0
    assert "login: aws at auth/aws, as the role shop_web\n" in output
    assert (
        "    with a GetCallerIdentity for the STS of eu-west-1, good for the server id "
        "vault.acme.io only, signed by the identity of aws-secretsmanager:\n"
        "      login: the EKS Pod Identity agent, with the token of web for audience "
        "pods.eks.amazonaws.com; the association names the role\n"
        f"      then AssumeRole {role}\n"
    ) in output


def test_explain_says_that_the_global_sts_is_asked(typed: Typed) -> None:
    """Vault without a regional endpoint in its configuration knows that one only."""
    _, output, _ = typed(
        "explain", file__a="vault:secret/a", vault__auth="aws", vault__aws_sts="global"
    )

    assert "with a GetCallerIdentity for the global STS, signed by the identity" in output


@pytest.mark.parametrize(
    "line",
    [
        (
            "file password (mode 0444) ← vault:secret/app/web#password (vault)\n"
            "    by a KV read, or credentials with a lease where the engine is none of KV"
        ),
        (
            "file old (mode 0444) ← vault:secret/app/web?version=3 (vault)\n"
            "    by a KV 2 read, once (pinned)"
        ),
        (
            "file db (mode 0444) ← vault:database/creds/readonly (vault)\n"
            "    by a read of dynamic credentials, whose lease is renewed"
        ),
        (
            "file aws (mode 0444) ← vault:team/aws/sts/deploy?engine=team/aws (vault)\n"
            "    by a read of dynamic credentials, whose lease is renewed"
        ),
        (
            "directory tls/ (mode 0444) ← "
            "vault:pki/issue/web?data.common_name=web.shop.svc&data.ttl=24h (vault)\n"
            "    by a write with parameters (common_name, ttl)"
        ),
        (
            "calls: 1 × KV 2 read, once (pinned), 1 × KV read, or credentials with a lease where "
            "the engine is none of KV, 2 × read of dynamic credentials, whose lease is renewed, "
            "1 × write with parameters (common_name, ttl)"
        ),
    ],
)
def test_explain_says_what_each_secret_is_asked_for(typed: Typed, line: str) -> None:
    """KV reads, credentials with a lease and writes are told apart; one read is one call."""
    code, output, _ = typed("explain")

    assert code == 0
    assert f"{line}\n" in output


def test_explain_names_the_version_of_kv_that_is_given(typed: Typed) -> None:
    """Where Vault does not tell it, the store or the reference does."""
    _, output, _ = typed(
        "explain", file__a="vault:secret/a", file__b="vault:secret/b?kv=2", vault__kv="1"
    )

    assert "KV engines are version 1 where Vault does not tell" in output
    assert "calls: 1 × KV 1 read, 1 × KV 2 read\n" in output


def test_a_missing_role_is_told_with_its_line(typed: Typed) -> None:
    """A person reads what to add."""
    code, _, error = typed("render", file__a="vault:secret/a", vault__role="")

    assert code == 2
    assert "add `syrette.dev/vault.role: <role>`" in error


def test_fetch_has_no_token_of_a_pod(typed: Typed, tmp_path: Path) -> None:
    """A login by a service account's token is refused at once, with the command that can."""
    code, output, error = typed("fetch", "--out", str(tmp_path / "out"), file__a="vault:secret/a")

    assert (code, output) == (2, "")
    assert "store `vault`: the Vault login `kubernetes` needs a token" in error
    assert "syrette check" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("without_roles", [False, True])
def test_fetch_signs_a_login_as_the_developer(without_roles: bool) -> None:  # noqa: FBT001 - a table
    """The developer's identity takes the place of the pod's, with the chain of roles or without."""
    hops = (Hop("arn:aws:iam::111122223333:role/web"),)
    signer = Store("hub", "aws-ssm", {"auth": "pod-identity", "assume-role": hops})
    plan = Plan((), (Store("vault", "vault", {"auth": "aws"}, signer),), ())
    (store,) = local(plan, without_roles=without_roles).stores

    assert store.signer is not None
    assert (store.text("auth"), store.signer.text("auth")) == ("aws", "ambient")
    assert store.signer.hops() == (() if without_roles else hops)
