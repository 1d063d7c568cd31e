"""
Real manifests through the decision: `python -m tests.manifests DIR`.

Annotates every workload of the directory's YAML files, decides on its pod twice and checks what
must hold for each patch. Prints a line for each failure and a summary; ends with 1 if anything
failed, and with 2 if there was nothing to check.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

from syrette import manifests
from tests.webhook.mutation.pods import admit, operations, schema_errors
from tests.webhook.mutation.test_fixtures import kept
from webhook.mutation.quantities import BEST_EFFORT, BURSTABLE, quality
from webhook.review import Denied

ANNOTATIONS = {
    "syrette.dev/aws.region": "eu-west-1",
    "syrette.dev/file.db.json": "aws-secretsmanager:prod/db",
    "syrette.dev/env.TOKEN_OF_THE_TEST": "aws-ssm:/prod/token",
    "syrette.dev/mount-path": "/syrette-test",
}


def pods(path: Path) -> list[dict[str, Any]]:
    """The annotated pods of every workload in one file."""
    documents = [it for it in yaml.safe_load_all(path.read_text()) if isinstance(it, dict)]
    found = []
    for workload in manifests.workloads(documents):
        template = copy.deepcopy(workload.template)
        metadata = dict(template.get("metadata") or {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **ANNOTATIONS}
        found.append(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        )
    return found


def problems(pod: dict[str, Any]) -> list[str]:
    """Everything that does not hold for the patch of one pod."""
    verdict = admit(pod)
    if isinstance(verdict, Denied):
        return [verdict.message]
    patch = operations(verdict)
    patched = jsonpatch.apply_patch(pod, patch)
    second = admit(patched)
    before, after = quality(pod["spec"]), quality(patched["spec"])
    checks = {
        "not all operations add": all(it["op"] == "add" for it in patch),
        "not deterministic": patch == operations(admit(copy.deepcopy(pod))),
        "not idempotent": not isinstance(second, Denied) and not second.operations,
        "something is lost": kept(pod, patched),
        f"{before} became {after}": after == (BURSTABLE if before == BEST_EFFORT else before),
    }
    found = [what for what, good in checks.items() if not good]
    new = set(schema_errors(patched)) - set(schema_errors(pod))
    return found + [f"schema: {message}" for message in sorted(new)]


def main(directory: str) -> int:
    """Check every file of a directory; the exit code."""
    counts: Counter[str] = Counter()
    for path in sorted(Path(directory).glob("**/*.y*ml")):
        counts["files"] += 1
        for pod in pods(path):
            counts["pods"] += 1
            found = problems(pod)
            counts["failed"] += bool(found)
            for problem in found:
                print(f"{path.name}: {problem}")
    print(
        f"{counts['files']} files, {counts['pods']} pods: "
        f"{counts['pods'] - counts['failed']} good, {counts['failed']} failed"
    )
    if not counts["pods"]:
        return 2
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
