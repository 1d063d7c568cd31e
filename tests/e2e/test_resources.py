"""An injected pod keeps its quality of service, and fits where the namespace sets bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import apply, create, eventually, get, kubectl
from tests.e2e.workloads import container, is_ready, pod, read

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

DB = {"file.db.json": "aws-secretsmanager:prod/db"}
UNSET = {"cpu-limit": "", "memory-limit": "", "cpu-request": "", "memory-request": ""}
OURS = ("syrette-init", "syrette-sidecar")


def _equal(**values: str) -> dict[str, dict[str, str]]:
    """Limits and requests of the same size."""
    return {"limits": values, "requests": values}


def _ours(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of our containers, as the cluster holds them."""
    held = {one["name"]: one["resources"] for one in found["spec"]["initContainers"]}
    return [held[name] for name in OURS]


def _bound(place: Place, kind: str, **spec: Any) -> None:  # noqa: ANN401 - of the object
    """Set bounds in the namespace, and wait until the API server knows them."""
    metadata = {"name": "bounds", "namespace": place.namespace}
    apply({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})
    if kind == "ResourceQuota":
        eventually(lambda: get(kind, "bounds", place.namespace).get("status", {}).get("hard"))


def _refused(place: Place, name: str, *containers: dict[str, Any]) -> str:
    """What is said to a pod that does not ask for anything: the bounds are in force."""
    said = create(pod(name, place.namespace, {}, *containers), check=False)
    assert said.code != 0, "the pod was to be refused"
    return said.err


def test_a_restricted_namespace_accepts_the_injected_pod(place: Place) -> None:
    """
    Pod Security `restricted` enforces and warns, and has nothing to say about our parts.

    The pod as a whole says nothing: each container has to fit by itself, and so do ours.
    """
    level = "pod-security.kubernetes.io"
    kubectl("label", "namespace", place.namespace, f"{level}/enforce=restricted")
    kubectl("label", "namespace", place.namespace, f"{level}/warn=restricted")
    safe = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsUser": 10001,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    app = container(securityContext=safe, resources=_equal(cpu="500m", memory="64Mi"))
    refused = _refused(place, "unsafe", container())
    said = create(pod("safe", place.namespace, DB, app, securityContext={}))
    is_ready(place.namespace, "safe")

    assert 'violates PodSecurity "restricted' in refused
    assert said.err == ""
    assert VALUE in read(place.namespace, "safe", "/secrets/db.json")


def test_a_guaranteed_pod_stays_guaranteed_and_starts(place: Place) -> None:
    """Init may use what the application will have; the pod's class is the user's."""
    app = container(resources=_equal(cpu="300m", memory="64Mi"))
    create(pod("guaranteed", place.namespace, DB, app))
    found = is_ready(place.namespace, "guaranteed")
    init, sidecar = _ours(found)

    assert found["status"]["qosClass"] == "Guaranteed"
    assert init["limits"]["cpu"] == "300m"
    assert init["limits"] == init["requests"]
    assert sidecar["limits"] == sidecar["requests"]
    assert VALUE in read(place.namespace, "guaranteed", "/secrets/db.json")


def test_our_containers_are_raised_to_the_least_of_a_limit_range(place: Place) -> None:
    """A namespace whose containers must be large gets ours as large, and the pod starts."""
    least = {"cpu": "120m", "memory": "300Mi"}
    _bound(place, "LimitRange", limits=[{"type": "Container", "min": least}])
    app = container(resources={"requests": {"cpu": "150m", "memory": "320Mi"}})
    small = container(resources=_equal(cpu="10m", memory="32Mi"))
    refused = _refused(place, "small", small)
    create(pod("large", place.namespace, DB, app))
    found = is_ready(place.namespace, "large")

    assert "minimum cpu usage per Container is 120m" in refused
    for ours in _ours(found):
        assert ours["requests"] == least
        assert ours["limits"]["memory"] == "300Mi"


def test_our_containers_are_lowered_to_the_most_of_a_limit_range(place: Place) -> None:
    """A namespace whose containers must be small gets ours as small, with a warning."""
    most = {"cpu": "300m", "memory": "66Mi"}
    _bound(place, "LimitRange", limits=[{"type": "Container", "max": most}])
    app = container(resources=_equal(cpu="200m", memory="64Mi"))
    large = container(resources=_equal(cpu="400m", memory="64Mi"))
    refused = _refused(place, "large", large)
    annotations = {**DB, "memory-limit": "256Mi", "cpu-limit": "1"}
    said = create(pod("small", place.namespace, annotations, app, container("other")))
    found = is_ready(place.namespace, "small")

    assert "maximum cpu usage per Container is 300m" in refused
    assert "a LimitRange leaves the injector 66Mi of memory" in said.err
    for ours in _ours(found):
        assert ours["limits"] == most


def test_limits_are_set_where_a_quota_asks_for_them(place: Place) -> None:
    """Limits that the user has unset come back in a namespace that counts them."""
    counted = (f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory"))
    hard = dict.fromkeys(counted, "4Gi")
    _bound(place, "ResourceQuota", hard=hard)
    app = container(resources=_equal(cpu="300m", memory="64Mi"))
    refused = _refused(place, "unbound", container())
    create(pod("counted", place.namespace, {**DB, **UNSET}, app))
    found = is_ready(place.namespace, "counted")

    assert "must specify limits.cpu" in refused
    for ours in _ours(found):
        assert set(ours["limits"]) == set(ours["requests"]) == {"cpu", "memory"}


def test_a_pod_with_resources_as_a_whole_is_left_with_them(place: Place) -> None:
    """Our containers live within `spec.resources`, and have none of their own."""
    whole = _equal(cpu="400m", memory="256Mi")
    create(pod("whole", place.namespace, DB, resources=whole))
    found = is_ready(place.namespace, "whole")

    assert found["spec"]["resources"] == whole
    assert _ours(found) == [{}, {}]
    assert found["status"]["qosClass"] == "Guaranteed"
    assert VALUE in read(place.namespace, "whole", "/secrets/db.json")
