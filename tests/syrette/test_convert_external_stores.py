"""Stores of ExternalSecrets: those that are read count, under names that the webhook admits."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from syrette import decisions
from syrette.convert import Converted, convert
from syrette.convert.findings import AZURE
from tests.syrette.converting import SETTINGS
from tests.syrette.externals import (
    AWS,
    DATA,
    VARIABLE,
    converted,
    document,
    findings,
    manifests,
    ours,
)
from webhook.review import Allowed

NORTH = {"aws": {"service": "SecretsManager", "region": "eu-north-1", "externalID": "x"}}
GOOGLE = {"gcpsm": {"projectID": "acme-prod", "location": "us-east1"}}
AZURE_STORE = {
    "azurekv": {
        "authType": "WorkloadIdentity",
        "vaultUrl": "https://acme-kv.vault.azure.net",
        "tenantId": "11111111-2222-3333-4444-555555555555",
    }
}


def admitted(result: Converted) -> None:
    """The webhook takes the first manifest."""
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def asked(store: dict[str, Any], key: str, **case: dict[str, str]) -> Converted:
    """Ask a store for one key as the variable PASSWORD."""
    data = [{"secretKey": "password", "remoteRef": {"key": key}}]
    return convert(manifests({"store": store, "secret": {"data": data}, **case}))


def test_the_store_of_an_external_secret_that_stays_does_not_count() -> None:
    """The one that is read is said by plain options, and nothing is said of the other."""
    given = manifests({"store": AWS, "secret": {"data": DATA}})
    spec = given[0]["spec"]
    spec["containers"][0]["volumeMounts"] = [
        {"name": "v", "mountPath": "/x", "subPath": "password"}
    ]
    spec["volumes"] = [{"name": "v", "secret": {"secretName": "stays"}}]
    stays = {"secretStoreRef": {"name": "north"}, "data": DATA}
    given.append(document("ExternalSecret", "stays", stays))
    given.append(document("SecretStore", "north", {"provider": NORTH}))
    result = convert(given)

    assert ours(result) == {"aws.region": "eu-west-1", "env.PASSWORD": "aws-secretsmanager:db"}
    assert [key for key in findings(result) if "north" in key] == []
    assert [line for line in result.todo if "north" in line] == []
    admitted(result)


def test_the_store_of_a_key_that_the_pod_does_not_read_does_not_count() -> None:
    """Nor what of it has no equivalent."""
    north = {"storeRef": {"name": "north"}}
    more = {"secretKey": "user", "remoteRef": {"key": "u"}, "sourceRef": north}
    given = manifests({"store": AWS, "secret": {"data": [*DATA, more]}})
    given.append(document("SecretStore", "north", {"provider": NORTH}))
    result = convert(given)

    assert ours(result) == {"aws.region": "eu-west-1", "env.PASSWORD": "aws-secretsmanager:db"}
    assert result.complete
    admitted(result)


def test_stores_of_one_name_and_two_families_have_two_names() -> None:
    """One would otherwise be written over the other."""
    key = {"storeRef": {"name": "main", "kind": "ClusterSecretStore"}}
    more = {"secretKey": "user", "remoteRef": {"key": "u"}, "sourceRef": key}
    user = {"name": "USER_NAME", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}}
    secret = {"data": [*DATA, more]}
    annotations = {
        "aws.region": "eu-north-1",
        "azure.tenant-id": "9" * 8 + "-2222-3333-4444-" + "5" * 12,
    }
    case = {"store": AWS, "secret": secret, "container": {"env": [VARIABLE, user]}}
    given = manifests({**case, "annotations": annotations})
    given.append(document("ClusterSecretStore", "main", {"provider": AZURE_STORE}))
    named = yaml.safe_load(ours(convert(given))["stores"])

    assert {name: it["provider"] for name, it in named.items()} == {
        "main": "aws-secretsmanager",
        "main-2": "azure-keyvault",
    }


def test_a_whole_name_of_googles_stays_the_name_it_is() -> None:
    """The store's project and location are of bare ids."""
    result = asked(GOOGLE, "projects/acme-other/secrets/x")

    assert ours(result)["env.PASSWORD"] == "gcp-secretmanager:projects/acme-other/secrets/x"
    admitted(result)


@pytest.mark.parametrize(
    ("store", "key", "said"),
    [
        (AZURE_STORE, "pw_2", "`pw_2` is no object's name"),
        (AZURE_STORE, "secret/pw_2", "`pw_2` is no object's name"),
        (GOOGLE, "a/b", "is no secret"),
        (GOOGLE, "projects/acme-other/secrets/x/versions/3", "has a version at its end"),
        (GOOGLE, "projects/$PROJECT_ID/secrets/x", "is no secret"),
    ],
)
def test_a_key_that_the_webhook_denies_stays_and_is_told(
    store: dict[str, Any], key: str, said: str
) -> None:
    """Nothing is reported as fine that is no pod afterwards."""
    result = asked(store, key)

    assert ours(result) == {}
    assert said in findings(result)["ExternalSecret/db spec.data[0]"][1]
    assert result.documents[0]["spec"]["containers"][0]["env"] == [VARIABLE]


def test_a_client_of_azure_that_no_store_has_is_asked_for() -> None:
    """Unless the pod names one."""
    client = {"azure.client-id": "99999999-2222-3333-4444-555555555555"}

    assert AZURE.format("client-id") in asked(AZURE_STORE, "db").todo
    assert AZURE.format("client-id") not in asked(AZURE_STORE, "db", annotations=client).todo


@pytest.mark.parametrize(
    ("case", "fate", "words"),
    [
        ({}, "not needed", "a variable is read once"),
        ({"volume": {"secretName": "db"}}, "becomes", "refresh: 30m"),
    ],
    ids=["a variable", "a file"],
)
def test_what_became_of_the_interval_is_told(case: dict[str, Any], fate: str, words: str) -> None:
    """Of variables, too."""
    result = converted({"data": DATA, "refreshInterval": "30m"}, **case)
    found = findings(result)["ExternalSecret/db spec.refreshInterval"]

    assert found[0] == fate
    assert words in found[1]
    assert ("refresh" in ours(result)) is ("volume" in case)
