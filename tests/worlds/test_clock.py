"""The clock of a world."""

from __future__ import annotations

from worlds.clock import WorldClock


def test_only_world_time_is_moved() -> None:
    """Moving on and back changes what has ended, and not the time of signatures."""
    clock = WorldClock(lambda: 1000.0)

    clock.advance(3600)
    clock.advance(-600)

    assert (clock.now(), clock.wall()) == (4000.0, 1000.0)


def test_the_machines_clock_is_the_source_when_none_is_given() -> None:
    """World time runs on by itself."""
    clock = WorldClock()

    earlier, later = clock.now(), clock.wall()
    assert 1_700_000_000 < earlier <= later
