"""The webhook restarted, away, overloaded: what becomes of pods meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e import installation, replicas
from tests.e2e.endpoints import told_late
from tests.e2e.kubectl import apply, create, eventually, names, pods
from tests.e2e.load import DB, at_once, injected, under_load, unscheduled
from tests.e2e.mirror import mirrored, untouched
from tests.e2e.workloads import deployment, events, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Place

LATE_SECONDS: Final = 3.0
"""Well below the drain period of 10 s, and well above what a webhook that drains not lives on."""


@pytest.fixture(autouse=True)
def _whole_again() -> Iterator[None]:
    """Whatever a test did, two replicas serve after it."""
    yield
    installation.scale(2)


def test_a_rollout_under_load_loses_no_pod(place: Place) -> None:
    """
    All replicas are replaced and the old ones drain, while 50 pods are created each second.

    The Service leads to a replica for seconds after it was told to end.
    """
    before = names(installation.replicas())
    with (
        told_late(LATE_SECONDS),
        under_load(place.namespace, per_second=50, workers=12) as load,
    ):
        replicas.restart()
        installation.rolled_out()
        eventually(lambda: not set(before) & set(names(pods(installation.NAMESPACE))), seconds=60)
    print(f"\n{len(load.created)} pods were created during the rollout")

    assert load.refused == []
    assert len(load.created) > 100


def test_without_a_webhook_only_pods_that_ask_are_refused(place: Place) -> None:
    """An outage is said to who asked for secrets; all other pods, mirror pods too, are created."""
    installation.scale(0)
    said = create(unscheduled("asks", place.namespace, DB), check=False)
    other = create(unscheduled("other", place.namespace, {})).json
    out = create(unscheduled("out", place.namespace, {**DB, "inject": "false"})).json
    workload = apply(deployment("later", pod("later", place.namespace, DB)))
    static = mirrored("static", place.namespace, DB)

    assert said.code != 0
    assert 'failed calling webhook "pods.injection.syrette.dev"' in said.err
    assert other["metadata"]["name"] == "other"
    assert not injected(out)
    assert untouched(static)
    assert "deployment.apps/later created" in workload.out


def test_the_end_of_an_outage_needs_nobody(place: Place) -> None:
    """Pods of a Deployment that were refused meanwhile come by themselves afterwards."""
    installation.scale(0)
    apply(deployment("later", pod("later", place.namespace, DB)))
    eventually(lambda: "failed calling webhook" in events(place.namespace))
    installation.scale(2)
    found = eventually(lambda: pods(place.namespace, "app=later"))

    assert injected(found[0])


def test_what_is_shed_is_asked_again(place: Place) -> None:
    """
    Pods that waited too long for a stalled webhook are created nevertheless.

    Both replicas stand still for longer than they let a request wait and for less than the API
    server does; thawed, they answer 429, and the API server asks again within the admission.
    """
    replicas.start_host(place.namespace)
    warm = at_once(place.namespace, 40, workers=10)
    before = replicas.counted("syrette_shed_requests_total")
    with replicas.frozen(place.namespace, installation.replicas(), 2.5):
        load = at_once(place.namespace, 10, workers=10)

    assert warm.refused == []
    assert load.refused == []
    assert len(load.created) == 10
    assert replicas.counted("syrette_shed_requests_total") > before
