"""The webhook's pods: what they may do, how they end, what they are told."""

from __future__ import annotations

import pytest
import yaml

from injector.contract import names
from tests.deploy.chart import CERT_MANAGER, EVERYTHING, Object, arguments, named, pod_spec
from webhook import settings
from webhook.arguments import parse
from webhook.limits import Limits
from webhook.tls.interface import SETTLE_SECONDS

VOLUMES_OF_RESTRICTED = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""


@pytest.mark.parametrize("values", [{}, EVERYTHING, CERT_MANAGER], ids=["default", "all", "disk"])
def test_every_container_passes_pod_security_restricted(values: Object) -> None:
    """Each control of the restricted profile is met, whatever is switched on."""
    spec = pod_spec(values)
    contexts = [container["securityContext"] for container in spec["containers"]]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all(context["allowPrivilegeEscalation"] is False for context in contexts)
    assert all(context["capabilities"] == {"drop": ["ALL"]} for context in contexts)
    assert all(context["readOnlyRootFilesystem"] is True for context in contexts)
    assert all("hostPort" not in port for c in spec["containers"] for port in c["ports"])
    assert {key for volume in spec["volumes"] for key in set(volume) - {"name"}} <= (
        VOLUMES_OF_RESTRICTED
    )


def test_the_only_token_is_projected_and_the_webhook_s() -> None:
    """Nothing is mounted by itself; the one token ends within an hour."""
    spec = pod_spec()
    tokens = [
        source["serviceAccountToken"]
        for volume in spec["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    ]

    assert named("ServiceAccount", "syrette")["automountServiceAccountToken"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert tokens == [{"path": "token", "expirationSeconds": 3600}]


@pytest.mark.parametrize("drain", [0, 10, 120])
def test_the_grace_period_outlasts_the_drain(drain: int) -> None:
    """The kubelet kills no replica that still serves or finishes what is in flight."""
    values = {"drainSeconds": drain}
    needed = drain + Limits().finish_seconds + Limits().shutdown_seconds

    assert arguments(values)["--drain-seconds"] == str(drain)
    assert pod_spec(values)["terminationGracePeriodSeconds"] >= needed + 10


def test_a_rollout_never_has_fewer_replicas() -> None:
    """A new replica is ready before an old one ends; drains of nodes take one at a time."""
    deployment = named("Deployment", "syrette")["spec"]
    budget = named("PodDisruptionBudget", "syrette")["spec"]

    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_an_autoscaler_owns_the_number_of_replicas() -> None:
    """An upgrade does not reset what the autoscaler has chosen."""
    assert "replicas" not in named("Deployment", "syrette", EVERYTHING)["spec"]


def test_a_change_of_the_document_rolls_the_webhook() -> None:
    """Another document is another pod template, and the same one is the same."""

    def template(values: Object) -> Object:
        made: Object = named("Deployment", "syrette", values)["spec"]["template"]
        return made

    assert template({"config": {"cluster": "a"}}) != template({"config": {"cluster": "b"}})
    assert template({"config": {"cluster": "a"}}) == template({"config": {"cluster": "a"}})


def test_the_webhook_reads_the_document_that_the_chart_writes() -> None:
    """`config` arrives whole, with the chart's image for injected containers beside it."""
    rules = [{"name": "all", "allow": {"stores": {"*": ["**"]}}}]
    values = {"config": {"cluster": "prod-eu", "policy": rules}, "image": {"tag": "1.2.3"}}
    text = named("ConfigMap", "syrette-config", values)["data"]["config.yaml"]
    found = settings.load(text)

    assert found.cluster == "prod-eu"
    assert [rule.name for rule in found.policy] == ["all"]
    assert found.injector.image == "localhost/syrette:1.2.3"
    assert pod_spec(values)["containers"][0]["image"] == found.injector.image


def test_an_image_in_the_document_wins() -> None:
    """Injected pods may run another image than the webhook."""
    values = {"config": {"injector": {"image": "registry.acme.io/syrette:2"}}}
    document = yaml.safe_load(named("ConfigMap", "syrette-config", values)["data"]["config.yaml"])

    assert document["injector"]["image"] == "registry.acme.io/syrette:2"


def test_an_image_by_digest_has_no_tag() -> None:
    """A digest says everything."""
    values = {"image": {"digest": "sha256:" + "a" * 64, "tag": "ignored"}}

    assert pod_spec(values)["containers"][0]["image"] == "localhost/syrette@sha256:" + "a" * 64


def test_the_managed_certificate_names_objects_that_are_there() -> None:
    """Secret, Lease, configuration and Service of the arguments are the chart's own."""
    given = arguments()

    assert given["--certificate"] == "managed"
    assert "data" not in named("Secret", given["--certificate-secret"])
    assert "spec" not in named("Lease", given["--lease"])
    assert named("MutatingWebhookConfiguration", given["--webhook-configuration"])
    assert named("Service", given["--service"])


def test_the_pace_of_replacing_the_authority_is_a_value() -> None:
    """The default is the program's own, so that docs of either tell of both."""
    assert float(arguments()["--settle-seconds"]) == SETTLE_SECONDS
    assert arguments({"tls": {"settleSeconds": 5}})["--settle-seconds"] == "5"
    assert "--settle-seconds" not in arguments(CERT_MANAGER)


def test_the_webhook_learns_where_it_runs() -> None:
    """Its namespace and name come from the downward API, under the names that it reads."""
    variables = {
        item["name"]: item["valueFrom"]["fieldRef"]["fieldPath"]
        for item in pod_spec()["containers"][0]["env"]
    }

    assert variables == {
        names.NAMESPACE_VARIABLE: "metadata.namespace",
        names.POD_NAME_VARIABLE: "metadata.name",
    }


@pytest.mark.parametrize("values", [{}, CERT_MANAGER], ids=["managed", "disk"])
def test_the_webhook_takes_the_chart_s_arguments(values: Object) -> None:
    """Its own parser knows every option, and none contradicts another."""
    options = parse(pod_spec(values)["containers"][0]["args"])

    assert options.cluster == "kubernetes"
    assert options.certificate == ("disk" if values else "managed")
    assert options.listen == ("", 8443)


def test_a_certificate_on_disk_is_mounted_where_the_webhook_looks() -> None:
    """With cert-manager the Secret is mounted, and nothing of the managed source is left."""
    spec, given = pod_spec(CERT_MANAGER), arguments(CERT_MANAGER)
    mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    secrets = {v["name"]: v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v}
    certificate = named("Certificate", "syrette", CERT_MANAGER)["spec"]

    assert given["--tls-cert"] == f"{mounts['tls']}/tls.crt"
    assert given["--tls-key"] == f"{mounts['tls']}/tls.key"
    assert secrets == {"tls": certificate["secretName"]}
    assert "syrette.syrette.svc" in certificate["dnsNames"]
    assert not {"--certificate", "--certificate-secret", "--lease"} & set(given)


def test_on_the_nodes_network_names_are_still_resolved() -> None:
    """The cluster's DNS stays, and a node's port is given back before it is taken again."""
    values = {"hostNetwork": True}
    deployment = named("Deployment", "syrette", values)["spec"]

    assert pod_spec(values)["hostNetwork"] is True
    assert pod_spec(values)["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 1


def test_on_openshift_the_constraint_chooses_the_user() -> None:
    """A fixed uid outside the namespace's range would be refused there."""
    context = pod_spec({"openshift": True})["securityContext"]

    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
