"""Other webhooks before, between and after us: repaired, never twice, never another's."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from injector.contract import codec, names
from tests.webhook.mutation.pods import (
    admit,
    container,
    denial,
    fixture,
    operations,
    patched,
    plan_of,
    pod,
    schema_errors,
)

ALLOWED = {"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/env.B": "aws-ssm:/b"}


def paths(document: dict[str, Any]) -> list[str]:
    """Where a patch adds something."""
    return [operation["path"] for operation in operations(admit(document))]


def test_a_container_that_is_added_later_gets_its_mount_only() -> None:
    """A container that another webhook adds after us is mounted, and nothing is added twice."""
    document = patched(pod())
    document["spec"]["containers"].append({"name": "late", "image": "late:1"})

    assert paths(document) == ["/spec/containers/1/volumeMounts"]
    assert paths(patched(document)) == []


def test_a_container_that_is_added_later_gets_its_variables() -> None:
    """The plan in both of our containers learns of it, the annotation follows, and that is all."""
    document = patched(pod(ALLOWED))
    document["spec"]["containers"].insert(0, {"name": "late", "image": "late:1"})
    again = patched(document)

    assert paths(document) == [
        "/spec/containers/0/volumeMounts",
        "/spec/containers/0/env",
        "/spec/initContainers/0/env/0/value",
        "/spec/initContainers/1/env/0/value",
        "/metadata/annotations/syrette.dev~1injected",
    ]
    assert plan_of(again).secrets[0].containers == ("late", "web")
    assert paths(again) == []
    assert schema_errors(again) == []


def test_a_mesh_with_a_uid_of_its_own_changes_nothing() -> None:
    """An ignored container does not matter for mounts, owner and mode."""
    document = patched(pod(securityContext={"runAsUser": 1000}))
    proxy = {"name": "istio-proxy", "image": "p:1", "securityContext": {"runAsUser": 1337}}
    document["spec"]["containers"].append(proxy)

    assert paths(document) == []


def test_a_container_of_another_uid_opens_the_modes() -> None:
    """A reader of another uid that is added later makes the files readable by all."""
    document = patched(pod(securityContext={"runAsUser": 1000}))
    late = {"name": "late", "image": "late:1", "securityContext": {"runAsUser": 2000}}
    document["spec"]["containers"].append(late)
    again = patched(document)

    assert plan_of(again).secrets[0].mode == 0o444
    assert container(again, names.INIT_CONTAINER)["securityContext"]["runAsUser"] == 1000
    assert paths(again) == []


def test_a_second_set_of_files_gets_its_volume_in_our_containers() -> None:
    """A late container with fewer files than the others needs a volume; ours mount it too."""
    asked = "- {from: 'aws-ssm:/b', file: b, containers: [web]}"
    document = patched(pod({"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/secrets": asked}))
    document["spec"]["containers"].append({"name": "late", "image": "late:1"})
    again = patched(document)

    assert container(again, "late")["volumeMounts"][0]["name"] == "syrette-secrets-2"
    assert "/spec/volumes/-" in paths(document)
    assert "/spec/initContainers/0/volumeMounts/-" in paths(document)
    assert plan_of(again).volumes == ("syrette-secrets", "syrette-secrets-2")
    assert paths(again) == []


def test_an_init_container_before_ours_is_fine() -> None:
    """What another webhook puts in front starts before the secrets are there: left alone."""
    document = patched(fixture("init-containers"))
    document["spec"]["initContainers"].insert(0, {"name": "mesh-init", "image": "m:1"})

    assert paths(document) == []


def test_both_orders_of_two_webhooks_give_the_same_parts() -> None:
    """A webhook that adds a container may come before or after us."""

    def other(document: dict[str, Any]) -> dict[str, Any]:
        document = copy.deepcopy(document)
        document["spec"]["containers"].append({"name": "late", "image": "late:1"})
        return document

    document = pod(ALLOWED)
    after, before = patched(other(patched(document))), patched(other(document))

    assert after == before


@pytest.mark.parametrize(
    ("missing", "added"),
    [
        ("syrette-sidecar", ["/spec/initContainers/1"]),
        ("syrette-init", ["/spec/initContainers/0"]),
    ],
)
def test_a_part_that_is_gone_comes_back(missing: str, added: list[str]) -> None:
    """Whichever of our containers is missing is put where it belongs."""
    document = patched(pod())
    items = document["spec"]["initContainers"]
    document["spec"]["initContainers"] = [item for item in items if item["name"] != missing]

    assert paths(document) == added
    assert paths(patched(document)) == []


def test_what_others_change_in_our_containers_is_kept() -> None:
    """Registry mirrors, meshes and clouds change images, variables and mounts of ours."""
    document = patched(pod())
    for item in document["spec"]["initContainers"]:
        item["image"] = "mirror.internal/syrette:1"
        item["env"].insert(0, {"name": "AWS_REGION", "value": "eu-west-1"})
        item["volumeMounts"].append({"name": "aws-token", "mountPath": "/var/run/secrets/x"})
        item["securityContext"]["runAsUser"] = 1000
    document["spec"]["volumes"].append({"name": "aws-token", "emptyDir": {}})

    assert paths(document) == []


def test_defaults_of_the_api_server_are_recognised() -> None:
    """Fields that the API server fills in do not make our parts foreign."""
    document = patched(pod(ALLOWED))
    entry = container(document, "web")["env"][0]
    del entry["valueFrom"]["fileKeyRef"]["optional"]
    document["spec"]["volumes"][-1]["projected"]["defaultMode"] = 420

    assert paths(document) == []


def test_a_copied_pod_with_other_annotations_is_denied() -> None:
    """An older plan is not brought up to date: the message says what to remove."""
    document = patched(pod())
    document["metadata"]["annotations"]["syrette.dev/file.new"] = "aws-ssm:/new"
    verdict = denial(document)

    assert verdict.reason == "already-injected"
    assert "container `syrette-init`: was injected for other annotations" in verdict.message
    assert "remove the injected parts" in verdict.message


def test_a_plan_by_hand_is_no_way_round_the_policy() -> None:
    """A hand-written plan that asks for something else is refused, readable or not."""
    document = patched(pod())
    for item in document["spec"]["initContainers"]:
        entry = item["env"][0]
        entry["value"] = entry["value"].replace("prod/db", "prod/other")
    assert codec.load(document["spec"]["initContainers"][0]["env"][0]["value"])

    assert denial(document).reason == "already-injected"


def test_two_passes_over_a_classic_sidecar() -> None:
    """A classic sidecar is recognised among the regular containers."""
    document = patched(pod({"syrette.dev/file.a": "aws-ssm:/a", "syrette.dev/sidecar": "classic"}))

    assert document["spec"]["containers"][-1]["name"] == "syrette-sidecar"
    assert "restartPolicy" not in document["spec"]["containers"][-1]
    assert plan_of(document).classic
    assert paths(document) == []


def test_a_classic_sidecar_where_a_native_is_planned_is_denied() -> None:
    """Our sidecar in the other list is not the one that would be written."""
    document = patched(pod())
    document["spec"]["containers"].append(document["spec"]["initContainers"].pop())

    assert denial(document).reason == "already-injected"


def test_order_last_is_kept_on_the_second_pass() -> None:
    """Init containers that stand behind ours are served, as in the first pass."""
    document = patched(fixture("init-containers-order-last"))
    document["spec"]["initContainers"].append({"name": "late", "image": "l:1"})

    assert paths(document) == ["/spec/initContainers/4/volumeMounts"]
