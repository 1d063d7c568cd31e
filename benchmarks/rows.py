"""
What a measurement gives: figures beside a peer or floor of the same run, and goals they may reach.

Pure. Nothing here measures, and nothing fails for a goal that is not reached: it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = ("what", "measured", "beside it, in the same run", "ratio", "goal", "")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row should be: at most (or, turned, at least) a limit."""

    limit: float
    of_ratio: bool = False
    """Whether the ratio is held against the limit, in place of the figure."""
    at_least: bool = False

    def reached(self, number: float) -> bool:
        """Whether a number is good enough."""
        return number >= self.limit if self.at_least else number <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    what: str
    value: float
    unit: str
    """Of the value and of what stands beside it, such as `ms`."""
    beside: str = ""
    """Name of the peer or floor."""
    beside_value: float = 0.0
    goal: Goal | None = None
    paired_ratio: float = 0.0
    """The median of the ratios of each round; 0 divides the two values instead."""

    @property
    def ratio(self) -> float | None:
        """The figure by what stands beside it; None with nothing there."""
        if self.paired_ratio:
            return self.paired_ratio
        return self.value / self.beside_value if self.beside_value else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without a goal, or without the ratio that it is of."""
        if self.goal is None:
            return None
        number = self.ratio if self.goal.of_ratio else self.value
        return None if number is None else self.goal.reached(number)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that were measured together, and why some are missing."""

    title: str
    rows: tuple[Row, ...] = ()
    failure: str = ""
    """What kept it from being measured; empty when it ran."""


def paired(ours: Sequence[float], others: Sequence[float]) -> float:
    """
    Give the median of the ratios of interleaved runs, round by round.

    A machine that gets slower between two rounds changes both figures of a round and not the ratio.

    Raises:
        ValueError: if the sides did not run equally often, or not at all.
    """
    if len(ours) != len(others) or not ours:
        msg = f"{len(ours)} runs beside {len(others)}"
        raise ValueError(msg)
    return median(mine / other for mine, other in zip(ours, others, strict=True))


def cells(row: Row) -> tuple[str, ...]:
    """Write a row's cells, in the order of `HEAD`."""
    beside = f"{row.beside}: {amount(row.beside_value, row.unit)}" if row.beside else ""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    verdict = {None: "", True: "reached", False: "NOT reached"}[row.reached]
    return (row.what, amount(row.value, row.unit), beside, ratio, _goal(row), verdict)


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    sign = "≥" if row.goal.at_least else "≤"
    limit = f"{row.goal.limit:g}"
    return f"{sign} {limit} ×" if row.goal.of_ratio else f"{sign} {limit} {row.unit}".rstrip()


def amount(value: float, unit: str) -> str:
    """Write a figure with three digits that count, and its unit."""
    size = abs(value)
    text = f"{value:.0f}" if size >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def table(parts: Sequence[Part]) -> str:
    """Write every part as one Markdown table, aligned so that it is read in a terminal as well."""
    lines: list[tuple[str, ...]] = [HEAD]
    for part in parts:
        lines.append((f"**{part.title}**", *[""] * (len(HEAD) - 1)))
        lines.extend(cells(row) for row in part.rows)
        if part.failure:
            cause = " ".join(part.failure.replace("|", "/").split())
            lines.append(("COULD NOT RUN", cause, *[""] * (len(HEAD) - 2)))
    widths = [
        max(len(line[column]) for line in lines if not line[0].startswith("COULD"))
        for column in range(len(HEAD))
    ]
    text = [_line(line, widths) for line in lines]
    return "\n".join([text[0], _line(tuple("-" * width for width in widths), widths), *text[1:]])


def _line(line: tuple[str, ...], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
    return f"| {' | '.join(padded)} |"


def missed(parts: Sequence[Part]) -> list[str]:
    """Name what did not reach its goal."""
    return [row.what for part in parts for row in part.rows if row.reached is False]
