"""What a class of Azure's or Google's becomes where a plain translation would be a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from syrette import decisions
from syrette.convert import Converted, convert
from syrette.convert.findings import AZURE, GOOGLE
from tests.house.source import ROOT
from tests.syrette.converting import SETTINGS
from webhook.review import Allowed

IDENTITY = {
    "tenantId": "11111111-2222-3333-4444-555555555555",
    "clientID": "99999999-2222-3333-4444-555555555555",
}
SPLIT = [{"objectName": "mycert", "key": "tls.key"}, {"objectName": "mycert", "key": "tls.crt"}]
MADE = {"secretName": "ingress-tls-csi", "type": "kubernetes.io/tls", "data": SPLIT}
CERTIFICATE = {"objectName": "mycert", "objectType": "secret"}


def azure(*objects: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """The spec of a class of Key Vault."""
    listed = yaml.safe_dump({"array": list(objects)})
    given = {"keyvaultName": "acme-kv", **IDENTITY, **parameters, "objects": listed}
    return {"provider": "azure", "parameters": given}


def google(name: str) -> dict[str, Any]:
    """The spec of a class of Google's with one secret."""
    secrets = yaml.safe_dump([{"resourceName": name, "path": "token"}])
    return {"provider": "gcp", "parameters": {"secrets": secrets}}


def mounted(spec: dict[str, Any], driver: str = "secrets-store.csi.k8s.io") -> list[dict[str, Any]]:
    """A pod that mounts a class, and the class."""
    csi = {"driver": driver, "volumeAttributes": {"secretProviderClass": "web"}}
    mounts = [{"name": "s", "mountPath": "/mnt/s"}]
    volumes: list[dict[str, Any]] = [{"name": "s", "csi": csi}]
    for made in spec.get("secretObjects", []):
        volumes.append({"name": "tls", "secret": {"secretName": made["secretName"]}})
        mounts.append({"name": "tls", "mountPath": "/etc/tls"})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {
            "containers": [{"name": "app", "image": "acme/web", "volumeMounts": mounts}],
            "volumes": volumes,
        },
    }
    return [pod, {"kind": "SecretProviderClass", "metadata": {"name": "web"}, "spec": spec}]


def files(result: Converted) -> dict[str, str]:
    """Reference of each file by its path, with its decoding, as the webhook admits it."""
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems
    assert decision.plan is not None
    return {
        wanted.path: f"{source.reference} {wanted.decode}".strip()
        for wanted in decision.plan.secrets
        for source in wanted.sources
    }


def findings(result: Converted) -> dict[str, tuple[str, str]]:
    """Fate and text by key."""
    return {it.key: (str(it.fate), it.text) for report in result.reports for it in report.findings}


def notes(result: Converted) -> str:
    """All notes of the only workload."""
    return "\n".join(result.reports[0].notes)


def test_a_tls_secret_of_one_certificate_never_has_the_key_in_the_certificates_file() -> None:
    """The driver takes the file apart, and so do the parts of a certificate of Key Vault."""
    result = convert(mounted(azure(CERTIFICATE) | {"secretObjects": [MADE]}))

    assert files(result) == {
        "mycert": "azure-keyvault:acme-kv/secrets/mycert",
        "tls.key": "azure-keyvault:acme-kv/certificates/mycert#tls.key",
        "tls.crt": "azure-keyvault:acme-kv/certificates/mycert#tls.crt",
    }
    assert "volumes" not in result.documents[0]["spec"]
    assert [it for it in result.todo if "`mycert` must be a certificate" in it]
    assert "RSA PRIVATE KEY" in notes(result)


def test_parts_keep_the_version_and_a_certificate_object_its_chain() -> None:
    """A certificate's version is that of its secret."""
    version = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    data = [{"objectName": "k", "key": "tls.key"}, {"objectName": "c", "key": "tls.crt"}]
    key = {**CERTIFICATE, "objectAlias": "k", "objectVersion": version}
    chain = {"objectName": "mycert", "objectAlias": "c", "objectType": "cert"}
    result = convert(mounted(azure(key, chain) | {"secretObjects": [{**MADE, "data": data}]}))
    found = files(result)

    assert (
        found["tls.key"] == f"azure-keyvault:acme-kv/certificates/mycert?version={version}#tls.key"
    )
    assert found["tls.crt"] == "azure-keyvault:acme-kv/certificates/mycert#tls.crt"


@pytest.mark.parametrize(
    ("spec", "data"),
    [
        (google("projects/acme/secrets/mycert/versions/1"), "token"),
        (azure({**CERTIFICATE, "objectType": "cert"}), "mycert"),
        (azure({**CERTIFICATE, "objectFormat": "pfx"}), "mycert"),
        (azure({**CERTIFICATE, "objectEncoding": "base64"}), "mycert"),
    ],
    ids=["another provider", "no key in it", "an archive", "decoded"],
)
def test_a_tls_secret_that_ours_cannot_take_apart_is_no_file(
    spec: dict[str, Any], data: str
) -> None:
    """Its volume stays, and why is told; no file has both."""
    rows = [{"objectName": data, "key": key} for key in ("tls.key", "tls.crt")]
    result = convert(mounted(spec | {"secretObjects": [{**MADE, "data": rows}]}))
    fate, text = findings(result)["SecretProviderClass/web secretObjects ingress-tls-csi"]

    assert set(files(result)) == {data}
    assert [it["name"] for it in result.documents[0]["spec"]["volumes"]] == ["tls"]
    assert fate == "no equivalent"
    assert "takes certificates and key of one file apart" in text


def test_an_opaque_secret_of_a_certificate_is_the_file_whole() -> None:
    """The driver takes apart what has the type for it only."""
    made = {**MADE, "type": "Opaque", "data": SPLIT[:1]}
    result = convert(mounted(azure(CERTIFICATE) | {"secretObjects": [made]}))

    assert files(result)["tls.key"] == "azure-keyvault:acme-kv/secrets/mycert"


def test_a_volume_of_gkes_managed_add_on_is_converted() -> None:
    """Its driver and its provider have names of their own, the rest is the same."""
    spec = google("projects/acme/secrets/token/versions/2") | {"provider": "gke"}
    result = convert(mounted(spec, "secrets-store-gke.csi.k8s.io"))

    assert files(result) == {"token": "gcp-secretmanager:projects/acme/secrets/token?version=2"}
    assert "volumes" not in result.documents[0]["spec"]
    assert GOOGLE in result.todo


def test_a_volume_of_the_add_on_in_a_kind_unknown_to_us_is_told() -> None:
    """It would otherwise be left there without a word."""
    spec = google("projects/acme/secrets/token/versions/2")
    pod, _ = mounted(spec, "secrets-store-gke.csi.k8s.io")
    rollout = {"kind": "Rollout", "metadata": {"name": "web"}, "spec": {"template": pod}}

    assert not convert([rollout]).complete


def test_a_certificate_needs_the_right_to_read_secrets_and_gets_its_chain() -> None:
    """Both are told: the right is another one than theirs needed."""
    result = convert(mounted(azure({**CERTIFICATE, "objectType": "cert"})))

    assert files(result) == {"mycert": "azure-keyvault:acme-kv/certificates/mycert#tls.crt"}
    assert "theirs wrote the certificate alone" in notes(result)
    assert [it for it in result.todo if "Secrets User" in it and "secrets/get" in it]


@pytest.mark.parametrize(("encoding", "decoded"), [("base64", " base64"), ("", ""), ("utf-8", "")])
def test_an_archive_is_the_secret_decoded_as_the_class_says(encoding: str, decoded: str) -> None:
    """As docs/providers/azure.md has it."""
    given = {**CERTIFICATE, "objectFormat": "pfx", "objectEncoding": encoding}
    result = convert(mounted(azure(given)))

    assert files(result) == {"mycert": f"azure-keyvault:acme-kv/secrets/mycert{decoded}"}
    assert result.complete


def test_the_page_of_the_converter_says_of_archives_what_that_of_azure_says() -> None:
    """Both: the secret, decoded."""
    azures = (ROOT / "docs" / "providers" / "azure.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `objectFormat` |"))

    assert "azure-keyvault:acme-kv/secrets/web` with `decode: base64`" in azures
    assert row.startswith("| `objectFormat` | becomes |")
    assert "`objectEncoding: base64`" in row
    assert "a PFX is not written" not in page


@pytest.mark.parametrize(
    "spec",
    [
        google("projects/$PROJECT_ID/secrets/token/versions/1"),
        google("projects/${PROJECT_ID}/secrets/token/versions/1"),
        azure(CERTIFICATE, keyvaultName="$VAULT"),
        azure({**CERTIFICATE, "objectName": "${NAME}"}),
    ],
)
def test_a_variable_that_nobody_fills_in_is_to_be_filled_in(spec: dict[str, Any]) -> None:
    """The webhook would deny the name; the volume stays."""
    given = mounted(spec)
    result = convert(given)

    assert result.documents == given
    assert "nobody fills in" in findings(result)["volume s"][1]
    assert [it for it in result.todo if "fill in `$" in it]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (azure({**CERTIFICATE, "objectName": "pw_2"}), "`pw_2` is no object's name"),
        (azure(CERTIFICATE, keyvaultName="a.b"), "is an address"),
        (google("projects/Acme/secrets/token/versions/1"), "is no secret"),
        (google("projects/acme/secrets/to.ken/versions/1"), "is no secret"),
    ],
)
def test_a_name_that_the_webhook_denies_has_no_equivalent(spec: dict[str, Any], said: str) -> None:
    """Nothing is reported as fine that is no pod afterwards."""
    given = mounted(spec)
    result = convert(given)

    assert result.documents == given
    assert said in findings(result)["volume s"][1]


def test_an_empty_client_is_one_that_is_missing() -> None:
    """The driver had the node's identity then; our login needs one of the pod."""
    result = convert(mounted(azure(CERTIFICATE, clientID="")))
    key = "SecretProviderClass/web clientID"

    assert findings(result)[key] == (
        "no equivalent",
        "it is empty, and the login needs one: `azure.client-id`",
    )
    assert AZURE.format("client-id") in result.todo
    assert AZURE.format("tenant-id") not in result.todo


def test_a_client_that_the_pod_names_is_not_missing() -> None:
    """An empty one of the class is no loss then."""
    given = mounted(azure(CERTIFICATE, clientID=""))
    given[0]["metadata"]["annotations"] = {"syrette.dev/azure.client-id": IDENTITY["clientID"]}
    result = convert(given)

    assert result.complete
    assert AZURE.format("client-id") not in result.todo
    assert files(result) == {"mycert": "azure-keyvault:acme-kv/secrets/mycert"}
