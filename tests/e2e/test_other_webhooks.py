"""Beside other mutating webhooks, whatever their place in the order, and static pods."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import second_webhook
from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import create
from tests.e2e.mirror import mirrored, untouched
from tests.e2e.second_webhook import ADDED, AFTER, BEFORE, registered
from tests.e2e.workloads import is_ready, pod, read

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

DB = {"file.db.json": "aws-secretsmanager:prod/db", "env.API_KEY": "aws-ssm:/prod/api-key"}


@pytest.fixture
def bundle(place: Place) -> str:
    """The second webhook, serving in the place; its CA for a registration."""
    return second_webhook.start(place.namespace)


def _spec(found: dict[str, Any]) -> dict[str, Any]:
    """A pod's specification without what the API server chooses by itself: names and places."""
    text = re.sub(r"kube-api-access-\w+", "kube-api-access", json.dumps(found["spec"]))
    spec: dict[str, Any] = json.loads(text)
    for part in (*spec["initContainers"], *spec["containers"]):
        part["volumeMounts"].sort(key=lambda mount: mount["mountPath"])
    spec["volumes"].sort(key=lambda volume: volume["name"])
    return spec


def test_a_pod_that_is_annotated_after_us_is_refused(place: Place, bundle: str) -> None:
    """We are not called for it any more: the policy does not let it start without its secrets."""
    made = pod("later", place.namespace, {})
    with registered(AFTER, place.namespace, "/annotation", bundle):
        said = create(made, check=False)
    create(made)

    assert said.code != 0
    assert "another webhook added the annotations after ours had run" in said.err


def test_a_pod_that_is_annotated_before_us_is_injected(place: Place, bundle: str) -> None:
    """A webhook that sorts before ours may ask for secrets in the pod's name."""
    with registered(BEFORE, place.namespace, "/annotation", bundle):
        create(pod("asked", place.namespace, {}))
    is_ready(place.namespace, "asked")

    assert read(place.namespace, "asked", "/secrets/x") == VALUE


def test_a_container_of_another_webhook_gets_the_secrets(place: Place, bundle: str) -> None:
    """Added before or after us, it sees what the others do, and the pod comes out the same."""
    found = {}
    for name in (BEFORE, AFTER):
        with registered(name, place.namespace, "/container", bundle):
            create(pod(name, place.namespace, DB))
        found[name] = is_ready(place.namespace, name)

    for name in (BEFORE, AFTER):
        assert VALUE in read(place.namespace, name, "/secrets/db.json", ADDED)
        assert f"API_KEY={VALUE}" in read(place.namespace, name, "/proc/1/environ", ADDED)
    assert _spec(found[BEFORE]) == _spec(found[AFTER])
    assert found[BEFORE]["metadata"]["annotations"] == found[AFTER]["metadata"]["annotations"]


def test_a_mirror_pod_is_left_alone(place: Place) -> None:
    """What a kubelet shows of a static pod cannot have tokens: neither injected nor refused."""
    assert untouched(mirrored("static", place.namespace, DB))
