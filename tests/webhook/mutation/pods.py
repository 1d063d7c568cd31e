"""Pods, and what becomes of them, in the namespace `shop` with the service account `web`."""

from __future__ import annotations

import copy
import importlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonpatch
import kubernetes_validate
import referencing
import yaml

from injector.contract import codec, names
from webhook.context import Context
from webhook.mutation import mutate
from webhook.review import AdmissionRequest, Allowed, Denied
from webhook.settings import Settings

if TYPE_CHECKING:
    from injector.contract.plan import Plan

FIXTURES = Path(__file__).parents[2] / "fixtures" / "pods"
ROLE = "arn:aws:iam::111122223333:role/web"
OPERATOR = Settings(defaults={"vault.address": "https://vault.acme.io:8200"})
"""Where nothing else is said: an address of Vault is the operator's to give."""

Pod = dict[str, Any]


def fixture(name: str) -> Pod:
    """One of the fixtures, as a new document."""
    document: Pod = yaml.safe_load((FIXTURES / f"{name}.yaml").read_text())
    return document


def fixtures(*, denied: bool = False) -> list[str]:
    """Names of the fixtures."""
    found = sorted(path.stem for path in FIXTURES.glob("*.yaml"))
    return [name for name in found if name.startswith("denied-") == denied]


def pod(annotations: dict[str, str] | None = None, **spec: object) -> Pod:
    """A pod with one file, unless `annotations` say otherwise."""
    spec.setdefault("containers", [{"name": "web", "image": "web:1"}])
    asked = {"syrette.dev/file.db": "aws-secretsmanager:prod/db"} if annotations is None else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web",
            "annotations": {"syrette.dev/aws.region": "eu-west-1", **asked, **(annotations or {})},
        },
        "spec": spec,
    }


def context(**facts: Any) -> Context:  # noqa: ANN401 - any of its fields
    """The pod's surroundings: a web identity, the newest Kubernetes."""
    annotations = {"eks.amazonaws.com/role-arn": ROLE}
    return Context(
        **{
            "namespace": "shop",
            "service_account": "web",
            "service_account_annotations": annotations,
            **facts,
        }
    )


def admit(
    document: Pod, around: Context | None = None, settings: Settings | None = None
) -> Allowed | Denied:
    """Decide one creation; the document stays as it is."""
    before = copy.deepcopy(document)
    request = AdmissionRequest("u", "CREATE", "shop", "web", document)
    verdict = mutate(request, around or context(), settings or OPERATOR)
    assert document == before
    return verdict


def operations(verdict: Allowed | Denied) -> list[dict[str, Any]]:
    """The patch as an API server gets it."""
    assert isinstance(verdict, Allowed), verdict
    return [{"op": it.op, "path": it.path, "value": it.value} for it in verdict.operations]


def patched(document: Pod, around: Context | None = None, settings: Settings | None = None) -> Pod:
    """The pod with its patch applied."""
    applied = jsonpatch.apply_patch(document, operations(admit(document, around, settings)))
    result: Pod = copy.deepcopy(applied)
    return result


def denial(
    document: Pod, around: Context | None = None, settings: Settings | None = None
) -> Denied:
    """The verdict on a pod that is denied."""
    verdict = admit(document, around, settings)
    assert isinstance(verdict, Denied), verdict
    return verdict


def warnings(
    document: Pod, around: Context | None = None, settings: Settings | None = None
) -> tuple[str, ...]:
    """Warnings on a pod that is allowed."""
    verdict = admit(document, around, settings)
    assert isinstance(verdict, Allowed), verdict
    return verdict.warnings


def container(document: Pod, name: str) -> dict[str, Any]:
    """One container of any kind, by name."""
    spec = document["spec"]
    (found,) = [
        item
        for field in ("initContainers", "containers")
        for item in spec.get(field) or []
        if item["name"] == name
    ]
    result: dict[str, Any] = found
    return result


def volume(document: Pod, name: str) -> dict[str, Any]:
    """One volume, by name."""
    (found,) = [item for item in document["spec"]["volumes"] if item["name"] == name]
    result: dict[str, Any] = found
    return result


def plan_of(document: Pod) -> Plan:
    """The plan in the init container of a patched pod."""
    env = container(document, names.INIT_CONTAINER)["env"]
    (text,) = [item["value"] for item in env if item["name"] == names.PLAN_VARIABLE]
    return codec.load(text)


@lru_cache(maxsize=4)
def _validator(version: str) -> Any:  # noqa: ANN401 - the library has no types
    package = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    registry: Any = referencing.Registry()
    for name in ("_definitions", "pod-v1"):
        schema = json.loads((package / f"v{version}.0-local" / f"{name}.json").read_text())
        registry = referencing.Resource.from_contents(schema) @ registry
    jsonschema = importlib.import_module("jsonschema")
    return jsonschema.Draft202012Validator(schema, registry=registry)


def schema_errors(document: Pod, version: str = "1.37") -> list[str]:
    """What the published schema of Kubernetes says against a pod."""
    return [error.message for error in _validator(version).iter_errors(document)]
