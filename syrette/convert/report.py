"""The report of a conversion, for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from syrette.convert.csi.mounts import DRIVER
from syrette.convert.findings import Fate
from syrette.convert.table import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syrette.convert.findings import Report

_MARKS: Final = {Fate.BECOMES: "→ ", Fate.UNNEEDED: "not needed: ", Fate.NONE: "NO EQUIVALENT: "}


def text(reports: Sequence[Report], todo: Sequence[str]) -> str:
    """Write a paragraph for each workload, and what is left to do."""
    lines: list[str] = []
    for report in reports:
        place = f" in {report.namespace}" if report.namespace else ""
        lines.append(f"{report.workload}{place}")
        lines.extend(
            f"  {finding.key.removeprefix(PREFIX)} {_MARKS[finding.fate]}{finding.text}"
            for finding in report.findings
        )
        lines.extend(f"  note: {note}" for note in report.notes)
    if todo:
        lines.append("to do:")
        lines.extend(f"  - {line}" for line in todo)
    if not reports:
        lines.append(
            f"no annotation of {PREFIX.rstrip('/')}, no volume of {DRIVER} and no Secret of an "
            "ExternalSecret was found"
        )
    return "\n".join(lines)


def as_json(reports: Sequence[Report], todo: Sequence[str]) -> str:
    """Write the same as one document."""
    document = {
        "workloads": [
            {
                "workload": report.workload,
                "namespace": report.namespace,
                "complete": report.complete,
                "annotations": [
                    {"key": finding.key, "fate": str(finding.fate), "text": finding.text}
                    for finding in report.findings
                ],
                "notes": list(report.notes),
            }
            for report in reports
        ],
        "toDo": list(todo),
    }
    return json.dumps(document, indent=2)
