"""What of ExternalSecrets stays as it is, beside what and whom they become: told, never dropped."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from syrette import decisions
from syrette.convert import convert
from syrette.convert.findings import GOOGLE
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
    pod,
)
from webhook.review import Allowed


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({"dataFrom": [{"find": {"name": {"regexp": "."}}}]}, "no list is asked for"),
        ({"dataFrom": [{"extract": {"key": "a"}, "rewrite": [{"merge": {}}]}]}, "not renamed"),
        ({"dataFrom": [{"extract": {"key": "a"}}, {"extract": {"key": "b"}}]}, "which of several"),
        (
            {"dataFrom": [{"sourceRef": {"generatorRef": {"kind": "Password", "name": "p"}}}]},
            "nothing is generated",
        ),
        ({"data": [{"secretKey": "password", "remoteRef": {}}]}, "its key is missing"),
        (
            {"data": [{"secretKey": "password", "remoteRef": {"key": "a", "property": "b.1"}}]},
            "write it as JMESPath",
        ),
        (
            {"data": [{"secretKey": "password", "remoteRef": {"key": "a", "property": "b|@this"}}]},
            "write it as JMESPath",
        ),
        (
            {
                "data": [
                    {"secretKey": "password", "remoteRef": {"key": "a", "metadataPolicy": "Fetch"}}
                ]
            },
            "tags and labels",
        ),
        ({"data": DATA, "target": {"creationPolicy": "None"}}, "it makes no Secret"),
        ({"data": DATA, "target": {"manifest": {"kind": "ConfigMap"}}}, "it makes no Secret"),
        (
            {
                "data": DATA,
                "target": {"template": {"engineVersion": "v1", "data": {"password": "x"}}},
            },
            "engine v2",
        ),
        (
            {"data": DATA, "target": {"template": {"templateFrom": [{"literal": "x"}]}}},
            "put its text into",
        ),
        ({"data": DATA, "secretStoreRef": {"name": "other"}}, "is not among the manifests"),
        (
            {"data": DATA, "secretStoreRef": {"name": "main", "kind": "ClusterSecretStore"}},
            "is not among the manifests",
        ),
    ],
)
def test_a_variable_without_an_equivalent_stays_and_the_reason_is_told(
    secret: dict[str, Any], said: str
) -> None:
    """The ExternalSecret goes on making the Secret that the pod reads."""
    result = converted(secret)
    (container,) = result.documents[0]["spec"]["containers"]

    assert container["env"] == [VARIABLE]
    assert ours(result) == {}
    assert any(said in text for _, text in findings(result).values())
    assert not result.complete


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ({"gitlab": {"url": "https://gitlab.acme.io"}}, "its provider `gitlab` is none of aws"),
        ({"aws": {"service": "CertificateManager"}}, "`CertificateManager` is not read"),
        ({"gcpsm": {}}, "projectID: without it"),
        ({"azurekv": {"vaultUrl": "https://evil.example"}}, "it is no vault under vault.azure.net"),
        ({"azurekv": {"environmentType": "GermanCloud"}}, "no public cloud"),
        ({"vault": {"server": "https://vault.acme.io:8200"}}, "nothing in it"),
    ],
)
def test_a_store_without_an_equivalent_is_told(store: dict[str, Any], said: str) -> None:
    """With what is asked of it."""
    result = convert(manifests({"store": store, "secret": {"data": DATA}}))

    assert ours(result) == {}
    assert said in findings(result)["ExternalSecret/db spec.data[0]"][1]


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"envFrom": [{"secretRef": {"name": "db"}}]}, "in the store only"),
        (
            {"env": [VARIABLE, {"name": "URL", "value": "db://$(PASSWORD)@h"}]},
            "puts $(PASSWORD) together",
        ),
    ],
)
def test_a_use_that_ours_cannot_be_stays_beside_the_secret(
    container: dict[str, Any], said: str
) -> None:
    """It is named with the container."""
    result = converted({"dataFrom": [{"extract": {"key": "db"}}]}, container=container)
    fate, text = findings(result)["ExternalSecret/db Secret db"]

    assert fate == "no equivalent"
    assert said in text
    assert text.endswith("it still needs the Secret")
    assert result.documents[0]["spec"]["containers"][0].items() >= container.items()


def test_an_argument_that_is_made_of_a_variable_of_an_env_from_keeps_it() -> None:
    """The kubelet puts it together before the container starts."""
    container = {"envFrom": [{"secretRef": {"name": "db"}}], "args": ["--p=$(password)"]}
    result = converted({"data": DATA}, container=container)

    assert "put together" in findings(result)["ExternalSecret/db Secret db"][1]


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({"data": DATA, "target": {"creationPolicy": "Merge"}}, "others write keys"),
        (
            {
                "data": DATA,
                "target": {"template": {"data": {"a": "{{ .password }}"}, "templateFrom": [{}]}},
            },
            "others write keys",
        ),
        ({"data": DATA, "dataFrom": [{"extract": {"key": "db"}}]}, "from several places"),
    ],
)
def test_a_volume_of_a_secret_whose_keys_are_not_all_known_stays(
    secret: dict[str, Any], said: str
) -> None:
    """No file is lost."""
    given = manifests({"store": AWS, "secret": secret, "volume": {"secretName": "db"}})
    result = convert(given)

    assert result.documents == given
    assert said in findings(result)["ExternalSecret/db Secret db"][1]


def test_credentials_of_another_namespace_are_not_the_pods() -> None:
    """Neither a service account nor a Secret."""
    account = {"name": "web", "namespace": "bank"}
    key = {"name": "gcp", "key": "key.json", "namespace": "bank"}
    auth = {
        "workloadIdentity": {"serviceAccountRef": account},
        "secretRef": {"secretAccessKeySecretRef": key},
    }
    store = {"gcpsm": {"projectID": "acme-prod", "auth": auth}}
    given = manifests({"store": store, "secret": {"data": DATA}})
    for manifest in given:
        manifest["metadata"]["namespace"] = "shop"
    result = convert(given)
    where = "SecretStore/main spec.provider.gcpsm.auth"

    assert ours(result) == {"env.PASSWORD": "gcp-secretmanager:projects/acme-prod/secrets/db"}
    assert "bank/web" in findings(result)[f"{where}.workloadIdentity.serviceAccountRef"][1]
    assert GOOGLE in result.todo
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems
    assert "is in bank" in findings(result)[f"{where}.secretRef.secretAccessKeySecretRef"][1]


def test_one_file_of_a_volume_stays_a_volume() -> None:
    """A mount by subPath is no directory of ours."""
    given = manifests({"store": AWS, "secret": {"data": DATA}, "volume": {"secretName": "db"}})
    (container,) = given[0]["spec"]["containers"]
    container["volumeMounts"][0]["subPath"] = "password"
    result = convert(given)

    assert result.documents == given
    assert "by subPath" in findings(result)["ExternalSecret/db Secret db"][1]


def test_stores_that_differ_are_named_each() -> None:
    """A name that is a provider of ours is another one then."""
    secret = {
        "data": [
            {"secretKey": "password", "remoteRef": {"key": "a"}},
            {
                "secretKey": "user",
                "remoteRef": {"key": "b"},
                "sourceRef": {"storeRef": {"name": "aws-ssm", "kind": "ClusterSecretStore"}},
            },
        ]
    }
    user = {"name": "USER_NAME", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}}
    given = manifests({"store": AWS, "secret": secret, "container": {"env": [VARIABLE, user]}})
    provider = {"aws": {"service": "ParameterStore", "region": "eu-north-1"}}
    spec = {"provider": provider, "conditions": [{"namespaces": ["shop"]}], "controller": "x"}
    given.append(document("ClusterSecretStore", "aws-ssm", spec))
    result = convert(given)

    assert yaml.safe_load(ours(result).pop("stores")) == {
        "main": {"provider": "aws-secretsmanager", "region": "eu-west-1"},
        "aws-ssm-2": {"provider": "aws-ssm", "region": "eu-north-1"},
    }
    assert ours(result)["env.USER_NAME"] == "aws-ssm-2:b"
    assert "`policy`" in findings(result)["ClusterSecretStore/aws-ssm spec.conditions"][1]
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_what_the_pod_says_of_its_own_store_is_not_contradicted() -> None:
    """A chain of roles of the pod's is no part of a store that has none."""
    role = "arn:aws:iam::111122223333:role/own"
    given = manifests({"store": AWS, "secret": {"data": DATA}})
    given[0]["metadata"]["annotations"] = {"syrette.dev/aws.assume-role": role}
    result = convert(given)

    assert ours(result)["env.PASSWORD"] == "main:db"
    assert yaml.safe_load(ours(result)["stores"])["main"]["region"] == "eu-west-1"
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_a_secret_of_another_namespace_is_another_one() -> None:
    """Its ExternalSecret is told as one that nobody reads."""
    given = manifests({"store": AWS, "secret": {"data": DATA}})
    given[0]["metadata"]["namespace"] = "shop"
    given[1]["metadata"]["namespace"] = "bank"
    result = convert(given)

    assert result.documents == given
    assert [report.workload for report in result.reports] == ["ExternalSecret/db"]


def test_stores_of_the_pod_are_not_written_over() -> None:
    """A person adds what is wanted."""
    provider = {"aws": {**AWS["aws"], "role": "arn:aws:iam::111122223333:role/r"}}
    provider["aws"] |= {"transitiveTagKeys": ["team"]}  # type: ignore[dict-item]
    given = manifests({"store": provider, "secret": {"data": DATA}})
    own = {"syrette.dev/stores": "own: {provider: vault}"}
    given[0]["metadata"]["annotations"] = own
    result = convert(given)

    assert result.documents == given
    assert "add it there" in findings(result)["ExternalSecret/db spec.data[0]"][1]


def test_two_that_write_one_secret_leave_it() -> None:
    """Which of them a key is from, nobody knows here."""
    given = manifests({"store": AWS, "secret": {"data": DATA}})
    given.append(document("ExternalSecret", "more", {"target": {"name": "db"}, "data": DATA}))
    result = convert(given)

    assert result.documents == given
    assert "write it" in findings(result)["ExternalSecret/more Secret db"][1]


def test_the_older_version_is_read_as_well() -> None:
    """External-secrets.io/v1beta1 has the same fields."""
    pod, external, store = manifests({"store": AWS, "secret": {"data": DATA}})
    external["apiVersion"] = store["apiVersion"] = "external-secrets.io/v1beta1"

    assert ours(convert([pod, external, store]))["env.PASSWORD"] == "aws-secretsmanager:db"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (document("PushSecret", "p", {}, "v1alpha1"), "nothing of ours writes to a store"),
        (
            {
                "apiVersion": "generators.external-secrets.io/v1alpha1",
                "kind": "Password",
                "metadata": {"name": "p"},
            },
            "nothing is generated",
        ),
        (document("ExternalSecret", "p", {}), "no pod among the manifests reads the Secret p"),
    ],
)
def test_what_no_pod_among_the_manifests_has_to_do_with_is_told(
    document: dict[str, Any], said: str
) -> None:
    """Nothing is dropped without a word."""
    result = convert([pod({}), document])
    (report,) = result.reports

    assert report.workload == f"{document['kind']}/p"
    assert said in report.findings[0].text
    assert not result.complete


def test_each_file_keeps_the_interval_of_its_own_external_secret() -> None:
    """One that is no time of ours is told."""
    given = manifests({"store": AWS, "secret": {"data": DATA}, "volume": {"secretName": "db"}})
    for name, refresh in (("two", "5m"), ("three", "100ms")):
        spec = {"secretStoreRef": {"name": "main"}, "refreshInterval": refresh, "data": DATA}
        given.append(document("ExternalSecret", name, spec))
        volume = {"name": name, "secret": {"secretName": name}}
        given[0]["spec"]["volumes"].append(volume)
        mount = {"name": name, "mountPath": f"/etc/{name}"}
        given[0]["spec"]["containers"][0]["volumeMounts"].append(mount)
    result = convert(given)
    items = yaml.safe_load(ours(result)["secrets"])

    assert [(it["mount"], it.get("refresh")) for it in items] == [
        ("/etc/two", "5m"),
        ("/etc/three", None),
    ]
    assert "no time of ours" in findings(result)["ExternalSecret/three spec.refreshInterval"][1]
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_a_volume_of_the_driver_and_an_external_secret_become_one_list() -> None:
    """Beside the pod's own."""
    given = manifests({"store": AWS, "secret": {"data": DATA}, "volume": {"secretName": "db"}})
    own = {"syrette.dev/secrets": "- aws-ssm:/prod/flag", "syrette.dev/mount-path": "/run/own"}
    given[0]["metadata"]["annotations"] = own
    attributes = {"secretProviderClass": "web"}
    csi = {"driver": "secrets-store.csi.k8s.io", "volumeAttributes": attributes}
    given[0]["spec"]["volumes"].append({"name": "s", "csi": csi})
    mounts = given[0]["spec"]["containers"][0]["volumeMounts"]
    mounts.append({"name": "s", "mountPath": "/mnt/s"})
    objects = "- {objectName: x, objectType: secretsmanager}"
    kind = {"provider": "aws", "parameters": {"objects": objects, "region": "eu-west-1"}}
    given.append({"kind": "SecretProviderClass", "metadata": {"name": "web"}, "spec": kind})
    result = convert(given)

    assert set(ours(result)) == {
        "secrets",
        "secrets.csi",
        "secrets.external",
        "mount-path",
        "aws.region",
    }
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems
