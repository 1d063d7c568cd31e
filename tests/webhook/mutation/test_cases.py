"""Golden cases, YAML files that an operator can review: patches whole, denials with every line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from injector.contract import names
from tests.webhook.mutation import pods
from webhook import settings
from webhook.context import Context, Kubelet, KubernetesVersion, LimitRange

CASES = Path(__file__).parent / "cases"
DENIALS = [
    (path.stem, case)
    for path in sorted((CASES / "denials").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]
PATCHES = sorted((CASES / "patches").glob("*.yaml"))


def context(facts: dict[str, Any]) -> Context:
    """The surroundings that a case describes."""
    given: dict[str, Any] = {}
    if "server-version" in facts:
        given["server_version"] = KubernetesVersion.parse(facts["server-version"])
    if "oldest-kubelet" in facts:
        text, node = facts["oldest-kubelet"]["version"], facts["oldest-kubelet"]["node"]
        given["oldest_kubelet"] = Kubelet(KubernetesVersion.parse(text), text, node)
    if "limit-ranges" in facts:
        given["limit_ranges"] = tuple(
            LimitRange(it.get("min", {}), it.get("max", {}), it.get("ratio", {}))
            for it in facts["limit-ranges"]
        )
    for key in ("namespace-annotations", "namespace-labels", "service-account-annotations"):
        if key in facts:
            given[key.replace("-", "_")] = facts[key]
    if "quota" in facts:
        given["quota_resources"] = frozenset(facts["quota"])
    return pods.context(**given, openshift=facts.get("openshift", False))


def described(case: dict[str, Any]) -> tuple[pods.Pod, Context, settings.Settings]:
    """What a case is about; its annotations are written without the domain."""
    annotations = {f"syrette.dev/{key}": value for key, value in case["annotations"].items()}
    document = pods.pod(annotations, **case.get("spec", {}))
    return document, context(case.get("context", {})), settings.load(case.get("operator", ""))


@pytest.mark.parametrize(
    "case", [case for _, case in DENIALS], ids=[f"{stem}: {case['says']}" for stem, case in DENIALS]
)
def test_a_denial_tells_every_problem(case: dict[str, Any]) -> None:
    """The lines are those of the file, in order; one that ends in `…` is told by its start."""
    verdict = pods.denial(*described(case))
    lines = verdict.message.split("\n")
    said = [line.removeprefix("- ") for line in lines[1:]] or [lines[0].removeprefix("syrette: ")]
    reasons, wanted = zip(*(line.split(" ", 1) for line in case["problems"]), strict=True)

    assert [
        text[: len(start) - 1] + "…" if start.endswith("…") else text
        for text, start in zip(said, wanted, strict=False)
    ] == list(wanted)
    assert (len(said), verdict.reason) == (len(wanted), reasons[0])


def readable(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Operations with plans as documents, so that a person can read and compare them."""
    found: list[dict[str, Any]] = json.loads(json.dumps(operations))
    for operation in found:
        held = operation["value"] if isinstance(operation["value"], list) else [operation["value"]]
        for item in held:
            for entry in item.get("env", []) if isinstance(item, dict) else []:
                if entry["name"] == names.PLAN_VARIABLE and "value" in entry:
                    entry["value"] = json.loads(entry["value"])
    return found


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_a_patch_is_as_written(path: Path) -> None:
    """The operations and warnings are those of the file, in order; a second pass has none."""
    case = yaml.safe_load(path.read_text())
    document, around, operator = described(case)
    verdict = pods.admit(document, around, operator)
    again = pods.admit(pods.patched(document, around, operator), around, operator)

    assert readable(pods.operations(verdict)) == case["operations"]
    assert list(verdict.warnings) == case.get("warnings", [])
    assert pods.operations(again) == []
