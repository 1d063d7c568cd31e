"""A bar chart as SVG: each figure as a share of its goal, against a line at 1."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rows import Row

_LEFT: Final = 330
_WIDTH: Final = 380
_MOST: Final = 2.0
"""Share at which a bar ends, however much longer it would be."""
_GREEN, _RED, _INK = "#15803d", "#b91c1c", "#0f172a"


def share(row: Row) -> float:
    """
    Give the part of the goal that a figure uses up: up to 1 it is reached.

    Raises:
        ValueError: for a row without a goal, or without the ratio that the goal is of.
    """
    goal = row.goal
    number = row.ratio if goal is not None and goal.of_ratio else row.value
    if goal is None or number is None:
        msg = f"{row.what} has no goal"
        raise ValueError(msg)
    if goal.at_least:
        return goal.limit / number if number else float("inf")
    if not goal.limit:
        return float("inf") if number else 0.0
    return number / goal.limit


def bars(title: str, rows: Sequence[Row]) -> str:
    """Draw one horizontal bar for each row that has a goal."""
    drawn = [row for row in rows if row.reached is not None]
    height = 64 + 32 * len(drawn)
    line = _LEFT + _WIDTH / _MOST
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" '
            'font-family="system-ui, sans-serif" font-size="13">'
        ),
        f'<rect width="860" height="{height}" fill="#fff"/>',
        f'<text x="20" y="28" font-size="16" font-weight="600">{escape(title)}</text>',
        *(text for index, row in enumerate(drawn) for text in _bar(row, 48 + 32 * index)),
        (
            f'<line x1="{line:.0f}" y1="42" x2="{line:.0f}" y2="{height - 12}" '
            f'stroke="{_INK}" stroke-width="2"/>'
        ),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _bar(row: Row, top: int) -> list[str]:
    part = share(row)
    width = max(1.0, min(part, _MOST) / _MOST * _WIDTH)
    said = f"{part:.2f}" if part < float("inf") else f"{row.value:g} {row.unit}".rstrip()
    return [
        f'<text x="20" y="{top + 16}">{escape(row.what)}</text>',
        (
            f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="22" '
            f'fill="{_GREEN if row.reached else _RED}"/>'
        ),
        f'<text x="{_LEFT + width + 6:.1f}" y="{top + 16}">{said}</text>',
    ]
