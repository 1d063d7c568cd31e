"""Which admissions the API server asks us about, and which policies it has without us."""

from __future__ import annotations

import pytest

from injector.contract.names import DOMAIN, INIT_CONTAINER
from tests.deploy.chart import CERT_MANAGER, Object, admitted, kinds, matches, named, objects
from webhook.annotations.table import FORMS
from webhook.limits import Limits

NAME = "injection.syrette.dev"
FILE = f"{DOMAIN}/file.db"
MIRROR = "kubernetes.io/config.mirror"
ASKING = sorted(key + "x" * key.endswith(".") for key, form in FORMS.items() if form.secret)
"""A key of every form that asks for a secret."""


def entry(name: str, values: Object | None = None) -> Object:
    """Give one webhook of the configuration."""
    webhooks = named("MutatingWebhookConfiguration", NAME, values)["webhooks"]
    found: Object = {item["name"]: item for item in webhooks}[f"{name}.{NAME}"]
    return found


def pod(annotations: dict[str, str] | None = None, *containers: str) -> Object:
    """Make a pod; without annotations it has no such field."""
    metadata = {} if annotations is None else {"annotations": annotations}
    spec: Object = {"containers": [{"name": "app"}]}
    if containers:
        spec["initContainers"] = [{"name": name} for name in containers]
    return {"kind": "Pod", "metadata": metadata, "spec": spec}


def workload(
    own: dict[str, str] | None, template: dict[str, str] | None, kind: str = "Deployment"
) -> Object:
    """Make a workload whose own metadata and template have these annotations."""
    made = {"kind": kind, "metadata": pod(own)["metadata"], "spec": {"template": pod(template)}}
    if kind == "CronJob":
        made["spec"] = {"jobTemplate": {"spec": made["spec"]}}
    return made


@pytest.mark.parametrize("other", ["pod-identity-webhook", "vault-agent-injector-cfg"])
def test_it_comes_before(other: str) -> None:
    """Configurations are called in the order of their names: ours before the cloud's identity."""
    assert named("MutatingWebhookConfiguration", NAME)["metadata"]["name"] < other


def test_an_outage_stops_only_what_asks_for_secrets() -> None:
    """Pods fail closed, workloads are only warned about, and neither has side effects."""
    pods, workloads = entry("pods"), entry("workloads")

    assert (pods["failurePolicy"], workloads["failurePolicy"]) == ("Fail", "Ignore")
    assert (pods["reinvocationPolicy"], workloads["reinvocationPolicy"]) == ("IfNeeded", "Never")
    assert {item["sideEffects"] for item in (pods, workloads)} == {"None"}
    assert {item["matchPolicy"] for item in (pods, workloads)} == {"Equivalent"}
    assert pods["rules"] == [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": ["pods"],
            "operations": ["CREATE"],
            "scope": "Namespaced",
        }
    ]


def test_the_webhook_answers_before_it_is_given_up() -> None:
    """Our own deadlines are shorter than the API server's."""
    limits = Limits()

    assert limits.body_seconds + limits.decision_seconds < entry("pods")["timeoutSeconds"]


def test_both_paths_are_the_server_s() -> None:
    """Each entry posts to the route that answers it, through the chart's Service."""
    clients = [entry(name)["clientConfig"]["service"] for name in ("pods", "workloads")]
    service = named("Service", clients[0]["name"])

    assert [client["path"] for client in clients] == ["/mutate", "/review-workload"]
    assert {client["port"] for client in clients} <= {p["port"] for p in service["spec"]["ports"]}


@pytest.mark.parametrize("values", [{}, CERT_MANAGER], ids=["managed", "disk"])
def test_the_chart_sets_no_ca_bundle(values: Object) -> None:
    """Whoever renews certificates writes it; an upgrade of the chart does not take it away."""
    assert all("caBundle" not in entry(n, values)["clientConfig"] for n in ("pods", "workloads"))


@pytest.mark.parametrize(
    ("annotations", "asked"),
    [
        (None, False),
        ({}, False),
        ({"acme.io/file.db": "x"}, False),
        ({"not-syrette.dev/file.db": "x"}, False),
        ({FILE: "x"}, True),
        ({f"{DOMAIN}/aws.region": "eu-west-1"}, True),
        ({f"{DOMAIN}/inject": "true"}, True),
        ({FILE: "x", f"{DOMAIN}/inject": "false"}, False),
        ({FILE: "x", MIRROR: "x"}, False),
    ],
)
def test_we_are_asked_about_pods_with_our_annotations(
    annotations: dict[str, str] | None, *, asked: bool
) -> None:
    """Any key of ours counts, options alone too: they get a warning; switched off is untouched."""
    assert matches(entry("pods")["matchConditions"], pod(annotations)) is asked


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
@pytest.mark.parametrize(
    ("template", "asked"),
    [
        (None, False),
        ({"acme.io/a": "x"}, False),
        ({FILE: "x"}, True),
        ({FILE: "x", f"{DOMAIN}/inject": "false"}, False),
    ],
)
def test_we_are_asked_about_workloads_whose_template_has_them(
    kind: str, template: dict[str, str] | None, *, asked: bool
) -> None:
    """The template decides, wherever a kind keeps it."""
    conditions = entry("workloads")["matchConditions"]

    assert matches(conditions, workload({FILE: "x"}, template, kind)) is asked


def test_system_namespaces_and_ours_are_left_alone() -> None:
    """By name, and any other by the label for incidents; a pod's own label excludes nothing."""
    values = {"registration": {"excludedNamespaces": ["backup"]}}
    for name in ("pods", "workloads"):
        selector = entry(name, values)["namespaceSelector"]["matchExpressions"]

        assert selector == [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["kube-system", "syrette", "backup"],
            },
            {"key": "syrette.dev/enforcement", "operator": "NotIn", "values": ["disabled"]},
        ]
        assert "objectSelector" not in entry(name, values)


@pytest.mark.parametrize("policy", ["pods", "workloads"])
def test_policies_deny_in_every_enforced_namespace(policy: str) -> None:
    """Excluded namespaces too: nobody would inject there; only the incident's label is heeded."""
    spec = named("ValidatingAdmissionPolicy", f"{policy}.{NAME}")["spec"]
    binding = named("ValidatingAdmissionPolicyBinding", f"{policy}.{NAME}")["spec"]
    enforced = {"key": "syrette.dev/enforcement", "operator": "NotIn", "values": ["disabled"]}

    assert spec["failurePolicy"] == "Fail"
    assert spec["matchConstraints"]["namespaceSelector"]["matchExpressions"] == [enforced]
    assert binding == {"policyName": f"{policy}.{NAME}", "validationActions": ["Deny"]}


@pytest.mark.parametrize("key", ASKING)
def test_a_pod_that_asks_and_was_not_injected_is_denied(key: str) -> None:
    """Every form of asking counts; with our init container the pod passes."""
    policy = named("ValidatingAdmissionPolicy", f"pods.{NAME}")
    asking = {f"{DOMAIN}/{key}": "x"}

    assert not admitted(policy, pod(asking))
    assert not admitted(policy, pod(asking, "setup"))
    assert admitted(policy, pod(asking, "setup", INIT_CONTAINER))


@pytest.mark.parametrize(
    ("annotations", "passes"),
    [
        (None, True),
        ({"acme.io/file.db": "x"}, True),
        ({f"{DOMAIN}/aws.region": "eu-west-1"}, True),
        ({f"{DOMAIN}/injected": "1"}, True),
        ({f"{DOMAIN}/inject": "true"}, False),
        ({FILE: "x", f"{DOMAIN}/inject": "false"}, True),
        ({FILE: "x", MIRROR: "x"}, True),
    ],
)
def test_other_pods_pass_without_us(annotations: dict[str, str] | None, *, passes: bool) -> None:
    """Options ask for nothing, switched off is off, and static pods are the kubelet's."""
    assert admitted(named("ValidatingAdmissionPolicy", f"pods.{NAME}"), pod(annotations)) is passes


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
@pytest.mark.parametrize(
    ("own", "template", "passes"),
    [
        (None, None, True),
        (None, {FILE: "x"}, True),
        ({"acme.io/a": "x"}, None, True),
        ({FILE: "x"}, None, False),
        ({FILE: "x"}, {f"{DOMAIN}/aws.region": "x"}, False),
        ({FILE: "x"}, {FILE: "x"}, True),
        ({FILE: "x", f"{DOMAIN}/inject": "false"}, None, True),
    ],
)
def test_annotations_beside_the_template_are_denied(
    kind: str, own: dict[str, str] | None, template: dict[str, str] | None, *, passes: bool
) -> None:
    """On the workload alone they have no effect, and nobody would notice; on both they pass."""
    policy = named("ValidatingAdmissionPolicy", f"workloads.{NAME}")

    assert admitted(policy, workload(own, template, kind)) is passes


def test_annotations_on_a_cron_job_s_jobs_are_denied() -> None:
    """The metadata of the job template is one place too early as well."""
    cron_job = workload(None, None, "CronJob")
    cron_job["spec"]["jobTemplate"]["metadata"] = {"annotations": {FILE: "x"}}

    assert not admitted(named("ValidatingAdmissionPolicy", f"workloads.{NAME}"), cron_job)


def test_a_workload_that_is_being_deleted_can_lose_its_finalizers() -> None:
    """Whatever was there before the policy does not stay for ever."""
    deployment = workload({FILE: "x"}, None)
    deployment["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert admitted(named("ValidatingAdmissionPolicy", f"workloads.{NAME}"), deployment)


def test_a_cluster_without_match_conditions_opts_in_by_label() -> None:
    """The pod's or the namespace's label selects, and nothing of 1.30 is in the objects."""
    by_pod = {"registration": {"scope": "pod-label"}}
    by_namespace = {"registration": {"scope": "namespace-label"}}
    selector = entry("pods", by_namespace)["namespaceSelector"]["matchExpressions"]

    assert entry("pods", by_pod)["objectSelector"] == {
        "matchLabels": {"syrette.dev/injection": "enabled"}
    }
    assert {"key": "syrette.dev/injection", "operator": "In", "values": ["enabled"]} in selector
    for values in (by_pod, by_namespace):
        assert "matchConditions" not in entry("pods", values)
        assert "matchConditions" not in entry("workloads", values)
        assert not {kind for kind in kinds(values) if kind.startswith("ValidatingAdmission")}


def test_warnings_and_policies_can_be_left_out() -> None:
    """Each is a value of its own."""
    values = {"registration": {"workloadWarnings": False, "policies": False}}

    assert len(named("MutatingWebhookConfiguration", NAME, values)["webhooks"]) == 1
    assert not {kind for kind in kinds(values) if kind.startswith("ValidatingAdmission")}


def test_the_policy_can_outlive_the_chart() -> None:
    """With keepPolicy Helm leaves the first policy and its binding, and those only."""
    kept = {
        (item["kind"], item["metadata"]["name"])
        for item in objects({"registration": {"keepPolicy": True}})
        if item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }

    assert kept == {
        ("ValidatingAdmissionPolicy", f"pods.{NAME}"),
        ("ValidatingAdmissionPolicyBinding", f"pods.{NAME}"),
    }


def test_cert_manager_writes_the_bundle() -> None:
    """The configuration names the certificate that its bundle comes from."""
    configuration = named("MutatingWebhookConfiguration", NAME, CERT_MANAGER)

    assert configuration["metadata"]["annotations"] == {
        "cert-manager.io/inject-ca-from": "syrette/syrette"
    }
