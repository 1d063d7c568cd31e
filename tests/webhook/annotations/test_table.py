"""Every row of the annotation table: read where it may stand, typed, and into its field."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from injector.contract.plan import Action
from injector.contract.stores import PROVIDERS, Hop, Kind, StoreField
from tests.webhook.annotations.pods import ROLE, context, intent, reading
from webhook.annotations import placeholders, stores, table
from webhook.annotations.intent import Options, Scope
from webhook.settings import Settings

POD = {"syrette.dev/file.a": "aws-ssm:/a?region=eu-west-1"}
# A value of each option that is not its default, and what it becomes.
OPTIONS: dict[str, tuple[str, Any]] = {
    "mount-path": ("/config", "/config"),
    "containers": ("web, api", ("web", "api")),
    "refresh": ("never", 0.0),
    "on-change": ("restart", Action("restart")),
    "mode": ("0440", 0o440),
    "order": ("last", "last"),
    "init-timeout": ("90s", 90.0),
    "max-stale": ("24h", 86400.0),
    "max-stale-action": ("unready", "unready"),
    "restart-spread": ("5m", 300.0),
    "sidecar": ("classic", "classic"),
    "metrics-port": ("9090", 9090),
    "memory-limit": ("64Mi", "64Mi"),
    "memory-request": ("32Mi", "32Mi"),
    "cpu-limit": ("0.5", "0.5"),
    "cpu-request": ("50m", "50m"),
    "template-delimiters": ("[[ ]]", ("[[", "]]")),
    "override-env": ("true", True),
    "token-expiration": ("7200", 7200),
    "log-level": ("debug", "debug"),
}
FIELDS = {
    "aws.role-arn": ROLE,
    "aws.assume-role": ROLE,
    "aws.external-id": "acme",
    "aws.session-tags": "team=a",
    "aws.session-name": "name",
    "vault.address": "https://vault.acme.io",
    "vault.aws-store": "aws-ssm",
    "vault.timeout": "30",
    "gcp.workload-identity-provider": (
        "projects/123456789/locations/global/workloadIdentityPools/acme/providers/prod"
    ),
    "gcp.gke-cluster": "projects/acme-prod/locations/europe-west3/clusters/prod",
    "gcp.service-account": "web@acme.iam.gserviceaccount.com",
    "gcp.delegates": "hop@acme.iam.gserviceaccount.com",
    "gcp.credentials-secret": "google/key.json",
    "gcp.access-token-secret": "google/token",
    "azure.tenant-id": "11111111-2222-3333-4444-555555555555",
    "azure.client-id": "66666666-7777-8888-9999-000000000000",
}
SCOPES = (Scope.OPERATOR, Scope.NAMESPACE, Scope.SERVICE_ACCOUNT, Scope.POD)


def _given(key: str, text: str, scope: Scope) -> tuple[dict[str, str], Any, Settings]:
    """A pod, its context and settings of which one says `key`; staleness comes with its pair."""
    said = {key: text}
    if key.startswith("max-stale"):
        said = {"max-stale": "24h", "max-stale-action": "unready"}
    ours = {f"syrette.dev/{name}": value for name, value in said.items()}
    return (
        {**POD, **(ours if scope is Scope.POD else {})},
        context(
            ours if scope is Scope.NAMESPACE else {},
            ours if scope is Scope.SERVICE_ACCOUNT else {},
        ),
        Settings(defaults=said if scope is Scope.OPERATOR else {}),
    )


def test_the_rows_and_the_fields_of_options_are_the_same() -> None:
    """Each option has a row, each row a field, and these tests know every one."""
    rows = {row.field for row in table.OPTIONS.values()}

    assert rows == {field.name for field in fields(Options)} - {"given"}
    assert set(OPTIONS) == set(table.OPTIONS)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("key", OPTIONS)
def test_each_option_is_typed_in_each_scope(key: str, scope: Scope) -> None:
    """A value that is not the default arrives, from wherever it stands."""
    text, wanted = OPTIONS[key]
    row = table.OPTIONS[key]
    options = intent(*_given(key, text, scope)).options

    assert getattr(options, row.field) == wanted
    assert wanted != getattr(Options(), row.field)
    assert key in options.given


@pytest.mark.parametrize(
    "key", ["mount-path", "refresh", "order", "init-timeout", "sidecar", "template-delimiters"]
)
def test_the_default_in_the_documentation_is_the_real_one(key: str) -> None:
    """What the table says is what a pod gets that says nothing."""
    row = table.OPTIONS[key]

    assert row.parse(row.default) == getattr(Options(), row.field)


@pytest.mark.parametrize("scope", SCOPES[1:])
@pytest.mark.parametrize("key", table.FORMS)
def test_each_form_is_accepted_only_where_it_may_stand(key: str, scope: Scope) -> None:
    """A secret or the switch on a namespace is refused by name, stores are not."""
    name = f"{key}x" if key.endswith(".") else key
    pod, around, settings = _given(name, "", scope)
    _, problems = reading(pod, around, settings)
    misplaced = [str(problem) for problem in problems.found if "belong" in problem.message]

    assert bool(misplaced) == (scope not in table.FORMS[key].scopes)


def _sample(row: StoreField, key: str) -> str:
    return row.choices[0] if row.choices else FIELDS.get(key, "sample")


@pytest.mark.parametrize("key", table.STORE_OPTIONS)
def test_each_store_option_reaches_the_store_of_its_family(key: str) -> None:
    """`<family>.<field>` is the field of the family's built-in stores."""
    family, row = table.STORE_OPTIONS[key]
    provider = next(name for name, kind in PROVIDERS.items() if kind.family == family)
    pod = {f"syrette.dev/{key}": _sample(row, key), "syrette.dev/file.a": f"{provider}:x"}
    if key.startswith("vault.aws-"):
        pod["syrette.dev/vault.auth"] = "aws"
    found, _ = reading(pod)

    assert found is not None
    configured = found.stores[provider]
    assert configured.field_scopes[row.name] is Scope.POD
    assert configured.field_origins[row.name].key == f"syrette.dev/{key}"


@pytest.mark.parametrize("row", table.HONOURED, ids=lambda row: row.key)
def test_each_honoured_annotation_stands_for_its_option(row: table.Honoured) -> None:
    """What people already have on service accounts is a default."""
    value = ROLE if row.option == "aws.role-arn" else FIELDS.get(row.option, "7200")
    family = row.option.partition(".")[0]
    provider = {"gcp": "gcp-secretmanager", "azure": "azure-keyvault"}.get(family, "aws-ssm")
    pod = {"syrette.dev/file.a": f"{provider}:x"}
    around = context(service_account={row.key: value, "eks.amazonaws.com/role-arn": ROLE})
    found, _ = reading(pod, around)

    assert found is not None
    if row.option in table.OPTIONS:
        assert found.options.given[row.option].key == f"{row.key} (service account web)"
    else:
        origins = found.stores[provider].field_origins
        assert origins[row.option.partition(".")[2]].key == f"{row.key} (service account web)"


@pytest.mark.parametrize(
    ("kind", "text", "parts"),
    [
        (Kind.TEXT, "a,b", "a,b"),
        (Kind.NAMES, "a, {namespace}", ["a", "{namespace}"]),
        (Kind.PAIRS, "k={namespace}", {"k": "{namespace}"}),
        (Kind.PAIRS, "k=v", "k=v"),
    ],
)
def test_a_text_is_taken_apart_by_the_shape_of_its_field(
    kind: Kind, text: str, parts: object
) -> None:
    """Placeholders are then bounded by the parts' own ends."""
    row = next(row for row in table.FIELDS["aws"].values() if row.kind is kind)

    assert stores.apart(row, text) == parts
    assert stores.apart(row, ["a"]) == ["a"]


def test_a_hop_is_a_role_wherever_it_is_written() -> None:
    """The long way to write a chain gives the same hops as the comma list."""
    row = table.FIELDS["aws"]["assume-role"]
    facts = placeholders.Facts(namespace="shop")
    raw = stores.filled([{"role-arn": ROLE.replace("web", "{namespace}")}, 3], facts)

    assert raw == [{"role-arn": ROLE.replace("web", "shop")}, 3]
    assert stores.parse(row, raw[:1]) == (Hop(ROLE.replace("web", "shop")),)
