"""What the doctor says: findings, for people and for programs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN: Final = 20
"""Names in a text; a document has all of them."""


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing, and nothing wrong."""
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    """It could not be asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """What was looked at, a stable word for programs: `reachable`, `registration`, …"""
    level: Level
    said: str
    remedy: str = ""
    """What to do; empty where nothing is to be done."""
    names: tuple[str, ...] = ()
    """Of the objects that it is about, `namespace/name`."""


def exit_code(found: Sequence[Finding]) -> int:
    """Choose the exit code: a problem counts more than what could not be asked."""
    levels = {finding.level for finding in found}
    if Level.PROBLEM in levels:
        return 1
    return 2 if Level.UNKNOWN in levels else 0


def text(found: Sequence[Finding]) -> str:
    """Write a paragraph for each finding."""
    lines: list[str] = []
    for finding in found:
        lines.append(f"{finding.level:<8} {finding.check}: {finding.said}")
        lines += [f"           {name}" for name in finding.names[:_SHOWN]]
        if len(finding.names) > _SHOWN:
            lines.append(f"           and {len(finding.names) - _SHOWN} more (-o json has all)")
        if finding.remedy:
            lines.append(f"         to do: {finding.remedy}")
    return "\n".join(lines) + "\n"


def document(found: Sequence[Finding], namespace: str) -> dict[str, Any]:
    """Make the document of `-o json`."""
    return {
        "namespace": namespace,
        "exitCode": exit_code(found),
        "findings": [
            {
                "check": finding.check,
                "level": str(finding.level),
                "said": finding.said,
                "remedy": finding.remedy,
                "names": list(finding.names),
            }
            for finding in found
        ],
    }
