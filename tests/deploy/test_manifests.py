"""The manifests that are checked in, and what every object of the chart has in common."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from deploy.render_manifests import MANIFESTS, manifests
from tests.deploy.chart import CERT_MANAGER, EVERYTHING, Object, kinds, named, objects, pod_spec

NEWEST = "1.37"
"""The newest schemas that the validator knows."""
FOREIGN = {"Certificate", "PrometheusRule", "ServiceMonitor"}
"""Kinds of others, whose schemas it does not know."""


def test_checked_in_manifests_are_the_rendered_chart() -> None:
    """After a change of the chart, `make manifests` is run again."""
    assert MANIFESTS.read_text(encoding="utf-8") == manifests(), "run `make manifests`"


@pytest.mark.parametrize("values", [{}, EVERYTHING, CERT_MANAGER], ids=["default", "all", "disk"])
def test_every_object_is_one_that_kubernetes_knows(values: Object) -> None:
    """No field is misspelled: each object passes the strict schema of its kind."""
    made = [item for item in objects(values) if item["kind"] not in FOREIGN]
    for item in made:
        kubernetes_validate.validate(item, NEWEST, strict=True)

    assert made


def test_objects_lie_in_the_namespace_of_the_release() -> None:
    """Nothing of a release into another namespace is left in `syrette`."""
    elsewhere = objects(EVERYTHING, "elsewhere")

    assert {item["metadata"].get("namespace", "elsewhere") for item in elsewhere} == {"elsewhere"}
    assert "namespace: syrette" not in yaml.safe_dump_all(elsewhere)


def test_selectors_match_the_labels_of_the_pods() -> None:
    """Service, disruption budget, network policy and anti-affinity all mean the webhook's pods."""
    deployment = named("Deployment", "syrette")["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    affinity = pod_spec()["affinity"]["podAntiAffinity"]
    terms = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    selectors = [
        deployment["selector"]["matchLabels"],
        named("Service", "syrette")["spec"]["selector"],
        named("PodDisruptionBudget", "syrette")["spec"]["selector"]["matchLabels"],
        named("NetworkPolicy", "syrette")["spec"]["podSelector"]["matchLabels"],
        *(term["podAffinityTerm"]["labelSelector"]["matchLabels"] for term in terms),
    ]
    monitor = named("ServiceMonitor", "syrette", EVERYTHING)["spec"]["selector"]["matchLabels"]
    service = named("Service", "syrette")["metadata"]["labels"]

    assert len(selectors) == 6
    assert all(selector and selector.items() <= labels for selector in selectors)
    assert monitor.items() <= service.items()


def test_ports_of_service_probes_and_policies_are_the_container_s() -> None:
    """What is named somewhere is a port of the container, also when the number is another one."""
    values = {"admissionPort": 10250, "metricsPort": 9090}
    container = pod_spec(values)["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = named("Service", "syrette", values)["spec"]["ports"]
    ingress = named("NetworkPolicy", "syrette", values)["spec"]["ingress"]

    assert ports == {"admission": 10250, "metrics": 9090}
    assert {"--listen=:10250", "--metrics-listen=:9090"} <= set(container["args"])
    assert {port["targetPort"] for port in service} == set(ports)
    assert [rule["ports"][0]["port"] for rule in ingress] == list(ports)
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    assert {container[probe]["httpGet"]["port"] for probe in probes} == {"metrics"}


def test_parts_that_need_others_are_off() -> None:
    """A cluster without the Prometheus operator and cert-manager takes the default chart."""
    assert kinds() & (FOREIGN | {"HorizontalPodAutoscaler"}) == set()
    assert {"PrometheusRule", "ServiceMonitor", "HorizontalPodAutoscaler"} <= kinds(EVERYTHING)


def test_the_manifests_pass_their_own_namespace() -> None:
    """The namespace of the checked-in manifests enforces Pod Security restricted."""
    first = next(yaml.safe_load_all(Path(MANIFESTS).read_text(encoding="utf-8")))

    assert first["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
