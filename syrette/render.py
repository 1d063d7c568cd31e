"""`syrette render`: the patched manifests, or the difference, on standard output."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from syrette import documents
from syrette.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syrette.decisions import Decision


def refusals(decisions: Sequence[Decision]) -> InputError | None:
    """Every denial of every workload as one error, or None when all are allowed."""
    problems = [
        f"{decision.workload.name}: {line}" for decision in decisions for line in decision.problems
    ]
    return InputError(*problems) if problems else None


def warnings(decisions: Sequence[Decision]) -> list[str]:
    """Every admission warning, with the workload that it is about."""
    return [
        f"{decision.workload.name}: {warning}"
        for decision in decisions
        for warning in decision.verdict.warnings
    ]


def render(manifests: list[dict[str, Any]], decisions: Sequence[Decision], *, diff: bool) -> str:
    """
    Write every manifest, those with pods as they would be created.

    Args:
        manifests: all that were read, in their order.
        decisions: on the workloads among them.
        diff: write a unified diff instead.

    Raises:
        InputError: when any workload is denied; then nothing is written.
    """
    refused = refusals(decisions)
    if refused:
        raise refused
    patched = {id(decision.workload.document): decision.document for decision in decisions}
    after = [patched.get(id(document), document) for document in manifests]
    if not diff:
        return documents.dump(after)
    names = {id(decision.workload.document): decision.workload.name for decision in decisions}
    return "".join(
        _difference(old, new, names.get(id(old), ""))
        for old, new in zip(manifests, after, strict=True)
    )


def _difference(old: dict[str, Any], new: dict[str, Any], name: str) -> str:
    return "".join(
        difflib.unified_diff(
            documents.dump([old]).splitlines(keepends=True),
            documents.dump([new]).splitlines(keepends=True),
            f"{name} as written",
            f"{name} as created",
        )
    )
