"""Pods of every shape: what holds for each patch."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml

from injector.contract import names
from tests.webhook.mutation.pods import (
    admit,
    container,
    denial,
    fixture,
    fixtures,
    operations,
    patched,
    schema_errors,
)
from webhook.mutation.quantities import BEST_EFFORT, BURSTABLE, GUARANTEED, quality
from webhook.review import Allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

every_pod = pytest.mark.parametrize("name", fixtures())


def kept(before: object, after: object) -> bool:
    """Whether everything of `before` is in `after`: members by key, elements in their order."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(
            key in after and (value is None or kept(value, after[key]))
            for key, value in before.items()
        )
    if isinstance(before, list):
        rest: Iterator[object] = iter(after if isinstance(after, list) else ())
        return all(any(kept(item, other) for other in rest) for item in before)
    return bool(before == after)


def restricted_problems(pod: dict[str, Any], only: tuple[str, ...] = ()) -> list[str]:
    """
    What Pod Security `restricted` says against the containers of a pod.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    found: list[str] = []
    level = pod["spec"].get("securityContext") or {}
    for field in ("initContainers", "containers"):
        for item in pod["spec"].get(field) or []:
            if only and item["name"] not in only:
                continue
            own = item.get("securityContext") or {}
            merged = {**level, **own}
            capabilities = own.get("capabilities") or {}
            checks = {
                "privileged": not own.get("privileged"),
                "escalation": own.get("allowPrivilegeEscalation") is False,
                "non-root": merged.get("runAsNonRoot") is True and merged.get("runAsUser") != 0,
                "capabilities": capabilities.get("drop") == ["ALL"]
                and set(capabilities.get("add") or ()) <= {"NET_BIND_SERVICE"},
                "seccomp": (merged.get("seccompProfile") or {}).get("type")
                in {"RuntimeDefault", "Localhost"},
                "ports": not any(port.get("hostPort") for port in item.get("ports") or []),
            }
            found.extend(f"{item['name']}: {what}" for what, good in checks.items() if not good)
    found.extend(
        f"volume {volume['name']}"
        for volume in pod["spec"].get("volumes") or []
        if volume["name"].startswith("syrette-") and not set(volume) - {"name"} <= _VOLUMES
    )
    return found


_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def test_there_are_many_shapes() -> None:
    """The fixtures are at least forty, with those that no injector can serve."""
    assert len(fixtures()) >= 40
    assert fixtures(denied=True)


@every_pod
def test_a_patch_only_adds_and_is_valid(name: str) -> None:
    """A patch has `add` operations only and makes a pod that Kubernetes' schema accepts."""
    document = fixture(name)
    result = patched(document)

    assert {it["op"] for it in operations(admit(document))} == {"add"}
    assert schema_errors(result) == []


@pytest.mark.parametrize("name", [name for name in fixtures() if name != "variables-overridden"])
def test_a_patch_keeps_all_that_was_there(name: str) -> None:
    """Everything of the pod is still there, unknown fields and the order of lists included."""
    document = fixture(name)

    assert kept(document, patched(document))


@every_pod
def test_a_second_pass_adds_nothing(name: str) -> None:
    """A patched pod is recognised: no operations, the same warnings, the same summary."""
    document = fixture(name)
    first, second = admit(document), admit(patched(document))

    assert isinstance(first, Allowed)
    assert isinstance(second, Allowed)
    assert second.operations == ()
    assert second.summary == first.summary


@every_pod
def test_the_same_pod_gives_the_same_bytes(name: str) -> None:
    """Neither time, chance nor the order of keys changes a patch."""
    document = fixture(name)
    shuffled = copy.deepcopy(document)
    keys = list(document["metadata"]["annotations"].items())
    random.Random(7).shuffle(keys)  # noqa: S311 - an order, no secret
    shuffled["metadata"]["annotations"] = dict(keys)

    assert msgspec.json.encode(operations(admit(document))) == msgspec.json.encode(
        operations(admit(shuffled))
    )


@every_pod
def test_our_containers_pass_pod_security_restricted(name: str) -> None:
    """What we add passes Pod Security restricted on its own, whatever the pod is."""
    result = patched(fixture(name))
    ours = (names.INIT_CONTAINER, names.SIDECAR_CONTAINER)

    assert restricted_problems(result, only=ours) == []


@every_pod
def test_our_containers_need_no_shell_and_no_sdk_variables(name: str) -> None:
    """Commands are in exec form by absolute path; no variable is one of an SDK."""
    result = patched(fixture(name))
    init = container(result, names.INIT_CONTAINER)
    variables = [item["name"] for item in init["env"]]

    assert tuple(init["command"]) == names.INIT_COMMAND
    assert init["command"][0].startswith("/")
    assert "args" not in init
    assert all(variable.startswith("SYRETTE_") for variable in variables)
    assert "$" not in init["env"][0]["value"]


@every_pod
def test_the_quality_of_service_is_kept(name: str) -> None:
    """Guaranteed stays Guaranteed and Burstable Burstable; only BestEffort changes."""
    document = fixture(name)
    before, after = quality(document["spec"]), quality(patched(document)["spec"])

    assert after == (BURSTABLE if before == BEST_EFFORT else before)


def test_every_class_is_among_the_fixtures() -> None:
    """The fixtures have pods of all three QoS classes."""
    assert {quality(fixture(name)["spec"]) for name in fixtures()} == {
        BEST_EFFORT,
        BURSTABLE,
        GUARANTEED,
    }


def test_a_restricted_pod_stays_restricted() -> None:
    """A pod that passes Pod Security restricted passes with its patch."""
    document = fixture("restricted")

    assert restricted_problems(document) == []
    assert restricted_problems(patched(document)) == []


def test_a_privileged_container_is_seen() -> None:
    """The check of Pod Security says what is wrong with a privileged pod."""
    assert "agent: privileged" in restricted_problems(fixture("privileged"))


@pytest.mark.parametrize("name", fixtures(denied=True))
def test_what_cannot_be_served_is_denied(name: str) -> None:
    """Windows, static and ephemeral pods are refused with the reason."""
    assert denial(fixture(name)).reason == "unsupported-pod"


def test_fixtures_are_plain_pods() -> None:
    """A fixture is one document of kind Pod."""
    for name in fixtures() + fixtures(denied=True):
        document = fixture(name)

        assert (document["kind"], document["metadata"]["name"]) == ("Pod", name)
        assert yaml.safe_dump(document)
