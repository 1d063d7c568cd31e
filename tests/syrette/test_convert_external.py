"""ExternalSecrets become annotations of the pods that read them; what does not is told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from injector.contract.stores import PROVIDERS
from injector.material import Material
from injector.render import Value, render
from syrette import decisions
from syrette.convert import Converted, convert
from syrette.convert.external import store_table, table
from tests.house.source import ROOT
from tests.syrette.converting import SETTINGS
from webhook.review import Allowed

_CASES = Path(__file__).parent / "convert_cases" / "external"
AWS = {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}


def _cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((_CASES / name).read_text())
    return found


STORES = _cases("stores.yaml")
SECRETS = [
    case | {"store": AWS, "ours": case["ours"] | {"aws.region": "eu-west-1"}}
    for case in _cases("secrets.yaml")
]
CASES = STORES + SECRETS
DATA = [{"secretKey": "password", "remoteRef": {"key": "db"}}]
VARIABLE = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}


def _document(kind: str, name: str, spec: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    group = f"external-secrets.io/{version}"
    metadata = {"name": name}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


def _pod(case: dict[str, Any]) -> dict[str, Any]:
    default: dict[str, Any] = {} if "volume" in case else {"env": [VARIABLE]}
    more = copy.deepcopy(case.get("container", default))
    container = {"name": "app", "image": "acme/web", **more}
    spec: dict[str, Any] = {"serviceAccountName": "web", "containers": [container]}
    if "volume" in case:
        container["volumeMounts"] = [{"name": "v", "mountPath": "/etc/db"}]
        spec["volumes"] = [{"name": "v", "secret": copy.deepcopy(case["volume"])}]
    metadata: dict[str, Any] = {"name": "web"}
    if "annotations" in case:
        metadata["annotations"] = {f"syrette.dev/{k}": it for k, it in case["annotations"].items()}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _manifests(case: dict[str, Any]) -> list[dict[str, Any]]:
    secret = {"secretStoreRef": {"name": "main"}, **copy.deepcopy(case["secret"])}
    kind, outer = secret.pop("kind", "ExternalSecret"), secret.pop("outer", None)
    if outer is None:
        external = _document(kind, "db", secret)
    else:
        external = _document(kind, "cluster", {"externalSecretSpec": secret, **outer})
    return [_pod(case), external, _document("SecretStore", "main", {"provider": case["store"]})]


def _ours(result: Converted) -> dict[str, str]:
    annotations = result.documents[0]["metadata"].get("annotations", {})
    return {key.removeprefix("syrette.dev/"): text for key, text in annotations.items()}


def _findings(result: Converted) -> dict[str, tuple[str, str]]:
    return {it.key: (str(it.fate), it.text) for report in result.reports for it in report.findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_an_external_secret_and_its_pod_become_these_annotations(case: dict[str, Any]) -> None:
    """What is converted is out of the pod; ExternalSecret and store are left as they are."""
    given = _manifests(case)
    result = convert(given)
    (container,) = result.documents[0]["spec"]["containers"]

    assert _ours(result) == case["ours"]
    assert "volumes" not in result.documents[0]["spec"]
    assert container == {"name": "app", "image": "acme/web", **case.get("after", {})}
    assert result.documents[1:] == given[1:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_report_names_these_fields(case: dict[str, Any]) -> None:
    """Each by its path, and nothing else is without equivalent."""
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
def test_the_webhook_admits_what_an_external_secret_becomes(case: dict[str, Any]) -> None:
    """Nothing is wanting but what the report says that only a person knows."""
    (decision,) = decisions.decide(convert(_manifests(case)).documents, SETTINGS)
    if "undecided" in case:
        assert len(decision.problems) == 1
        assert case["undecided"] in decision.problems[0]
        return
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_every_provider_that_stores_become_is_in_this_version() -> None:
    """So that no case is admitted for want of its provider alone."""
    names = {"aws-secretsmanager", "aws-ssm", "vault", "gcp-secretmanager", "azure-keyvault"}

    assert [name for name in names if not PROVIDERS[name].available] == []


def _converted(secret: dict[str, Any], **case: dict[str, Any]) -> Converted:
    return convert(_manifests({"store": AWS, "secret": secret, **case}))


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
    result = _converted(secret)
    (container,) = result.documents[0]["spec"]["containers"]

    assert container["env"] == [VARIABLE]
    assert _ours(result) == {}
    assert any(said in text for _, text in _findings(result).values())
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
    result = convert(_manifests({"store": store, "secret": {"data": DATA}}))

    assert _ours(result) == {}
    assert said in _findings(result)["ExternalSecret/db spec.data[0]"][1]


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
    result = _converted({"dataFrom": [{"extract": {"key": "db"}}]}, container=container)
    fate, text = _findings(result)["ExternalSecret/db Secret db"]

    assert fate == "no equivalent"
    assert said in text
    assert text.endswith("it still needs the Secret")
    assert result.documents[0]["spec"]["containers"][0].items() >= container.items()


def test_an_argument_that_is_made_of_a_variable_of_an_env_from_keeps_it() -> None:
    """The kubelet puts it together before the container starts."""
    container = {"envFrom": [{"secretRef": {"name": "db"}}], "args": ["--p=$(password)"]}
    result = _converted({"data": DATA}, container=container)

    assert "put together" in _findings(result)["ExternalSecret/db Secret db"][1]


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
    given = _manifests({"store": AWS, "secret": secret, "volume": {"secretName": "db"}})
    result = convert(given)

    assert result.documents == given
    assert said in _findings(result)["ExternalSecret/db Secret db"][1]


def test_credentials_of_another_namespace_are_not_the_pods() -> None:
    """Neither a service account nor a Secret."""
    account = {"name": "web", "namespace": "bank"}
    key = {"name": "gcp", "key": "key.json", "namespace": "bank"}
    auth = {
        "workloadIdentity": {"serviceAccountRef": account},
        "secretRef": {"secretAccessKeySecretRef": key},
    }
    store = {"gcpsm": {"projectID": "acme-prod", "auth": auth}}
    given = _manifests({"store": store, "secret": {"data": DATA}})
    for document in given:
        document["metadata"]["namespace"] = "shop"
    result = convert(given)
    where = "SecretStore/main spec.provider.gcpsm.auth"

    assert _ours(result) == {"env.PASSWORD": "gcp-secretmanager:projects/acme-prod/secrets/db"}
    assert "bank/web" in _findings(result)[f"{where}.workloadIdentity.serviceAccountRef"][1]
    assert "is in bank" in _findings(result)[f"{where}.secretRef.secretAccessKeySecretRef"][1]


def test_one_file_of_a_volume_stays_a_volume() -> None:
    """A mount by subPath is no directory of ours."""
    given = _manifests({"store": AWS, "secret": {"data": DATA}, "volume": {"secretName": "db"}})
    (container,) = given[0]["spec"]["containers"]
    container["volumeMounts"][0]["subPath"] = "password"
    result = convert(given)

    assert result.documents == given
    assert "by subPath" in _findings(result)["ExternalSecret/db Secret db"][1]


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
    given = _manifests({"store": AWS, "secret": secret, "container": {"env": [VARIABLE, user]}})
    provider = {"aws": {"service": "ParameterStore", "region": "eu-north-1"}}
    spec = {"provider": provider, "conditions": [{"namespaces": ["shop"]}], "controller": "x"}
    given.append(_document("ClusterSecretStore", "aws-ssm", spec))
    result = convert(given)

    assert yaml.safe_load(_ours(result).pop("stores")) == {
        "main": {"provider": "aws-secretsmanager", "region": "eu-west-1"},
        "aws-ssm-2": {"provider": "aws-ssm", "region": "eu-north-1"},
    }
    assert _ours(result)["env.USER_NAME"] == "aws-ssm-2:b"
    assert "`policy`" in _findings(result)["ClusterSecretStore/aws-ssm spec.conditions"][1]
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_what_the_pod_says_of_its_own_store_is_not_contradicted() -> None:
    """A chain of roles of the pod's is no part of a store that has none."""
    role = "arn:aws:iam::111122223333:role/own"
    given = _manifests({"store": AWS, "secret": {"data": DATA}})
    given[0]["metadata"]["annotations"] = {"syrette.dev/aws.assume-role": role}
    result = convert(given)

    assert _ours(result)["env.PASSWORD"] == "main:db"
    assert yaml.safe_load(_ours(result)["stores"])["main"]["region"] == "eu-west-1"
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_a_secret_of_another_namespace_is_another_one() -> None:
    """Its ExternalSecret is told as one that nobody reads."""
    given = _manifests({"store": AWS, "secret": {"data": DATA}})
    given[0]["metadata"]["namespace"] = "shop"
    given[1]["metadata"]["namespace"] = "bank"
    result = convert(given)

    assert result.documents == given
    assert [report.workload for report in result.reports] == ["ExternalSecret/db"]


def test_stores_of_the_pod_are_not_written_over() -> None:
    """A person adds what is wanted."""
    provider = {"aws": {**AWS["aws"], "role": "arn:aws:iam::111122223333:role/r"}}
    provider["aws"] |= {"transitiveTagKeys": ["team"]}  # type: ignore[dict-item]
    given = _manifests({"store": provider, "secret": {"data": DATA}})
    own = {"syrette.dev/stores": "own: {provider: vault}"}
    given[0]["metadata"]["annotations"] = own
    result = convert(given)

    assert result.documents == given
    assert "add it there" in _findings(result)["ExternalSecret/db spec.data[0]"][1]


def test_two_that_write_one_secret_leave_it() -> None:
    """Which of them a key is from, nobody knows here."""
    given = _manifests({"store": AWS, "secret": {"data": DATA}})
    given.append(_document("ExternalSecret", "more", {"target": {"name": "db"}, "data": DATA}))
    result = convert(given)

    assert result.documents == given
    assert "write it" in _findings(result)["ExternalSecret/more Secret db"][1]


def test_the_older_version_is_read_as_well() -> None:
    """External-secrets.io/v1beta1 has the same fields."""
    pod, external, store = _manifests({"store": AWS, "secret": {"data": DATA}})
    external["apiVersion"] = store["apiVersion"] = "external-secrets.io/v1beta1"

    assert _ours(convert([pod, external, store]))["env.PASSWORD"] == "aws-secretsmanager:db"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (_document("PushSecret", "p", {}, "v1alpha1"), "nothing of ours writes to a store"),
        (
            {
                "apiVersion": "generators.external-secrets.io/v1alpha1",
                "kind": "Password",
                "metadata": {"name": "p"},
            },
            "nothing is generated",
        ),
        (_document("ExternalSecret", "p", {}), "no pod among the manifests reads the Secret p"),
    ],
)
def test_what_no_pod_among_the_manifests_has_to_do_with_is_told(
    document: dict[str, Any], said: str
) -> None:
    """Nothing is dropped without a word."""
    result = convert([_pod({}), document])
    (report,) = result.reports

    assert report.workload == f"{document['kind']}/p"
    assert said in report.findings[0].text
    assert not result.complete


def test_each_file_keeps_the_interval_of_its_own_external_secret() -> None:
    """One that is no time of ours is told."""
    given = _manifests({"store": AWS, "secret": {"data": DATA}, "volume": {"secretName": "db"}})
    for name, refresh in (("two", "5m"), ("three", "100ms")):
        spec = {"secretStoreRef": {"name": "main"}, "refreshInterval": refresh, "data": DATA}
        given.append(_document("ExternalSecret", name, spec))
        volume = {"name": name, "secret": {"secretName": name}}
        given[0]["spec"]["volumes"].append(volume)
        mount = {"name": name, "mountPath": f"/etc/{name}"}
        given[0]["spec"]["containers"][0]["volumeMounts"].append(mount)
    result = convert(given)
    items = yaml.safe_load(_ours(result)["secrets"])

    assert [(it["mount"], it.get("refresh")) for it in items] == [
        ("/etc/two", "5m"),
        ("/etc/three", None),
    ]
    assert "no time of ours" in _findings(result)["ExternalSecret/three spec.refreshInterval"][1]
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_a_volume_of_the_driver_and_an_external_secret_become_one_list() -> None:
    """Beside the pod's own."""
    given = _manifests({"store": AWS, "secret": {"data": DATA}, "volume": {"secretName": "db"}})
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

    assert set(_ours(result)) == {
        "secrets",
        "secrets.csi",
        "secrets.external",
        "mount-path",
        "aws.region",
    }
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_what_the_injector_writes_is_what_the_secret_held() -> None:
    """Byte by byte: a whole document whatever the file is called, a template, a decoded key."""
    secret = {
        "target": {
            "template": {
                "mergePolicy": "Merge",
                "data": {"url": 'db://{{ .user | upper }}:{{ .word | b64enc }}@{{ "{{" }}'},
            }
        },
        "data": [
            {"secretKey": "app.yaml", "remoteRef": {"key": "app"}},
            {"secretKey": "user", "remoteRef": {"key": "app", "property": "user"}},
            {
                "secretKey": "word",
                "remoteRef": {"key": "app", "property": "word", "decodingStrategy": "Base64"},
            },
        ],
    }
    result = _converted(secret, volume={"secretName": "db"})
    stored = b'{"user": "joe",  "word": "cGFzcw=="}'
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems
    assert decision.plan is not None
    values = {
        source.reference.read: Value(Material(stored))
        for wanted in decision.plan.secrets
        for source in wanted.sources
    }
    rendered = [render(wanted, values) for wanted in decision.plan.secrets]
    files = {file.path: file.material.reveal() for it in rendered for file in it.files}

    assert files == {
        "app.yaml": stored,
        "user": b"joe",
        "word": b"pass",
        "url": b"db://JOE:cGFzcw==@{{",
    }


def test_every_field_of_the_tables_is_on_the_page() -> None:
    """Whoever looks for one finds what becomes of it."""
    page = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
    rows = [*table.EXTERNAL_SECRET, *table.CLUSTER, *table.STORE, *table.KINDS]
    rows += [key for fields in store_table.PROVIDERS.values() for key in fields]

    assert [key for key in rows if f"| `{key}` |" not in page] == []
