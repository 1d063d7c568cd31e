"""The schema of the chart's values, and the page that explains them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import helm_python
import pytest

from deploy.render_manifests import CHART, render
from webhook.settings import KEYS

if TYPE_CHECKING:
    from tests.deploy.chart import Object

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": 0}, "/replicas"),
        ({"replicas": "2"}, "/replicas"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"image": {"pullPolicy": "always"}}, "/image/pullPolicy"),
        ({"image": {"name": "syrette"}}, "/image"),
        ({"config": {"polcy": []}}, "polcy"),
        ({"config": {"policy": {}}}, "/config/policy"),
        ({"config": "cluster: prod"}, "/config"),
        ({"config": {"env-files": "sometimes"}}, "/config/env-files"),
        ({"admissionPort": 443}, "/admissionPort"),
        ({"registration": {"scope": "all"}}, "/registration/scope"),
        ({"registration": {"timeoutSeconds": 31}}, "/registration/timeoutSeconds"),
        ({"registration": {"timeoutSeconds": 4}}, "/registration/timeoutSeconds"),
        ({"registration": {"excludedNamespaces": ["a b"]}}, "/registration/excludedNamespaces/0"),
        ({"tls": {"disk": {"caBundle": "LS0tLS1CRUdJTg=="}}}, "/tls/disk/caBundle"),
        ({"tls": {"source": "cert-manager"}}, "/tls/source"),
        ({"priorityClass": {"name": ""}}, "/priorityClass/name"),
        ({"networkPolicy": {"apiServerPorts": []}}, "/networkPolicy/apiServerPorts"),
        ({"autoscaling": {"cpuUtilization": 0}}, "/autoscaling/cpuUtilization"),
        ({"serviceMonitor": {"interval": "often"}}, "/serviceMonitor/interval"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: Object, said: str) -> None:
    """Helm ends with the place of what is wrong before anything is installed."""
    with pytest.raises(helm_python.HelmValuesError, match=said):
        render(values)


def test_both_ports_cannot_be_one() -> None:
    """Said by name, in the place of an API server's complaint about a duplicate."""
    with pytest.raises(helm_python.HelmRenderError, match="admissionPort and metricsPort"):
        render({"admissionPort": 9000, "metricsPort": 9000})


def test_no_priority_class_needs_no_name() -> None:
    """An empty name is wrong only for a class that is to be made."""
    made = render({"priorityClass": {"create": False, "name": ""}})[
        "syrette/templates/deployment.yaml"
    ]

    assert "priorityClassName" not in made


def test_cert_manager_needs_an_issuer() -> None:
    """A certificate without an issuer would never be signed."""
    values = {"tls": {"source": "disk", "disk": {"certManager": {"enabled": True}}}}

    with pytest.raises(helm_python.HelmValuesError, match="issuerRef"):
        render(values)


def test_the_schema_knows_the_document_s_keys() -> None:
    """What the webhook reads can be written in `config`, and nothing else can."""
    config = SCHEMA["properties"]["config"]

    assert set(config["properties"]) == set(KEYS)
    assert config["additionalProperties"] is False


def _paths(schema: Object, prefix: str = "") -> set[str]:
    """Give the leaves of the schema, as `image.tag`."""
    found: set[str] = set()
    for name, row in schema["properties"].items():
        inner = row.get("properties") if name != "config" else None
        found |= _paths(row, f"{prefix}{name}.") if inner else {f"{prefix}{name}"}
    return found


def test_every_value_has_a_default_and_every_default_a_schema() -> None:
    """values.yaml and values.schema.json tell of the same values."""

    def leaves(values: Object, schema: Object, prefix: str = "") -> set[str]:
        found: set[str] = set()
        for name, value in values.items():
            inner = schema["properties"][name].get("properties") if name != "config" else None
            nested = inner and isinstance(value, dict)
            row = schema["properties"][name]
            found |= leaves(value, row, f"{prefix}{name}.") if nested else {f"{prefix}{name}"}
        return found

    with helm_python.Chart.load(CHART) as chart:
        assert leaves(chart.values, SCHEMA) == _paths(SCHEMA) - {"global"}
