"""Quantities, QoS classes, and the bounds of a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from injector import state
from injector.contract import names, references
from injector.material import Material, RenderedFile
from injector.render.interface import Rendered, Value
from injector.state import ReadState, State
from tests.webhook.mutation.pods import (
    container,
    context,
    denial,
    fixture,
    patched,
    pod,
    warnings,
)
from webhook import settings
from webhook.context import LimitRange
from webhook.mutation import quantities
from webhook.mutation.quantities import BEST_EFFORT, BURSTABLE, GUARANTEED, ONE, quality

if TYPE_CHECKING:
    from pathlib import Path

BURST = [{"name": "web", "image": "web:1", "resources": {"requests": {"cpu": "100m"}}}]


def resources(result: dict[str, Any]) -> tuple[Any, Any]:
    """Resources of our two containers; None where they have none."""
    return (
        container(result, names.INIT_CONTAINER).get("resources"),
        container(result, names.SIDECAR_CONTAINER).get("resources"),
    )


def bounded(*ranges: LimitRange, quota: tuple[str, ...] = (), **options: str) -> Any:  # noqa: ANN401 - a decoded document
    """Resources of our sidecar in a namespace with bounds."""
    annotations = {
        "syrette.dev/file.a": "aws-ssm:/a",
        **{f"syrette.dev/{key.replace('_', '-')}": value for key, value in options.items()},
    }
    around = context(limit_ranges=ranges, quota_resources=frozenset(quota))
    return resources(patched(pod(annotations, containers=BURST), around))[1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", ONE),
        (2, 2 * ONE),
        (0.5, ONE // 2),
        ("1.5Gi", 3 * ONE * 2**29),
        ("100m", ONE // 10),
        ("1k", 1000 * ONE),
        ("2E", 2 * 10**18 * ONE),
        ("3Ei", 3 * 2**60 * ONE),
        ("1e3", 1000 * ONE),
        ("12E-3", 12 * ONE // 1000),
        ("5n", 5),
        ("7u", 7000),
        ("1.", ONE),
        ("", 0),
        ("1Q", 0),
        ("-1", 0),
        (None, 0),
        ("1" * 30, 0),
    ],
)
def test_a_quantity_is_exact(text: object, number: int) -> None:
    """Every suffix, decimals and exponents; what is no quantity is nothing."""
    assert quantities.parse(text) == number


def test_quantities_are_written_as_people_do() -> None:
    """CPU in whole cores or thousandths, memory in mebibytes or bytes, rounded up."""
    assert [quantities.cpu(quantities.parse(text)) for text in ("2", "1500m", "1.0001")] == [
        "2",
        "1500m",
        "1001m",
    ]
    assert [quantities.memory(quantities.parse(text)) for text in ("1Gi", "1500k", "0.5")] == [
        "1024Mi",
        "1500000",
        "1",
    ]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({}, BEST_EFFORT),
        ({"limits": {"nvidia.com/gpu": 1}}, BEST_EFFORT),
        ({"requests": {"cpu": 0}}, BEST_EFFORT),
        ({"requests": {"cpu": "1"}}, BURSTABLE),
        ({"limits": {"cpu": "1"}}, BURSTABLE),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, GUARANTEED),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m"}}, GUARANTEED),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "999m"}}, BURSTABLE),
    ],
)
def test_the_class_is_the_api_servers(resource: dict[str, Any], expected: str) -> None:
    """The QoS class of a pod follows from every container's CPU and memory."""
    assert quality({"containers": [{"name": "a", "resources": resource}]}) == expected
    assert quality({"resources": resource, "containers": [{"name": "a"}]}) == expected


def test_an_init_container_counts_too() -> None:
    """One init container without limits takes Guaranteed from the pod."""
    full = {"limits": {"cpu": 1, "memory": 1}}
    spec = {"containers": [{"name": "a", "resources": full}], "initContainers": [{"name": "b"}]}

    assert quality(spec) == BURSTABLE


def test_the_defaults_are_the_operators() -> None:
    """Measured defaults, or the operator's, or what the pod says; an empty text unsets one."""
    operator = settings.load("injector: {memory-limit: 256Mi, cpu-limit: ''}")
    annotations = {"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/cpu-request": "20m"}
    unset = annotations | {"syrette.dev/cpu-limit": "", "syrette.dev/memory-request": ""}

    assert resources(patched(pod(annotations, containers=BURST), settings=operator))[1] == {
        "limits": {"memory": "256Mi"},
        "requests": {"cpu": "20m", "memory": "48Mi"},
    }
    assert resources(patched(pod(unset, containers=BURST)))[1] == {
        "limits": {"memory": "128Mi"},
        "requests": {"cpu": "20m"},
    }


def test_a_limit_below_the_workers_peak_is_raised() -> None:
    """Memory for the worker and both sets of files; a limit of the pod's own is warned about."""
    annotations = {"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/memory-limit": "32Mi"}
    many = "\n".join(f"- {{from: 'aws-ssm:/{n}/', dir: d{n}}}" for n in range(40))
    document = pod(annotations, containers=BURST)
    crowded = patched(pod({"syrette.dev/secrets": many}, containers=BURST))

    assert resources(patched(document))[1]["limits"]["memory"] == "68Mi"
    assert any("memory-limit: raised to 68Mi" in text for text in warnings(document))
    assert resources(crowded)[1]["limits"]["memory"] == "144Mi"
    assert crowded["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] == "80Mi"


def test_a_guaranteed_pod_pays_for_the_sidecar_only() -> None:
    """The init container takes what the application's containers have together."""
    init, sidecar = resources(patched(fixture("guaranteed")))

    assert init == {
        "limits": {"cpu": "2500m", "memory": "1280Mi"},
        "requests": {"cpu": "2500m", "memory": "1280Mi"},
    }
    assert sidecar == {
        "limits": {"cpu": "50m", "memory": "128Mi"},
        "requests": {"cpu": "50m", "memory": "128Mi"},
    }


def test_a_guaranteed_pod_may_choose() -> None:
    """Options of the pod are taken; where everything is unset, the application's sum stands in."""
    full = {"limits": {"cpu": "1", "memory": "1Gi"}}
    containers = [{"name": "web", "image": "web:1", "resources": full}]
    annotations = {
        "syrette.dev/file.a": "aws-ssm:/a",
        "syrette.dev/cpu-limit": "200m",
        "syrette.dev/memory-limit": "",
        "syrette.dev/memory-request": "",
    }
    result = patched(pod(annotations, containers=containers))

    assert resources(result)[1]["limits"] == {"cpu": "200m", "memory": "1024Mi"}
    assert quality(result["spec"]) == GUARANTEED


def test_a_pod_with_resources_as_a_whole_gets_none() -> None:
    """Under `spec.resources` our containers have no resources of their own."""
    assert resources(patched(fixture("pod-level-resources"))) == (None, None)


def test_a_best_effort_pod_may_stay_one() -> None:
    """With everything unset nothing is requested, and nothing is warned about."""
    sizes = ("memory-limit", "memory-request", "cpu-limit", "cpu-request")
    document = pod(
        {"syrette.dev/file.a": "aws-ssm:/a", **{f"syrette.dev/{name}": "" for name in sizes}}
    )

    assert quality(patched(document)["spec"]) == BEST_EFFORT
    assert not any("Burstable" in text for text in warnings(document))


def test_limit_ranges_bound_what_we_ask() -> None:
    """Raised to the least, lowered to the most, within the ratio; every LimitRange counts."""
    least = LimitRange(minimum={"cpu": "50m", "memory": "64Mi"})
    most = LimitRange(maximum={"cpu": "200m", "memory": "100Mi"})
    ratio = LimitRange(max_ratio={"cpu": "10", "memory": "2"})

    assert bounded(least) == {
        "limits": {"cpu": "500m", "memory": "128Mi"},
        "requests": {"cpu": "50m", "memory": "64Mi"},
    }
    assert bounded(most) == {
        "limits": {"cpu": "200m", "memory": "100Mi"},
        "requests": {"cpu": "10m", "memory": "48Mi"},
    }
    assert bounded(ratio) == {
        "limits": {"cpu": "500m", "memory": "128Mi"},
        "requests": {"cpu": "50m", "memory": "64Mi"},
    }
    assert bounded(least, most, ratio) == {
        "limits": {"cpu": "200m", "memory": "100Mi"},
        "requests": {"cpu": "50m", "memory": "64Mi"},
    }
    assert bounded(LimitRange(minimum={"cpu": "1"})) == {
        "limits": {"cpu": "1", "memory": "128Mi"},
        "requests": {"cpu": "1", "memory": "48Mi"},
    }
    assert bounded(LimitRange(max_ratio={"memory": "1"}), memory_request="1Gi") == {
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "requests": {"cpu": "10m", "memory": "1Gi"},
    }


def test_quotas_get_the_sizes_that_they_count() -> None:
    """A quota refuses pods without the resources that it limits, so unset ones are set."""
    unset = {"cpu_limit": "", "memory_limit": "", "cpu_request": "", "memory_request": ""}

    assert bounded(quota=("limits.cpu", "limits.memory"), **unset) == {
        "limits": {"cpu": "500m", "memory": "128Mi"}
    }
    assert bounded(quota=("requests.cpu", "memory"), **unset) == {
        "requests": {"cpu": "10m", "memory": "128Mi"}
    }
    assert bounded(quota=("pods",), **unset) is None


def test_a_most_without_a_limit_sets_one() -> None:
    """A LimitRange with a most refuses containers without a limit."""
    assert bounded(LimitRange(maximum={"cpu": "2"}), cpu_limit="")["limits"]["cpu"] == "2"


def test_bounds_do_not_cost_a_pod_its_class() -> None:
    """What a LimitRange lowers for a Guaranteed pod stays limit and request at once."""
    most = LimitRange(maximum={"memory": "100Mi"}, max_ratio={"cpu": "2"})
    full = [
        {"name": "web", "image": "w:1", "resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}
    ]
    result = patched(pod(containers=full), context(limit_ranges=(most,)))

    assert quality(result["spec"]) == GUARANTEED
    assert resources(result)[1]["requests"]["memory"] == "100Mi"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"cpu-request": "2"}, ("2", "2")),
        ({"cpu-limit": "5m"}, ("5m", "5m")),
        ({"cpu-limit": "", "cpu-request": "2"}, (None, "2")),
        ({"cpu-limit": "3", "cpu-request": "2"}, ("3", "2")),
    ],
)
def test_no_request_is_above_its_limit(
    options: dict[str, str], expected: tuple[str | None, str]
) -> None:
    """Kubernetes refuses such a pod, so what nobody gave follows what somebody did."""
    annotations = {f"syrette.dev/{key}": text for key, text in options.items()}
    document = pod({"syrette.dev/file.a": "aws-ssm:/a", **annotations}, containers=BURST)
    found = resources(patched(document))[1]

    assert (found["limits"].get("cpu"), found["requests"]["cpu"]) == expected


def test_a_request_above_the_limit_that_was_given_is_refused() -> None:
    """Both were written by somebody: which is meant is not ours to guess."""
    document = pod(
        {
            "syrette.dev/file.a": "aws-ssm:/a",
            "syrette.dev/cpu-request": "2",
            "syrette.dev/cpu-limit": "1",
        }
    )

    assert denial(document).message == (
        "syrette: syrette.dev/cpu-request: `2` is more than the limit `1`"
    )


def test_a_limit_range_that_leaves_too_little_is_told() -> None:
    """The pod is admitted, for nothing else would be; a kill for memory has its reason told."""
    most = LimitRange(maximum={"memory": "50Mi"})
    told = warnings(pod(), context(limit_ranges=(most,)))

    assert "a LimitRange leaves the injector 50Mi of memory; it may need more" in told


def test_the_session_volume_holds_the_state_twice(tmp_path: Path) -> None:
    """Values and results of the largest secrets, and the old state until the new one is whole."""
    count, value = 40, Material(b"x" * 65_536)
    wanted = "\n".join(f"- {{from: 'aws-secretsmanager:{n}', file: f{n}}}" for n in range(count))
    volumes = patched(pod({"syrette.dev/secrets": wanted}, containers=BURST))["spec"]["volumes"]
    session = next(item for item in volumes if item["name"] == names.SESSION_VOLUME)
    reads = {
        references.parse(f"aws-secretsmanager:{n}"): ReadState(value=Value(value, mapping=False))
        for n in range(count)
    }
    rendered = {n: Rendered(files=(RenderedFile(f"f{n}", value),)) for n in range(count)}
    state.save(tmp_path / "state", State(reads, rendered=rendered), "c0ffee", "a1b2")
    limit = int(session["emptyDir"]["sizeLimit"].removesuffix("Mi")) << 20

    assert 2 * (tmp_path / "state").stat().st_size <= limit
