"""The guard rails of `examples/` do what they say."""

from __future__ import annotations

import kubernetes_validate
import pytest
import yaml

from tests.deploy.chart import Object, admitted
from tests.house.source import ROOT

FOLDER = ROOT / "examples" / "guard-rails"
STORES, CHECK = "stores-by-service-account.yaml", "check-per-tenant.yaml"


def _objects(name: str) -> list[Object]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


def _pod(account: str, annotations: dict[str, str]) -> Object:
    keys = {f"syrette.dev/{key}": value for key, value in annotations.items()}
    return {"metadata": {"annotations": keys}, "spec": {"serviceAccountName": account}}


@pytest.mark.parametrize("name", [STORES, CHECK])
def test_each_object_is_one_that_kubernetes_knows(name: str) -> None:
    """What is copied from an example can be applied."""
    made = _objects(name)
    for item in made:
        kubernetes_validate.validate(item, "1.37", strict=True)

    assert made


@pytest.mark.parametrize(
    ("account", "annotations", "passes"),
    [
        ("web", {"file.db": "app:prod/db"}, True),
        ("web", {"file.db": "app:prod/db", "env.KEY": "aws-ssm:/key"}, True),
        ("web", {"aws.region": "eu-west-1", "mode": "0440"}, True),
        ("web", {"file.db": "billing:prod/db"}, False),
        ("web", {"file.db": "app:prod/db", "dir.x": "billing:prod/db"}, False),
        ("web", {"env.KEY": " app:prod/db"}, False),
        ("web", {"file.db": "application:prod/db"}, False),
        ("web", {"file.db": "arn:aws:secretsmanager:eu-west-1:444455556666:secret:x"}, False),
        ("web", {"secrets": "- app:prod/db"}, False),
        ("web", {"secrets.more": "- app:prod/db"}, False),
        ("web", {"file.db": "app:x", "stores": "app: {provider: aws-ssm}"}, False),
        ("invoices", {"file.db": "billing:prod/db"}, True),
        ("invoices", {"file.db": "arn:aws:secretsmanager:eu-west-1:444455556666:secret:x"}, True),
        ("stranger", {"file.db": "app:prod/db"}, False),
        ("stranger", {"aws.region": "eu-west-1"}, True),
        ("admin", {"file.db": "billing:prod/db", "secrets": "- app:prod/db"}, True),
    ],
)
def test_a_service_account_asks_for_its_stores_only(
    account: str, annotations: dict[str, str], *, passes: bool
) -> None:
    """By what every reference begins with; the long form is for accounts that may use all."""
    policy, _, parameters = _objects(STORES)
    parameters["data"]["admin"] = ".*"

    assert admitted(policy, _pod(account, annotations), parameters) is passes


def test_a_namespace_without_its_list_allows_nothing() -> None:
    """Removing the ConfigMap is no way around it."""
    binding = _objects(STORES)[1]["spec"]

    assert binding["paramRef"] == {
        "name": "syrette-stores",
        "parameterNotFoundAction": "Deny",
    }
    assert binding["validationActions"] == ["Deny"]


def test_a_tenant_gets_tokens_of_named_accounts_only() -> None:
    """A rule for tokens without names would be for every account; a list cannot have names."""
    rules = [
        (
            item["metadata"].get("namespace", "*"),
            tuple(rule["resources"]),
            tuple(rule["verbs"]),
            bool(rule.get("resourceNames")),
        )
        for item in _objects(CHECK)
        for rule in item.get("rules", [])
    ]

    assert rules == [
        ("shop", ("serviceaccounts/token",), ("create",), True),
        ("shop", ("serviceaccounts",), ("get",), True),
        ("shop", ("limitranges", "resourcequotas"), ("list",), False),
        ("*", ("namespaces",), ("get",), True),
    ]
