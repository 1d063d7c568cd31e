"""Volumes of the Secrets Store CSI driver become annotations, and whatever does not is told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from syrette import decisions
from syrette.convert import Converted, convert
from syrette.convert.csi import table
from syrette.convert.findings import GOOGLE
from tests.house.source import ROOT
from tests.syrette.converting import SETTINGS, ours
from webhook.review import Allowed

CASES = yaml.safe_load(
    (Path(__file__).parent / "convert_cases" / "csi" / "classes.yaml").read_text()
)
DOCUMENTED = {
    "aws": (
        "objects region failoverRegion pathTranslation usePodIdentity preferredAddressType",
        (
            "objectName objectType objectAlias objectVersion objectVersionLabel jmesPath "
            "failoverObject filePermission objectTemplate"
        ),
    ),
    "gcp": (
        "secrets auth",
        "resourceName fileName path mode extractJSONKey extractYAMLKey decodeBase64",
    ),
    "azure": (
        (
            "keyvaultName tenantId clientID usePodIdentity useVMManagedIdentity "
            "userAssignedIdentityID cloudName cloudEnvFileName objects tenantID useAzureTokenProxy"
        ),
        (
            "objectName objectAlias objectType objectVersion objectVersionHistory objectFormat "
            "objectEncoding filePermission"
        ),
    ),
    "vault": (
        (
            "roleName vaultAddress vaultNamespace vaultSkipTLSVerify vaultCACertPath "
            "vaultCADirectory vaultTLSClientCertPath vaultTLSClientKeyPath vaultTLSServerName "
            "vaultKubernetesMountPath vaultAuthMountPath audience auth objects"
        ),
        "objectName secretPath secretKey method secretArgs filePermission encoding",
    ),
}
"""Parameters and fields of an object: what `table` says of where they were read holds here, too."""


def _manifests(case: dict[str, Any]) -> list[dict[str, Any]]:
    driver = {
        "driver": "secrets-store.csi.k8s.io",
        "readOnly": True,
        "volumeAttributes": {"secretProviderClass": "web"},
    }
    container = {"name": "app", "image": "acme/web", **copy.deepcopy(case.get("container", {}))}
    container["volumeMounts"] = [{"name": "s", "mountPath": "/mnt/s", **case.get("mount", {})}]
    spec = {
        "serviceAccountName": "web",
        "containers": [container],
        "volumes": [{"name": "s", "csi": driver}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    kind = {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": {"name": "web"},
        "spec": case["class"],
    }
    return [pod, kind]


def _pod(result: Converted) -> dict[str, Any]:
    return result.documents[0]


def _ours(result: Converted) -> dict[str, str]:
    return ours(Converted(result.documents[:1], result.reports, result.todo))


def _findings(result: Converted) -> dict[str, tuple[str, str]]:
    return {it.key: (str(it.fate), it.text) for report in result.reports for it in report.findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_a_class_and_its_pod_become_these_annotations(case: dict[str, Any]) -> None:
    """The volume and its mounts are gone, the class is left as it is."""
    given = _manifests(case)
    result = convert(given)
    (container,) = _pod(result)["spec"]["containers"]

    assert _ours(result) == case["ours"]
    assert "volumes" not in _pod(result)["spec"]
    assert container == {"name": "app", "image": "acme/web", **case.get("after", {})}
    assert result.documents[1] == given[1]
    assert convert(result.documents).reports == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_report_names_these(case: dict[str, Any]) -> None:
    """Each by its key, and nothing else is without equivalent."""
    found = _findings(convert(_manifests(case)))
    wanted = case.get("findings", {})
    missing = {
        key: found.get(key)
        for key, (fate, words) in wanted.items()
        if key not in found or found[key][0] != fate or words not in found[key][1]
    }
    others = {key for key, (fate, _) in found.items() if fate == "no equivalent"} - set(wanted)

    assert missing == {}
    assert others == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_webhook_admits_what_is_converted(case: dict[str, Any]) -> None:
    """Whatever its provider is."""
    (decision,) = decisions.decide(convert(_manifests(case)).documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


@pytest.mark.parametrize("provider", DOCUMENTED)
def test_every_documented_parameter_is_in_the_tables_and_on_the_page(provider: str) -> None:
    """Whoever looks for one finds what becomes of it."""
    page = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
    parameters, objects = (set(names.split()) for names in DOCUMENTED[provider])

    assert parameters <= set(table.PARAMETERS[provider])
    assert objects <= set(table.OBJECTS[provider])
    assert [name for name in parameters | objects if f"| `{name}` |" not in page] == []


AWS = {
    "provider": "aws",
    "parameters": {"objects": "- {objectName: db, objectType: secretsmanager}"},
}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"class": AWS, "mount": {"subPath": "db"}}, "mounts one file of it by subPath"),
        ({"class": {**AWS, "provider": "acme"}}, "the provider `acme` is none of"),
        ({"class": {"provider": "aws"}}, "none of its files has an equivalent"),
        (
            {"class": {"provider": "aws", "parameters": {"objects": "- ["}}},
            "its YAML: line 1",
        ),
        ({"class": {"provider": "azure", "parameters": {}}}, "keyvaultName is missing"),
        (
            {"class": {"provider": "vault", "parameters": {"objects": "array: [x]"}}},
            "it is no list",
        ),
    ],
    ids=["one file", "a provider", "no files", "no YAML", "no vault", "no list"],
)
def test_a_volume_that_cannot_be_converted_stays_as_it_is(case: dict[str, Any], said: str) -> None:
    """Neither it nor its mounts are touched, and the report says why."""
    given = _manifests(case)
    result = convert(given)

    assert result.documents == given
    assert said in _findings(result)["volume s"][1]
    assert not result.complete


def test_a_class_that_is_not_among_the_manifests_is_asked_for() -> None:
    """One of another namespace is another class."""
    pod, kind = _manifests({"class": AWS})
    pod["metadata"]["namespace"] = "shop"
    kind["metadata"]["namespace"] = "bank"
    result = convert([pod, kind])

    assert result.documents == [pod, kind]
    assert "is not among the manifests" in _findings(result)["volume s"][1]


def test_what_the_pod_says_already_is_not_contradicted() -> None:
    """A class of another region than the pod's own stays a volume."""
    case = {"class": {**AWS, "parameters": {**AWS["parameters"], "region": "eu-west-1"}}}  # type: ignore[dict-item]
    given = _manifests(case)
    given[0]["metadata"]["annotations"] = {"syrette.dev/aws.region": "eu-north-1"}
    result = convert(given)

    assert result.documents == given
    assert "the pod has syrette.dev/aws.region" in _findings(result)["volume s"][1]


def test_only_the_containers_that_mount_the_volume_get_its_files() -> None:
    """Each in its own directory."""
    given = _manifests({"class": AWS})
    mount = {"name": "s", "mountPath": "/etc/db/"}
    given[0]["spec"]["containers"] += [
        {"name": "side", "image": "acme/side", "volumeMounts": [mount]},
        {"name": "proxy", "image": "acme/proxy"},
    ]
    result = convert(given)
    items = yaml.safe_load(_ours(result)["secrets"])

    assert items == [
        {"from": "aws-secretsmanager:db", "file": "db", "containers": ["app"]},
        {
            "from": "aws-secretsmanager:db",
            "file": "db",
            "mount": "/etc/db",
            "containers": ["side"],
        },
    ]
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_other_uses_of_a_secret_that_the_class_makes_are_named() -> None:
    """The kubelet pulls images with Secrets only."""
    made = {"secretName": "made", "type": "Opaque", "data": [{"objectName": "db", "key": "k"}]}
    given = _manifests({"class": {**AWS, "secretObjects": [made]}})
    given[0]["spec"]["imagePullSecrets"] = [{"name": "made"}]
    source = {"secret": {"name": "made"}}
    given[0]["spec"]["volumes"] += [
        {"name": "v", "secret": {"secretName": "made"}},
        {"name": "p", "projected": {"sources": [source]}},
    ]
    result = convert(given)
    told = [it.text for it in result.reports[0].findings if "secretObjects" in it.key]

    assert [text.partition(":")[0] for text in told] == [
        "the volume v",
        "the volume p projects the Secret beside others",
        "imagePullSecrets",
    ]
    assert not result.complete


def test_a_volume_of_a_secret_that_the_class_makes_becomes_files() -> None:
    """Under the paths and with the permissions that the volume says."""
    keys = [{"objectName": "db", "key": "DB"}]
    made = {"secretName": "made", "type": "Opaque", "data": keys}
    given = _manifests({"class": {**AWS, "secretObjects": [made]}})
    chosen = [{"key": "DB", "path": "db/password", "mode": 0o440}]
    secret = {"secretName": "made", "items": chosen, "optional": True}
    given[0]["spec"]["volumes"].append({"name": "v", "secret": secret})
    (container,) = given[0]["spec"]["containers"]
    container["volumeMounts"].append({"name": "v", "mountPath": "/etc/made"})
    result = convert(given)

    assert yaml.safe_load(_ours(result)["secrets"]) == [
        {
            "from": "aws-secretsmanager:db",
            "optional": True,
            "file": "db/password",
            "mode": "0440",
            "mount": "/etc/made",
        }
    ]
    assert "volumes" not in _pod(result)["spec"]
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


@pytest.mark.parametrize(
    ("provider", "fate"),
    [("gcp", "becomes"), ("azure", "no equivalent"), ("aws", "not needed")],
)
def test_the_secret_that_the_driver_hands_to_a_provider_is_told(provider: str, fate: str) -> None:
    """Google's key of a service account is a Secret of ours, too."""
    parameters = {
        "aws": AWS["parameters"],
        "gcp": {"secrets": "- {resourceName: projects/acme/secrets/t/versions/1, path: t}"},
        "azure": {
            "keyvaultName": "acme-kv",
            "objects": "{array: [{objectName: a, objectType: secret}]}",
        },
    }[provider]
    given = _manifests({"class": {"provider": provider, "parameters": parameters}})
    given[0]["spec"]["volumes"][0]["csi"]["nodePublishSecretRef"] = {"name": "creds"}
    result = convert(given)
    key = "SecretProviderClass/web volume s nodePublishSecretRef"

    assert _findings(result)[key][0] == fate
    assert GOOGLE not in result.todo
    assert _ours(result).get("gcp.credentials-secret", "creds/key.json") == "creds/key.json"
    assert ("gcp.credentials-secret" in _ours(result)) is (provider == "gcp")


def test_a_region_that_the_node_has_said_is_asked_for() -> None:
    """Only where the class says none."""
    parameters = {**AWS["parameters"], "region": "eu-west-1"}  # type: ignore[dict-item]
    named = convert(_manifests({"class": {**AWS, "parameters": parameters}}))

    assert [it for it in convert(_manifests({"class": AWS})).todo if "aws.region" in it]
    assert [it for it in named.todo if "aws.region" in it] == []


def test_google_needs_to_be_told_by_what_the_pod_logs_in() -> None:
    """The class does not say it, for the driver asks the node."""
    (case,) = (it for it in CASES if it["class"]["provider"] == "gcp")

    assert GOOGLE in convert(_manifests(case)).todo


def test_no_variable_of_an_env_from_is_lost() -> None:
    """One key that has no equivalent keeps the whole of it, and that is told."""
    keys = [{"objectName": "db", "key": "DB"}, {"objectName": "gone", "key": "GONE"}]
    made = {"secretName": "made", "type": "Opaque", "data": keys}
    source = [{"secretRef": {"name": "made"}}]
    given = _manifests(
        {"class": {**AWS, "secretObjects": [made]}, "container": {"envFrom": source}}
    )
    result = convert(given)
    (container,) = _pod(result)["spec"]["containers"]

    assert container["envFrom"] == source
    assert not result.complete


def test_a_volume_in_a_kind_that_makes_pods_unknown_to_us_is_told() -> None:
    """It would otherwise be left there without a word."""
    pod, kind = _manifests({"class": AWS})
    rollout = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": {"template": pod}}
    result = convert([rollout, kind])

    assert [report.workload for report in result.reports] == ["Rollout/web"]
    assert not result.complete


@pytest.mark.parametrize(
    ("translation", "file"), [("", "a_b"), ("false", "a/b"), ("False", "a/b"), ("-", "a-b")]
)
def test_slashes_of_names_become_what_the_class_says(translation: str, file: str) -> None:
    """An empty translation is the default one (its provider, NewSecretDescriptorList)."""
    parameters = {
        "pathTranslation": translation,
        "objects": "- {objectName: /a/b, objectType: ssmparameter, objectAlias: a/b}",
    }
    result = convert(_manifests({"class": {"provider": "aws", "parameters": parameters}}))
    annotations = _ours(result)

    assert f"file.{file}" in annotations or f"file: {file}" in annotations["secrets"]
