"""The plot is XML, with a bar for each goal."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from benchmarks.plot import bars, share
from benchmarks.rows import Goal, Row

ROWS = (
    Row("CPU <init>", 120.0, "ms", "boto3", 240.0, Goal(0.6, of_ratio=True)),
    Row("too slow", 9.0, "s", goal=Goal(1)),
    Row("woken", 3, "", goal=Goal(0)),
    Row("no goal", 1.0, "s"),
)


def test_every_goal_has_a_bar_whose_colour_says_whether_it_is_reached() -> None:
    """Rows without a goal are left out; text is escaped; no bar leaves the picture."""
    drawing = ET.fromstring(bars("Goals & figures", ROWS))  # noqa: S314 - our own text
    rects = [item for item in drawing if item.tag.endswith("rect")][1:]
    texts = [item.text for item in drawing if item.tag.endswith("text")]

    assert [rect.get("fill") for rect in rects] == ["#15803d", "#b91c1c", "#b91c1c"]
    assert max(float(r.get("x", 0)) + float(r.get("width", 0)) for r in rects) <= 860
    assert {"Goals & figures", "CPU <init>", "0.83", "9.00", "3"} <= set(texts)


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (ROWS[0], 0.5 / 0.6),
        (Row("x", 9000, "/s", goal=Goal(4500, at_least=True)), 0.5),
        (Row("x", 0, "/s", goal=Goal(4500, at_least=True)), float("inf")),
        (Row("x", 0, "", goal=Goal(0)), 0.0),
    ],
)
def test_a_share_up_to_one_is_a_goal_reached(row: Row, part: float) -> None:
    """Whatever direction the goal has."""
    assert share(row) == pytest.approx(part)


def test_a_row_without_a_goal_has_no_share() -> None:
    """Asking for one is a mistake of the caller."""
    with pytest.raises(ValueError, match="has no goal"):
        share(ROWS[3])
