"""The chart's objects, by kind and name, and CEL as the API server evaluates it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import cel

from deploy import render_manifests

Object = dict[str, Any]

EVERYTHING: Final[Object] = {
    "image": {"pullSecret": "registry", "digest": "sha256:" + "0" * 64},
    "config": {"cluster": "prod-eu"},
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboard": {"enabled": True},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"operator": "Exists"}],
    "podLabels": {"team": "platform"},
    "podAnnotations": {"note": "ours"},
    "networkPolicy": {"metricsFrom": [{"namespaceSelector": {}}]},
}
"""Values that switch on every part that is off."""
CERT_MANAGER: Final[Object] = {
    "tls": {
        "source": "disk",
        "disk": {"certManager": {"enabled": True, "issuerRef": {"name": "internal"}}},
    }
}


def objects(values: Object | None = None, namespace: str = "syrette") -> list[Object]:
    """Give every object; what was made once is made once."""
    found: list[Object] = json.loads(_objects(json.dumps(values or {}), namespace))
    return found


@cache
def _objects(values: str, namespace: str) -> str:
    return json.dumps(render_manifests.objects(json.loads(values), namespace))


def named(kind: str, name: str, values: Object | None = None, namespace: str = "syrette") -> Object:
    """
    Give one object.

    Raises:
        KeyError: if the chart does not make it with these values.
    """
    made = {(item["kind"], item["metadata"]["name"]): item for item in objects(values, namespace)}
    return made[kind, name]


def kinds(values: Object | None = None) -> set[str]:
    """Give the kinds that the chart makes."""
    return {item["kind"] for item in objects(values)}


def pod_spec(values: Object | None = None) -> Object:
    """Give the specification of the webhook's pods."""
    spec: Object = named("Deployment", "syrette", values)["spec"]["template"]["spec"]
    return spec


def arguments(values: Object | None = None) -> dict[str, str]:
    """Give the webhook's arguments by option."""
    pairs = (item.split("=", 1) for item in pod_spec(values)["containers"][0]["args"])
    return {option: value for option, value in pairs}  # noqa: C416 - pairs, as mypy sees them


def matches(conditions: list[Object], item: Object) -> bool:
    """Whether every match condition is true of an object."""
    return all(cel.evaluate(row["expression"], {"object": item}) for row in conditions)


def admitted(policy: Object, item: Object, parameters: Object | None = None) -> bool:
    """Whether a ValidatingAdmissionPolicy lets an object pass, with what its `params` are."""
    spec = policy["spec"]
    if not matches(spec.get("matchConditions", []), item):
        return True
    variables: Object = {}
    facts = {"object": item, "variables": variables, "params": parameters}
    for row in spec.get("variables", []):
        variables[row["name"]] = cel.evaluate(row["expression"], facts)
    return all(cel.evaluate(row["expression"], facts) for row in spec["validations"])
