"""Wrong annotations, a YAML file a subject: every problem is told, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.webhook.annotations.pods import context, reading
from webhook import settings

CASES = [
    (path.stem, case)
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


@pytest.mark.parametrize(
    "case", [case for _, case in CASES], ids=[f"{stem}: {case['says']}" for stem, case in CASES]
)
def test_every_problem_is_told_at_once(case: dict[str, Any]) -> None:
    """The problems are those of the file, in order; one that ends in `…` is told by its start."""
    around = context(case.get("namespace"), case.get("service-account"))
    _, problems = reading(case["pod"], around, settings.load(case.get("operator", "")))
    said = [f"{problem.reason} {problem}" for problem in problems.found]
    wanted = case["problems"]

    assert [
        text[: len(start) - 1] + "…" if start.endswith("…") else text
        for text, start in zip(said, wanted, strict=False)
    ] == wanted
    assert len(said) == len(wanted)
