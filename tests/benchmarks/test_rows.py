"""Figures, ratios and goals: what the table says, and that it says what is not reached."""

from __future__ import annotations

import pytest

from benchmarks.rows import Goal, Part, Row, amount, cells, missed, paired, table

CPU = Row("init: CPU", 120.0, "ms", "boto3", 240.0, Goal(0.6, of_ratio=True))


def test_a_slower_machine_in_one_round_does_not_change_a_paired_ratio() -> None:
    """Each round is compared with itself, then the median is taken."""
    assert paired([1.0, 10.0, 1.2], [2.0, 20.0, 2.0]) == 0.5


@pytest.mark.parametrize(("ours", "theirs"), [([1.0], [1.0, 2.0]), ([], [])])
def test_sides_that_did_not_take_turns_have_no_ratio(
    ours: list[float], theirs: list[float]
) -> None:
    """A missing run is an error, not a smaller sample."""
    with pytest.raises(ValueError, match="runs beside"):
        paired(ours, theirs)


@pytest.mark.parametrize(
    ("row", "reached"),
    [
        (CPU, True),
        (Row("x", 150.0, "ms", "boto3", 240.0, Goal(0.6, of_ratio=True)), False),
        (Row("x", 1.0, "ms", "boto3", 240.0, Goal(0.6, of_ratio=True), 0.7), False),
        (Row("x", 9.0, "MiB", goal=Goal(9)), True),
        (Row("x", 9.1, "MiB", goal=Goal(9)), False),
        (Row("x", 4500, "/s", goal=Goal(4500, at_least=True)), True),
        (Row("x", 4499, "/s", goal=Goal(4500, at_least=True)), False),
        (Row("x", 1, "", goal=Goal(0)), False),
        (Row("x", 1, ""), None),
        (Row("x", 1, "", goal=Goal(1, of_ratio=True)), None),
    ],
)
def test_a_goal_is_held_against_the_figure_or_its_ratio(row: Row, *, reached: bool | None) -> None:
    """At most or at least; a measured ratio goes before a computed one; no goal is no verdict."""
    assert row.reached is reached


def test_a_row_says_everything() -> None:
    """Figure, what stands beside it, ratio, goal and verdict."""
    assert cells(CPU) == ("init: CPU", "120 ms", "boto3: 240 ms", "0.50", "≤ 0.6 ×", "reached")
    assert cells(Row("x", 2.0, "s", goal=Goal(1.5)))[-2:] == ("≤ 1.5 s", "NOT reached")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(1234.5, "/s", "1234 /s"), (0.0123, "s", "0.0123 s"), (37.36, "MB", "37.4 MB"), (0, "", "0")],
)
def test_amounts_have_the_digits_that_count(value: float, unit: str, text: str) -> None:
    """Three digits, or all before the point."""
    assert amount(value, unit) == text


def test_the_table_names_what_could_not_run_and_what_is_missed() -> None:
    """A part that failed has its place and its cause; every line has as many cells."""
    slow = Row("slow", 3.0, "s", goal=Goal(1))
    parts = [Part("good", (CPU, slow)), Part("bad", failure="OSError: no room\nat all")]
    lines = table(parts).splitlines()

    assert {line.count("|") for line in lines} == {7}
    assert any("COULD NOT RUN" in line and "no room at all" in line for line in lines)
    assert missed(parts) == ["slow"]
