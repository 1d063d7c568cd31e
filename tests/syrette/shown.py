"""What a demonstration has printed, and what it has left behind."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

from rich.console import Console

from syrette.demo.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable


def screen_to_text() -> tuple[Screen, Callable[[], str]]:
    """Give a screen, and what it shows."""
    text = io.StringIO()
    return Screen(Console(file=text, width=200, highlight=False)), text.getvalue


def steps_of(said: str) -> list[str]:
    """Cut plain lines into steps."""
    return re.split(r"^\[\d\] ", said, flags=re.MULTILINE)[1:]


def left(said: str) -> list[int]:
    """Processes that the demonstration has named and that are still there."""
    found = []
    for number in map(int, re.findall(r"process (\d+)", said)):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            continue
        found.append(number)
    return found
