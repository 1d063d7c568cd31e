"""`syrette doctor` against a simulated API server that holds the chart's own objects."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.house.source import ROOT
from tests.syrette.installed import LEASES, REGISTRATION, Installed, intermediate
from webhook.tls import authority
from worlds.kubernetes import KubernetesWorld
from worlds.kubernetes.store import ApiStatusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.kubernetes.store import Object

DB = "aws-secretsmanager:prod/db"


@pytest.fixture
def place(capsys: pytest.CaptureFixture[str]) -> Iterator[Installed]:
    """A cluster where nothing is wrong."""
    with KubernetesWorld() as cluster:
        yield Installed(cluster, capsys)


def test_a_healthy_installation_has_no_findings(place: Installed) -> None:
    """Every check is said to be good, and nothing was created."""
    place.pod("web", file_db=DB, injected="v1.0123")
    said = place.ask()

    assert said.code == 0
    assert [line for line in said.out.splitlines() if not line.startswith("ok ")] == []
    assert "reachable: the API server reaches the webhook (tried in namespace default)" in said.out
    assert place.cluster.journal.count("post pods") == 1
    assert [pod["metadata"]["name"] for pod in place.cluster.store.list("/api/v1/pods")[0]] == [
        "web"
    ]


def test_the_document_has_all_findings(place: Installed) -> None:
    """`-o json` for programs, with the exit code in it."""
    place.deployed(ready=1)
    said = place.ask("-o", "json")
    checks = {finding["check"] for finding in said.json["findings"]}

    assert (said.code, said.json["exitCode"], said.json["namespace"]) == (1, 1, "syrette")
    assert checks == {
        "reachable",
        "registration",
        "certificate",
        "policies",
        "replicas",
        "lease",
        "uninjected",
        "versions",
        "enforcement",
        "kubelets",
    }


CALLING = 'Internal error occurred: failed calling webhook "pods.injection.syrette.dev": failed to '
POLICY = (
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'pods.injection.syrette.dev' with "
    "binding 'pods.injection.syrette.dev' denied request: syrette: the pod asks for secrets"
)
ANSWERS = {
    "unreached": (500, f"{CALLING}call webhook: x509: unknown authority", "cannot call", 1),
    "policy": (
        403,
        POLICY,
        "the webhook is not called",
        1,
    ),
    "otherwise": (
        429,
        'admission webhook "pods.injection.syrette.dev" denied the request: syrette: overloaded',
        "for a cause of its own",
        1,
    ),
    "others": (403, 'admission webhook "policy.example.com" denied the request: no', "somebody", 2),
}


@pytest.mark.parametrize("who", ANSWERS)
def test_whoever_refuses_the_mistake_tells_what_is_reached(place: Installed, who: str) -> None:
    """A call that failed, our policy, another cause, another webhook: each is told apart."""
    status, message, words, code = ANSWERS[who]

    def refuse(_pod: Object, _namespace: str) -> Object:
        raise ApiStatusError(status, "Refused", message)

    place.cluster.admission = refuse
    found = place.finding("reachable")

    assert words in found["said"]
    assert message in found["said"]
    assert found["remedy"]
    assert found["code"] == code


def test_a_mistake_that_nobody_refuses_is_a_problem(place: Installed) -> None:
    """Neither webhook nor policy looks at pods; and it was a dry run."""
    place.cluster.admission = lambda pod, _namespace: pod
    found = place.finding("reachable")

    assert place.cluster.store.list("/api/v1/pods")[0] == []
    assert "nothing of Syrette looks at pods" in found["said"]
    assert (found["level"], found["code"]) == ("problem", 1)


def test_the_mistake_is_tried_where_one_may_create_pods(place: Installed) -> None:
    """Not in namespaces that are excluded, nor where the caller has no right."""
    place.cluster.permissions.deny("create", "pods", namespace="default")
    elsewhere = place.finding("reachable")
    place.cluster.permissions.deny("create", "pods", namespace="shop")
    nowhere = place.finding("reachable")

    assert elsewhere["said"].endswith("(tried in namespace shop)")
    assert (elsewhere["level"], elsewhere["code"]) == ("ok", 0)
    assert nowhere["said"].endswith("(tried in namespace default, shop)")
    assert (nowhere["level"], nowhere["code"]) == ("unknown", 2)


def test_a_named_namespace_is_tried_alone(place: Installed) -> None:
    """`--probe-namespace` for who may create pods in one place."""
    place.cluster.permissions.deny("list", "namespaces")
    found = place.finding("reachable", "--probe-namespace", "shop")

    assert found["said"].endswith("(tried in namespace shop)")


@pytest.mark.parametrize("bundles", [0, 1])
def test_missing_webhook_entries_are_named(place: Installed, bundles: int) -> None:
    """Each of both, and what to do."""
    place.trust(*[place.authority.certificate] * bundles)
    found = place.finding("registration")

    assert found["said"].startswith(
        "the webhook entry workloads." if bundles else "the webhook entry pods."
    )
    assert "helm upgrade" in found["remedy"]
    assert found["code"] == 1


def test_an_entry_that_trusts_another_authority_is_named(place: Installed) -> None:
    """Both entries are compared with the Secret."""
    other = authority.make_authority(time.time()).certificate
    place.trust(place.authority.certificate, other)
    found = place.finding("certificate")

    assert "does not verify" in found["said"]
    assert found["names"] == ["workloads.injection.syrette.dev"]
    assert found["code"] == 1


def test_an_entry_without_authorities_is_named(place: Installed) -> None:
    """As the chart leaves it until a leader has published them."""
    place.trust(place.authority.certificate, b"")
    found = place.finding("certificate")

    assert "caBundle is empty" in found["said"]
    assert found["names"] == ["workloads.injection.syrette.dev"]


def test_a_certificate_is_verified_through_those_between(place: Installed) -> None:
    """The chain that is served counts as far as it leads to what is trusted."""
    between = intermediate(place.authority)
    leaf = authority.issue(between, ["syrette.syrette.svc"], time.time())
    place.serve(leaf)
    alone = place.finding("certificate")
    place.serve(leaf, between.certificate)
    whole = place.finding("certificate")
    other = authority.make_authority(time.time()).certificate
    place.trust(other, other)
    astray = place.finding("certificate")

    assert alone["level"] == "problem"
    assert whole["level"] == "ok"
    assert astray["level"] == "problem"


def test_a_certificate_for_another_name_or_about_to_end_is_said(place: Installed) -> None:
    """The API server verifies the Service's name, and at every moment."""
    now = time.time()
    place.serve(authority.issue(place.authority, ["other.syrette.svc"], now))
    other = place.finding("certificate")
    place.serve(authority.issue(place.authority, ["syrette.syrette.svc"], now, life=3600))
    ending = place.finding("certificate")
    place.put("Secret", "syrette-certificate", data={})
    empty = place.finding("certificate")

    assert "does not name syrette.syrette.svc" in other["said"]
    assert "ends in 1 hours" in ending["said"]
    assert "the Secret syrette/syrette-certificate holds no certificate" in empty["said"]
    assert {one["code"] for one in (other, ending, empty)} == {1}


def test_who_may_not_read_the_secret_has_the_api_servers_word(place: Installed) -> None:
    """It has verified the certificate when the webhook answers; else nothing is known."""
    place.cluster.permissions.deny("get", "secrets")
    proven = place.finding("certificate")
    other = authority.make_authority(time.time()).certificate
    place.trust(place.authority.certificate, other)
    different = place.finding("certificate")
    place.trust(other, other)
    place.cluster.permissions.deny("create", "pods")
    unproven = place.finding("certificate")

    assert (proven["level"], proven["code"]) == ("ok", 0)
    assert (different["level"], different["code"]) == ("unknown", 2)
    assert (unproven["level"], unproven["code"]) == ("unknown", 2)


@pytest.mark.parametrize("plural", ["policies", "policybindings"])
def test_missing_policies_and_bindings_are_named(place: Installed, plural: str) -> None:
    """A policy without a binding refuses nothing."""
    whole = f"validatingadmission{plural}"
    place.cluster.delete(whole, "pods.injection.syrette.dev", base=REGISTRATION)
    found = place.finding("policies")

    assert len(found["names"]) == 1
    assert found["names"][0].endswith("/pods.injection.syrette.dev")
    assert found["code"] == 1


@pytest.mark.parametrize("ready", [0, 1])
def test_replicas_that_are_not_ready_are_counted(place: Installed, ready: int) -> None:
    """And where to look."""
    place.deployed(ready)
    found = place.finding("replicas")

    assert found["said"] == f"{ready} of 2 replicas are ready"
    assert "kubectl -n syrette" in found["remedy"]
    assert found["code"] == 1


def test_another_namespace_has_no_installation(place: Installed) -> None:
    """The namespace is the installation's, not the pods'."""
    found = place.finding("replicas", "--namespace", "shop")

    assert "there is no Deployment `syrette` in namespace shop" in found["said"]
    assert found["code"] == 1


def test_a_lease_that_nobody_renews_is_said(place: Installed) -> None:
    """A frozen leader, and none at all."""
    place.renew(time.time() - 3600)
    frozen = place.finding("lease")
    place.renew(time.time(), holder="")
    nobody = place.finding("lease")

    assert "syrette-1 holds the Lease and has not renewed it" in frozen["said"]
    assert "no replica holds the Lease" in nobody["said"]
    assert {frozen["code"], nobody["code"]} == {1}


def test_what_was_deleted_is_told_from_what_is_empty(place: Installed) -> None:
    """The webhook fills its Secret and its Lease and cannot make them; an upgrade does."""
    place.cluster.delete("secrets", "syrette-certificate", namespace="syrette")
    place.cluster.delete("leases", "syrette-leader", namespace="syrette", base=LEASES)
    secret, lease = place.finding("certificate"), place.finding("lease")

    assert "the Secret syrette/syrette-certificate is not there" in secret["said"]
    assert "the Lease is not there" in lease["said"]
    assert all("helm upgrade" in one["remedy"] for one in (secret, lease))
    assert {secret["code"], lease["code"]} == {1}


def test_pods_that_ask_and_were_not_injected_are_listed(place: Installed) -> None:
    """By the policy's rule: not those that are switched off, that ended, or that ask nothing."""
    place.pod("bare", file_db=DB)
    place.pod("long", secrets="[]")
    place.pod("done", "Succeeded", file_db=DB)
    place.pod("off", file_db=DB, inject="false")
    place.pod("good", env_DB=DB, injected="v1.0123")
    place.pod("options", refresh="5m")
    found = place.finding("uninjected")

    assert found["names"] == ["shop/bare", "shop/long"]
    assert found["code"] == 1


def test_pods_of_another_version_are_listed(place: Installed) -> None:
    """By the version in the annotation that the webhook has left."""
    place.pod("old", file_db=DB, injected="v0.0123")
    place.pod("new", file_db=DB, injected="v1.0123")
    found = place.finding("versions")

    assert found["names"] == ["shop/old"]
    assert found["code"] == 1


def test_namespaces_without_enforcement_are_listed(place: Installed) -> None:
    """The way out of an emergency is not forgotten; and no pod is tried there."""
    for name in ("default", "shop"):
        labels = {"syrette.dev/enforcement": "disabled"}
        place.cluster.apply("namespaces", name, metadata={"labels": labels})
    found = place.finding("enforcement")
    reachable = place.finding("reachable")

    assert found["names"] == ["default", "shop"]
    assert "syrette.dev/enforcement-" in found["remedy"]
    assert found["code"] == 1
    assert "takes no namespace" in reachable["said"]
    assert place.cluster.journal.count("post pods") == 0


@pytest.mark.parametrize(
    ("server", "level", "code"), [("v1.37.1", "problem", 1), ("v1.33.4", "note", 0)]
)
def test_an_old_kubelet_is_said_with_what_it_costs(
    place: Installed, server: str, level: str, code: int
) -> None:
    """Skew is a problem; an older cluster as a whole is only worth knowing."""
    place.cluster.version = server
    place.cluster.node("node-2", "v1.33.4")
    found = place.finding("kubelets")

    assert "the kubelet of node-2 is v1.33.4" in found["said"]
    assert (found["level"], found["code"]) == (level, code)


def test_what_may_not_be_asked_is_never_good_news(place: Installed) -> None:
    """Each refused question is said, and the exit code is neither 0 nor 1."""
    for verb, resource in (
        ("list", "pods"),
        ("list", "nodes"),
        ("list", "namespaces"),
        ("get", "deployments"),
        ("get", "mutatingwebhookconfigurations"),
        ("get", "validatingadmissionpolicies"),
    ):
        place.cluster.permissions.deny(verb, resource)
    said = place.ask()
    unknown = [line.split()[1] for line in said.out.splitlines() if line.startswith("unknown ")]

    assert said.code == 2
    assert unknown == [
        "registration:",
        "policies:",
        "replicas:",
        "uninjected:",
        "enforcement:",
        "kubelets:",
    ]


def test_without_a_kubeconfig_it_takes_what_kubectl_would(place: Installed, tmp_path: Path) -> None:
    """`KUBECONFIG`, or a plain word where there is none to take."""
    environment = {"PATH": "/bin", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "syrette", "doctor"]
    given = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "KUBECONFIG": str(place.cluster.kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    none = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert (given.returncode, given.stderr) == (0, "")
    assert none.returncode == 2
    assert "no usable access to the API server" in none.stderr


def test_an_api_server_that_does_not_answer_is_said(place: Installed) -> None:
    """Nothing is known then."""
    place.cluster.go_down()
    said = place.ask()

    assert said.code == 2
    assert said.out == ""
    assert "the cluster cannot be asked: GET /version" in said.err
