"""The decision as a whole: total, and quiet where it is not asked."""

from __future__ import annotations

from typing import Any

import pytest

from injector.contract.reasons import Reason
from tests.webhook.mutation.pods import admit, context, denial, pod, warnings
from webhook.mutation import mutate
from webhook.review import AdmissionRequest, Allowed, Denied
from webhook.settings import Settings


def request(document: Any, operation: str = "CREATE", namespace: str = "shop") -> AdmissionRequest:  # noqa: ANN401 - odd on purpose
    """An admission of anything."""
    return AdmissionRequest("u", operation, namespace, "web", document)


def test_a_pod_that_asks_for_nothing_is_left_alone() -> None:
    """No annotation of ours, no word of ours."""
    assert admit({"metadata": {"name": "x"}, "spec": {}}) == Allowed()
    assert admit({}) == Allowed()


def test_a_pod_may_be_switched_off() -> None:
    """`inject: "false"` lets everything else be, even what is wrong."""
    document = pod({"syrette.dev/file.a": "nonsense", "syrette.dev/inject": "false"})

    assert admit(document) == Allowed()


def test_options_without_secrets_are_warned_about() -> None:
    """A pod with options and no secret is allowed with a warning."""
    assert "no secret: nothing is injected" in warnings(pod({"syrette.dev/refresh": "1m"}))[0]


@pytest.mark.parametrize("operation", ["UPDATE", "DELETE", "CONNECT"])
def test_only_creations_are_decided(operation: str) -> None:
    """Whatever else happens to a pod is not ours to decide."""
    assert mutate(request(pod(), operation), context(), Settings()) == Allowed()


@pytest.mark.parametrize("namespace", ["kube-system", "syrette"])
def test_system_namespaces_are_left_alone(namespace: str) -> None:
    """Pods of the system get nothing, and who asked there is told."""
    asked = mutate(request(pod(), namespace=namespace), context(), Settings())
    quiet = mutate(request({"metadata": None}, namespace=namespace), context(), Settings())

    assert asked == Allowed(warnings=(f"nothing is injected in the system namespace {namespace}",))
    assert quiet == Allowed()


@pytest.mark.parametrize("metadata", ["x", ["x"], {"annotations": 7}, {"annotations": ["x"]}])
def test_odd_pods_of_the_system_are_left_alone_too(metadata: object) -> None:
    """What is no metadata asks for nothing."""
    document = {"metadata": metadata, "spec": {}}

    assert mutate(request(document, namespace="kube-system"), context(), Settings()) == Allowed()


def test_of_many_containers_a_few_are_named() -> None:
    """A message is read by a person, and events have bounds."""
    annotations = {"syrette.dev/file.db": "aws-ssm:/db", "syrette.dev/containers": "zzz"}
    document = pod(annotations, containers=[{"name": name} for name in "abcdefghijkl"])

    assert denial(document).message.endswith("; there are a, b, c, d, e, f, g, h, i, j, …")


@pytest.mark.parametrize("odd", [[], {}, 5, None])
def test_a_name_that_is_no_text_is_nobodys(odd: object) -> None:
    """The API server refuses it later, and says so better."""
    item = {"name": odd, "mountPath": odd, "containerPort": odd, "devicePath": odd}
    lists = ("volumeMounts", "env", "ports", "volumeDevices")
    document = pod(
        {
            "syrette.dev/env.A": "aws-ssm:/a",
            "syrette.dev/file.a": "aws-ssm:/a",
            "syrette.dev/metrics-port": "9465",
        },
        containers=[{"name": "web", **{name: [item] for name in lists}}],
        volumes=[{"name": odd}],
        imagePullSecrets=[{"name": odd}],
    )

    assert isinstance(admit(document), Allowed)


@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_a_pod_of_hundreds_of_containers_is_refused(field: str) -> None:
    """Each is looked at for each secret, so there is a bound, far above real pods."""
    spec: dict[str, Any] = {"containers": [{"name": "web", "image": "web:1"}]}
    spec[field] = [{"name": f"c{number}", "image": "web:1"} for number in range(257)]
    verdict = denial(pod(**spec))

    assert verdict.reason is Reason.UNSUPPORTED_POD
    assert verdict.message == f"syrette: spec.{field}: more than 256 containers"


def test_wrong_annotations_without_secrets_are_denied() -> None:
    """An unknown key is an error even where nothing would be injected."""
    assert denial(pod({"syrette.dev/fiel.a": "aws-ssm:/a"})).reason == "unknown-annotation"


def test_a_long_namespace_does_not_make_a_long_warning() -> None:
    """Warnings have at most 120 characters whatever they name."""
    namespace = "n" * 200
    operator = Settings(system_namespaces=(namespace,))
    verdict = mutate(request(pod(), namespace=namespace), context(), operator)

    assert [len(text) for text in verdict.warnings] == [120]


class Hostile(dict[str, Any]):
    """A document whose use is a defect."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def get(self, *_: object) -> Any:  # noqa: ANN401 - never returns
        """Raise what the test wants."""
        raise self._error


@pytest.mark.parametrize(
    "error",
    [RecursionError("canary-9"), TypeError("canary-9"), MemoryError(), KeyError("canary-9")],
)
def test_a_defect_is_a_denial(error: BaseException) -> None:
    """Whatever goes wrong denies the pod, says where, and tells nothing of the pod."""
    verdict = mutate(request(Hostile(error)), context(), Settings())

    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.INTERNAL
    assert f"a defect of Syrette ({type(error).__name__} in get, line" in verdict.message
    assert "canary-9" not in verdict.message


def test_a_deep_pod_is_decided() -> None:
    """Unknown fields may nest as deep as they like."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    document = pod(futureField=deep)
    verdict = mutate(request(document), context(), Settings())

    assert isinstance(verdict, Allowed)
