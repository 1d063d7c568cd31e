"""Pods that nobody thought of: what holds for every patch."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webhook.mutation.pods import admit, operations, schema_errors
from tests.webhook.mutation.test_fixtures import kept, restricted_problems
from webhook.mutation.quantities import BEST_EFFORT, BURSTABLE, quality
from webhook.review import Denied

NAMES = st.text("abcdefghij-0123456789", min_size=1, max_size=12).map(lambda text: f"c{text}c")
UIDS = st.sampled_from([None, 0, 1000, 1001])
SIZES = st.sampled_from(["100m", "1", "64Mi", "1Gi", "0", 2])
UNKNOWN = st.dictionaries(
    st.sampled_from(["futureField", "x-y", "~tilde/slash", ""]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
    max_size=2,
)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """Resources as people write them, often the same for requests and limits."""
    limits = draw(st.dictionaries(st.sampled_from(["cpu", "memory"]), SIZES))
    requests = draw(st.just(limits) | st.dictionaries(st.sampled_from(["cpu", "memory"]), SIZES))
    return {"limits": limits, "requests": requests}


@st.composite
def containers(draw: st.DrawFn, names: list[str], volumes: list[str]) -> list[dict[str, Any]]:
    """Containers with mounts, variables, contexts and resources, or without."""
    found = []
    for name in names:
        item: dict[str, Any] = {"name": name, "image": "i:1"}
        if draw(st.booleans()):
            item["env"] = [
                {"name": variable, "value": "v"}
                for variable in draw(st.lists(st.sampled_from("ABC"), max_size=3))
            ]
        if draw(st.booleans()) and volumes:
            item["volumeMounts"] = [
                {"name": volume, "mountPath": f"/mnt/{volume}"} for volume in volumes
            ]
        uid = draw(UIDS)
        if uid is not None:
            item["securityContext"] = {"runAsUser": uid}
        if draw(st.booleans()):
            item["resources"] = draw(resources())
        found.append(item | draw(UNKNOWN))
    return found


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    """A pod that asks for files and variables."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    split = draw(st.integers(0, len(names) - 1))
    volumes = draw(st.lists(st.sampled_from(["v1", "v2"]), max_size=2, unique=True))
    annotations = draw(
        st.fixed_dictionaries(
            {"syrette.dev/aws.region": st.just("eu-west-1")},
            optional={
                "syrette.dev/file.a": st.just("aws-ssm:/a"),
                "syrette.dev/dir.d": st.just("aws-ssm:/d/"),
                "syrette.dev/env.D": st.just("aws-ssm:/e"),
                "syrette.dev/refresh": st.sampled_from(["never", "1m"]),
                "syrette.dev/order": st.sampled_from(["first", "last"]),
                "syrette.dev/sidecar": st.sampled_from(["auto", "classic"]),
                "syrette.dev/containers": st.just(names[-1]),
                "acme.io/x~y": st.text(max_size=5),
            },
        )
    )
    spec: dict[str, Any] = {"containers": draw(containers(names[split:], volumes))}
    if split:
        spec["initContainers"] = draw(containers(names[:split], volumes))
    if volumes:
        spec["volumes"] = [{"name": volume, "emptyDir": {}} for volume in volumes]
    context = draw(
        st.fixed_dictionaries(
            {}, optional={"runAsUser": st.sampled_from([0, 1000]), "fsGroup": st.just(2000)}
        )
    )
    if context:
        spec["securityContext"] = context
    if draw(st.booleans()):
        spec["restartPolicy"] = draw(st.sampled_from(["Always", "OnFailure", "Never"]))
    metadata = {"name": "p", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec | draw(UNKNOWN)}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pods())
def test_what_holds_for_every_patch(document: dict[str, Any]) -> None:
    """Adds only, keeps all, valid, restricted, same QoS class, idempotent, deterministic."""
    verdict = admit(document)
    assert not isinstance(verdict, Denied), verdict.message
    patch = operations(verdict)
    patched = jsonpatch.apply_patch(document, copy.deepcopy(patch))
    second = admit(patched)
    before, after = quality(document["spec"]), quality(patched["spec"])

    assert {operation["op"] for operation in patch} <= {"add"}
    assert kept(document, patched)
    assert set(schema_errors(patched)) <= set(schema_errors(document))
    assert restricted_problems(patched, only=("syrette-init", "syrette-sidecar")) == []
    assert after == (BURSTABLE if patch and before == BEST_EFFORT else before)
    assert operations(second) == []
    assert msgspec.json.encode(patch) == msgspec.json.encode(operations(admit(document)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pods(), st.integers(0, 5), UIDS)
def test_a_container_in_between_is_repaired(
    document: dict[str, Any], position: int, uid: int | None
) -> None:
    """A webhook that adds a container after us leads to one more pass and no denial."""
    first = jsonpatch.apply_patch(document, operations(admit(document)))
    late: dict[str, Any] = {"name": "late", "image": "l:1"}
    if uid is not None:
        late["securityContext"] = {"runAsUser": uid}
    first["spec"]["containers"].insert(min(position, len(first["spec"]["containers"])), late)
    again = jsonpatch.apply_patch(first, operations(admit(first)))

    assert kept(document, again)
    assert operations(admit(again)) == []
