"""What is refused, to whom it is said, and what is left alone."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.e2e.kubectl import apply, create, eventually, kubectl
from tests.e2e.load import DB, injected, proxied, send, unscheduled
from tests.e2e.workloads import ROLE, container, deployment, events, pod

if TYPE_CHECKING:
    from tests.e2e.conftest import Place
    from tests.e2e.kubectl import Said

MISTAKE = {"file.db.json": "aws-secretsmanagr:prod/db"}
SAID = "aws-secretsmanagr"


def test_a_denial_reaches_who_applies_a_pod(place: Place) -> None:
    """`kubectl apply` fails with our own text, which names the annotation and the word."""
    said = apply(pod("wrong", place.namespace, MISTAKE), check=False)

    assert said.code != 0
    assert 'admission webhook "pods.injection.syrette.dev" denied the request' in said.err
    assert "syrette.dev/file.db.json" in said.err
    assert SAID in said.err


def test_a_denial_reaches_the_event_of_a_replica_set(place: Place) -> None:
    """Whoever asks why there is no pod finds our text in the events of the namespace."""
    apply(deployment("wrong", pod("wrong", place.namespace, MISTAKE)))
    found = eventually(lambda: text if SAID in (text := events(place.namespace)) else "")

    assert "syrette.dev/file.db.json" in found


def test_a_mistake_in_a_template_is_a_warning_to_who_applies_it(place: Place) -> None:
    """The Deployment is created, and its author reads at once what its pods would be told."""
    said = apply(deployment("wrong", pod("wrong", place.namespace, MISTAKE), replicas=0))

    assert "deployment.apps/wrong created" in said.out
    assert "Warning: " in said.err
    assert SAID in said.err


def test_a_correct_template_brings_no_warning(place: Place) -> None:
    """Nothing is said where nothing is wrong."""
    app = container(resources={"requests": {"cpu": "10m", "memory": "16Mi"}})
    said = apply(deployment("right", pod("right", place.namespace, DB, app), replicas=0))

    assert said.err == ""


def test_annotations_beside_the_template_are_refused(place: Place) -> None:
    """Keys on a Deployment itself would have no effect; the policy says where they belong."""
    made = deployment("misplaced", pod("misplaced", place.namespace, {}), replicas=0)
    made["metadata"]["annotations"] = {"syrette.dev/file.db.json": DB["file.db.json"]}
    said = apply(made, check=False)

    assert said.code != 0
    assert "syrette: move syrette.dev/file.db.json to the annotations of the pod template" in (
        said.err
    )


def test_a_label_switches_everything_off_in_a_namespace(place: Place) -> None:
    """With `syrette.dev/enforcement: disabled` wrong pods and wrong workloads are created as is."""
    kubectl("label", "namespace", place.namespace, "syrette.dev/enforcement=disabled")
    wrong = deployment("wrong", pod("wrong", place.namespace, MISTAKE), replicas=0)
    wrong["metadata"]["annotations"] = {"syrette.dev/refresh": "1m"}

    def applied() -> list[Said]:
        said = apply(wrong, check=False)
        return [] if said.code else [said]

    (said,) = eventually(applied)  # API servers read the label from a cache of their own
    made = create(unscheduled("wrong", place.namespace, MISTAKE)).json

    assert said.err == ""
    assert not injected(made)


def test_inject_false_leaves_a_pod_alone(place: Place) -> None:
    """A pod that opts out is created as it is, whatever else it says."""
    made = create(unscheduled("out", place.namespace, {**MISTAKE, "inject": "false"})).json

    assert not injected(made)
    assert "volumes" not in made["spec"] or not [
        v for v in made["spec"]["volumes"] if v["name"].startswith("syrette")
    ]


def test_a_pod_without_our_annotations_is_left_alone(place: Place) -> None:
    """Nobody else's pod is touched."""
    assert not injected(create(unscheduled("other", place.namespace, {})).json)


def test_a_service_account_annotated_a_moment_before_its_pod_is_seen(place: Place) -> None:
    """Each of 30 accounts gets its role in one request and its pod in the next."""
    accounts = f"/api/v1/namespaces/{place.namespace}/serviceaccounts"
    roles, answers = [], []
    apply(*(_account(f"late-{number}", place.namespace) for number in range(30)))
    with proxied() as proxy, closing(proxy.connection()) as connection:
        for number in range(30):
            role = f"{ROLE}/late-{number}"
            patch = {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": role}}}
            kind = "application/merge-patch+json"
            send(connection, "PATCH", f"{accounts}/late-{number}", patch, kind)
            made = unscheduled(f"late-{number}", place.namespace, DB)
            made["spec"]["serviceAccountName"] = f"late-{number}"
            path = f"/api/v1/namespaces/{place.namespace}/pods"
            answers.append(send(connection, "POST", path, made))
            roles.append(role)

    assert [answer.get("message") for status, answer in answers if status != 201] == []
    assert [
        role for role, (_, made) in zip(roles, answers, strict=True) if role in _plan(made)
    ] == (roles)


def _account(name: str, namespace: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _plan(made: dict[str, Any]) -> str:
    init = made["spec"]["initContainers"][0]
    return " ".join(str(variable.get("value")) for variable in init["env"])
