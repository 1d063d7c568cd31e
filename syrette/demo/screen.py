"""What the demonstration prints: colours and tables on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

_PLAIN_WIDTH: Final = 160  # of lines that are cut; a log is wider than a terminal
_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


class Screen:
    """
    Numbered steps on a console.

    Args:
        console: where to print; standard output when absent.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._number = 0
        self._began = time.monotonic()
        self._step_began = self._began

    @property
    def _colourful(self) -> bool:
        return self._console.is_terminal

    def title(self, text: str) -> None:
        """Begin."""
        self._console.print(Text(text, style="bold"))

    def step(self, text: str) -> None:
        """Begin the next step."""
        self._number += 1
        self._step_began = time.monotonic()
        self._console.print()
        if self._colourful:
            heading = Text.assemble((f" {self._number} ", "bold reverse"), " ", (text, "bold"))
            self._console.print(Rule(heading, align="left", style="dim"))
        else:
            self._console.print(f"[{self._number}] {text}", markup=False)

    def done(self) -> None:
        """End the step."""
        self._took(time.monotonic() - self._step_began, "green", "✓ done")

    def failed(self, why: str) -> None:
        """End the step, and with it the demonstration."""
        self._console.print(Text(f"✗ failed: {why}", style="bold red"))

    def end(self, text: str) -> None:
        """End well."""
        self._console.print()
        self._took(time.monotonic() - self._began, "bold green", f"✓ {text}")

    def say(self, text: str, style: str = "") -> None:
        """Print a sentence."""
        self._console.print(Text(f"  {text}", style=style))

    def waiting(self, text: str) -> AbstractContextManager[object]:
        """Show on a terminal that something is waited for."""
        return self._console.status(text) if self._colourful else nullcontext()

    def lines(self, texts: Iterable[str], style: str = "cyan") -> None:
        """Print what a program said or a file holds, each line cut to the width."""
        for text in texts:
            self._console.print(self._cut(Text(f"    {text}", style=style)))

    def diff(self, texts: Iterable[str]) -> None:
        """Print a unified diff."""
        for text in texts:
            style = _STYLES.get(text[:1], "dim")
            self._console.print(self._cut(Text(f"  {text}", style=style)))

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print rows under their heads."""
        rows = list(rows)
        if self._colourful:
            table = Table(*heads, box=None, header_style="dim", padding=(0, 3, 0, 0))
            for row in rows:
                table.add_row(*map(Text, row))
            self._console.print(Padding(table, (0, 0, 0, 2)), soft_wrap=False)
            return
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        for row in (heads, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.say("  ".join(cells).rstrip())

    def _took(self, seconds: float, style: str, text: str) -> None:
        self._console.print(Text.assemble((f"{text}", style), (f" in {seconds:.1f} s", "dim")))

    def _cut(self, text: Text) -> Text:
        width = self._console.width if self._colourful else _PLAIN_WIDTH
        text.truncate(max(width, 20), overflow="ellipsis")
        return text
