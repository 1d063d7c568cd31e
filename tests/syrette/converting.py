"""Conversions as the tests look at them: what the webhook and the injector make of the result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from injector.contract import references
from injector.material import Material
from injector.render import Value, render
from syrette import decisions
from syrette.convert import convert
from webhook import settings
from webhook.review import Allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.plan import Plan
    from syrette.convert import Converted

OPERATOR = """
defaults:
  vault.address: "https://vault.acme.io:8200"
  vault.role: anybody
  aws.region: eu-west-1
  gcp.gke-cluster: projects/acme-prod/locations/europe-west3/clusters/prod
allowed-addresses: ["https://vault.acme.io:8200"]
allowed-audiences: [vault-prod]
"""
"""What the report tells the operator to do."""
SETTINGS = settings.load(OPERATOR)
SPEC = {"containers": [{"name": "app", "image": "acme/web"}]}


def pod(annotations: Mapping[str, str], spec: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A pod with annotations of Vault's injector, without their domain."""
    given = {f"vault.hashicorp.com/{key}": text for key, text in annotations.items()}
    metadata = {"name": "web", "annotations": given}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": dict(spec or SPEC)}


def converted(annotations: Mapping[str, str], spec: Mapping[str, Any] | None = None) -> Converted:
    """Convert one pod."""
    return convert([pod(annotations, spec)])


def ours(result: Converted) -> dict[str, str]:
    """The annotations of the only document, without the domain of ours."""
    (document,) = result.documents
    annotations = document["metadata"]["annotations"]
    return {key.removeprefix("syrette.dev/"): text for key, text in annotations.items()}


def plan(result: Converted) -> Plan | None:
    """
    What the webhook makes of the only document.

    Raises:
        AssertionError: if it denies the pod.
    """
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems
    return decision.plan


def written(result: Converted, secrets: Mapping[str, Any]) -> dict[str, bytes]:
    """
    What the injector writes.

    Args:
        result: the conversion of one pod.
        secrets: what Vault holds, by reference without the store.
    """
    values = {
        references.parse(f"vault:{path}"): Value(Material(json.dumps(data).encode()), mapping=True)
        for path, data in secrets.items()
    }
    found = plan(result)
    assert found is not None
    rendered = [render(secret, values) for secret in found.secrets]
    return {file.path: file.material.reveal() for it in rendered for file in it.files}
