"""
A picture of the Grafana dashboard, drawn from its panels and from what Prometheus answers to them.

Not by Grafana: places, titles, units, legends and queries are the dashboard's own, the lines are
ours. `python -m tests.e2e.dashboard` asks a real Prometheus and writes `docs/dashboard.svg`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

DASHBOARD: Final = (
    Path(__file__).parents[1] / "deploy" / "helm" / "syrette" / "dashboards" / "syrette.json"
)
PICTURE: Final = Path(__file__).parent / "dashboard.svg"

_COLUMN, _ROW, _GAP, _TOP = 50, 26, 8, 64
_COLUMNS: Final = 24
_COLORS: Final = ("#2563eb", "#b45309", "#15803d", "#b91c1c", "#7c3aed", "#0f766e", "#be185d")
_INK, _PALE, _LINE = "#0f172a", "#64748b", "#e2e8f0"
_TICKS: Final = 4
_SCALES: Final[dict[str, tuple[tuple[float, float, str], ...]]] = {
    "s": ((86400 * 2, 86400, "d"), (1, 1, "s"), (0, 0.001, "ms")),
    "bytes": ((0, 1 << 20, "MiB"),),
    "reqps": ((0, 1, "req/s"),),
    "cps": ((0, 1, "/s"),),
}
"""By Grafana's unit: from which value on, what one is divided by, and its name."""

Points = list[tuple[float, float]]
"""Seconds since the beginning, and values."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel asks, and what it calls an answer: `{{label}}` is the label's value."""

    expression: str
    legend: str

    def name(self, labels: dict[str, str]) -> str:
        """Give the legend of one series."""
        shown = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), self.legend)
        return shown or "value"


@dataclass(frozen=True, slots=True)
class Panel:
    """What is drawn where; places are the dashboard's columns and rows."""

    title: str
    is_number: bool
    unit: str
    decimals: int | None
    is_stacked: bool
    place: tuple[int, int, int, int]
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel."""

    name: str
    points: Points


def panels(interval: str) -> list[Panel]:
    """Read the dashboard; `interval` stands for Grafana's `$__rate_interval`."""
    document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [_panel(found, interval) for found in document["panels"]]


def _panel(found: dict[str, Any], interval: str) -> Panel:
    defaults, grid = found["fieldConfig"]["defaults"], found["gridPos"]
    stacking = defaults.get("custom", {}).get("stacking", {})
    return Panel(
        title=found["title"],
        is_number=found["type"] == "stat",
        unit=defaults["unit"],
        decimals=defaults.get("decimals"),
        is_stacked=stacking.get("mode") == "normal",
        place=(grid["x"], grid["y"], grid["w"], grid["h"]),
        queries=tuple(
            Query(target["expr"].replace("$__rate_interval", interval), target["legendFormat"])
            for target in found["targets"]
        ),
    )


def draw(caption: str, drawn: list[tuple[Panel, list[Series]]], seconds: float) -> str:
    """
    Draw every panel with its series.

    Args:
        caption: what this is a picture of.
        drawn: panels, and what was answered.
        seconds: length of the time axis.
    """
    bottom = max(panel.place[1] + panel.place[3] for panel, _ in drawn)
    width, height = _COLUMNS * _COLUMN + _GAP, _TOP + bottom * _ROW + _GAP
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="system-ui, sans-serif" font-size="12">'
        ),
        f'<rect width="{width}" height="{height}" fill="#f8fafc"/>',
        _text(_GAP * 2, 26, "Syrette", size=17, weight=600),
        _text(_GAP * 2, 48, caption, fill=_PALE),
        *(text for panel, series in drawn for text in _box(panel, series, seconds)),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _box(panel: Panel, series: list[Series], seconds: float) -> list[str]:
    x, y, width, height = panel.place
    left, top = x * _COLUMN + _GAP, _TOP + y * _ROW
    wide, high = width * _COLUMN - _GAP, height * _ROW - _GAP
    frame = (
        f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" rx="4" fill="#fff" '
        f'stroke="{_LINE}"/>'
    )
    title = _text(left + 10, top + 20, panel.title, weight=600)
    if panel.is_number:
        value = series[0].points[-1][1] if series else math.nan
        factor, unit = _scale(panel.unit, value)
        digits = _number(value / factor)
        if panel.decimals is not None:
            digits = f"{value / factor:,.{panel.decimals}f}"
        shown = f"{digits} {unit}".rstrip()
        return [frame, title, _text(left + 10, top + high - 22, shown, size=26, fill=_COLORS[0])]
    return [frame, title, *_graph(panel, series, seconds, (left, top, wide, high))]


def _graph(
    panel: Panel, series: list[Series], seconds: float, place: tuple[int, int, int, int]
) -> list[str]:
    left, top, wide, high = place
    lines = _stacked(series) if panel.is_stacked else [one.points for one in series]
    most = max((value for points in lines for _, value in points), default=0.0)
    factor, unit = _scale(panel.unit, most)
    step = _step(most / factor)
    end = step * max(1, math.ceil(most / factor / step - 1e-9))
    x0, x1, y0, y1 = left + 66, left + wide - 26, top + high - 52, top + 34

    def place_of(moment: float, value: float) -> str:
        x = x0 + (x1 - x0) * moment / seconds
        return f"{x:.1f},{y0 + (y1 - y0) * value / factor / end:.1f}"

    parts = []
    for number in range(round(end / step) + 1):
        y = y0 + (y1 - y0) * number * step / end
        parts.append(f'<path d="M{x0} {y:.1f}H{x1}" stroke="{_LINE}"/>')
        shown = f"{_number(number * step)} {unit}".rstrip()
        parts.append(_text(x0 - 6, y + 4, shown, fill=_PALE, anchor="end"))
    for moment in range(0, int(seconds) + 1, 20):
        x = x0 + (x1 - x0) * moment / seconds
        parts.append(_text(x, y0 + 16, f"{moment} s", fill=_PALE, anchor="middle"))
    for index in reversed(range(len(lines))):  # what is stacked lowest is drawn last
        points, color = lines[index], _COLORS[index % len(_COLORS)]
        path = " ".join(place_of(*point) for point in points)
        if panel.is_stacked:
            around = f"{place_of(points[0][0], 0.0)} {path} {place_of(points[-1][0], 0.0)}"
            parts.append(f'<polygon points="{around}" fill="#fff"/>')
            parts.append(f'<polygon points="{around}" fill="{color}" fill-opacity="0.25"/>')
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"/>')
    return [*parts, *_legend([one.name for one in series], x0, y0 + 38)]


def _legend(names: list[str], left: float, y: float) -> list[str]:
    parts: list[str] = []
    for index, name in enumerate(names):
        color = _COLORS[index % len(_COLORS)]
        parts.append(f'<rect x="{left}" y="{y - 8:.1f}" width="14" height="4" fill="{color}"/>')
        parts.append(_text(left + 19, y, name))
        left += 34 + 6.6 * len(name)
    return parts


def _stacked(series: list[Series]) -> list[Points]:
    """Lay each series on those before it."""
    below: dict[float, float] = {}
    lines: list[Points] = []
    for one in series:
        line = [(moment, below.get(moment, 0.0) + value) for moment, value in one.points]
        below |= dict(line)
        lines.append(line)
    return lines


def _scale(unit: str, most: float) -> tuple[float, str]:
    for least, factor, name in _SCALES.get(unit, ()):
        if most >= least:
            return factor, name
    return 1.0, ""


def _step(most: float) -> float:
    """Give a round distance of lines: 1, 2 or 5 times a power of ten."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most / _TICKS))
    return next(power * part for part in (1, 2, 5, 10) if power * part * _TICKS >= most)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004 - three digits


def _text(  # noqa: PLR0913 - keyword-only, as SVG has them
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    weight: int = 400,
    fill: str = _INK,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}" text-anchor="{anchor}">{escape(text)}</text>'
    )
