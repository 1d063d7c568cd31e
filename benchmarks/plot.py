"""A bar chart as SVG, without a library: rows of ratios against a line at 1."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def bars(title: str, rows: Sequence[tuple[str, float, float]]) -> str:
    """
    Draw horizontal bars.

    Args:
        title: above them.
        rows: label, value, and the goal that is marked on the bar; 0 marks none.
    """
    height = 60 + 34 * len(rows)
    widest = max([value for _, value, _ in rows] + [goal for _, _, goal in rows] + [0.001])
    scale = 420 / widest
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" '
            'font-family="system-ui, sans-serif" font-size="13">'
        ),
        f'<rect width="860" height="{height}" fill="#fff"/>',
        f'<text x="20" y="28" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for index, (label, value, goal) in enumerate(rows):
        top = 48 + 34 * index
        met = not goal or value <= goal
        parts.append(f'<text x="20" y="{top + 16}">{escape(label)}</text>')
        parts.append(
            f'<rect x="340" y="{top}" width="{max(value * scale, 1):.1f}" height="22" '
            f'fill="{"#15803d" if met else "#b91c1c"}"/>'
        )
        parts.append(f'<text x="{346 + value * scale:.1f}" y="{top + 16}">{value:.2f}</text>')
        if goal:
            place = 340 + goal * scale
            parts.append(
                f'<line x1="{place:.1f}" y1="{top - 3}" x2="{place:.1f}" y2="{top + 25}" '
                'stroke="#0f172a" stroke-width="2"/>'
            )
    return "\n".join([*parts, "</svg>", ""])
