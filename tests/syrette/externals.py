"""ExternalSecrets with their stores and pods, as the tests give them to the converter."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from syrette.convert import Converted, convert

_CASES = Path(__file__).parent / "convert_cases" / "external"
AWS = {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}


def cases(name: str) -> list[dict[str, Any]]:
    """Cases of a file."""
    found: list[dict[str, Any]] = yaml.safe_load((_CASES / name).read_text())
    return found


STORES = cases("stores.yaml")
SECRETS = [
    case | {"store": AWS, "ours": case["ours"] | {"aws.region": "eu-west-1"}}
    for case in cases("secrets.yaml")
]
CASES = STORES + SECRETS
DATA = [{"secretKey": "password", "remoteRef": {"key": "db"}}]
VARIABLE = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}


def document(kind: str, name: str, spec: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    """A manifest of the operator's."""
    group = f"external-secrets.io/{version}"
    metadata = {"name": name}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


def pod(case: dict[str, Any]) -> dict[str, Any]:
    """The pod of a case."""
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


def manifests(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod of a case, its ExternalSecret and its store."""
    secret = {"secretStoreRef": {"name": "main"}, **copy.deepcopy(case["secret"])}
    kind, outer = secret.pop("kind", "ExternalSecret"), secret.pop("outer", None)
    if outer is None:
        external = document(kind, "db", secret)
    else:
        external = document(kind, "cluster", {"externalSecretSpec": secret, **outer})
    return [pod(case), external, document("SecretStore", "main", {"provider": case["store"]})]


def ours(result: Converted) -> dict[str, str]:
    """Annotations of the first manifest, without the domain of ours."""
    annotations = result.documents[0]["metadata"].get("annotations", {})
    return {key.removeprefix("syrette.dev/"): text for key, text in annotations.items()}


def findings(result: Converted) -> dict[str, tuple[str, str]]:
    """Fate and text of every finding, by its key."""
    return {it.key: (str(it.fate), it.text) for report in result.reports for it in report.findings}


def converted(secret: dict[str, Any], **case: dict[str, Any]) -> Converted:
    """Convert an ExternalSecret of the usual store."""
    return convert(manifests({"store": AWS, "secret": secret, **case}))
