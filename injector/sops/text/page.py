"""
A page of YAML: where the pen stands, and which comments wait for their place.

go-yaml keeps comments until something asks for them, sometimes much later: a list's last comment
can come out behind the next key. Those places are kept, since the bytes shall be SOPS'.
"""

from __future__ import annotations

import re
from typing import Final

from injector.sops.text.output import Output
from injector.sops.text.scalars import BREAKS

_LINES: Final = re.compile(f"[{BREAKS}]|[^{BREAKS}]+")
_UNMARKED: Final = re.compile(f"(?:(?<=[{BREAKS}])|^)(?=[^{BREAKS}#])")


class Page:
    """Writes marks and texts, and knows when a new line is due."""

    __slots__ = (
        "_column",
        "_output",
        "_parted",
        "_pen_at_indent",
        "_spaced",
        "foot",
        "head",
        "tail",
    )

    def __init__(self) -> None:
        self._output = Output()
        self._column = 0
        self._spaced = True
        """The last thing written needs no blank behind it."""
        self._pen_at_indent = True
        """Only indentation and marks of items are on this line."""
        self._parted: int | None = None
        """The column of a comment that a line of the same column must not follow directly."""
        self.head = ""
        """Waits for the next item."""
        self.foot = ""
        """Waits for the end of a value."""
        self.tail = ""
        """Waits for the end of a mapping."""

    def encoded(self) -> bytes:
        """Give the page."""
        return self._output.encoded()

    def put(self, text: str) -> None:
        """Write a text without line ends; it is neither blank nor indentation."""
        self._raw(text)
        self._spaced = False
        self._pen_at_indent = False

    def blank(self) -> None:
        """Write a blank where one is needed."""
        if not self._spaced:
            self._raw(" ")

    def mark(self, text: str, *, parted: bool, opens: bool = False, item: bool = False) -> None:
        """
        Write an indicator.

        Args:
            text: such as `-`.
            parted: it wants a blank in front.
            opens: it wants none behind.
            item: something may follow on this line as if it was indented.
        """
        if parted:
            self.blank()
        self._raw(text)
        self._spaced = opens
        self._pen_at_indent = self._pen_at_indent and item

    def end_line(self, character: str = "\n") -> None:
        """Write a line end, which may be another one inside of a text."""
        self._output.add(character)
        self._column = 0
        self._pen_at_indent = True

    def indent(self, width: int) -> None:
        """Go to the column where the next item begins, on a new line if there is a need."""
        due = self._column > width or (self._column == width and not self._spaced)
        if due or not self._pen_at_indent:
            self.end_line()
        if self._parted == width:
            self.end_line()
        if self._column < width:
            self._raw(" " * (width - self._column))
        self._spaced = True
        self._parted = None

    def part(self, width: int | None) -> None:
        """Make the next line at this column stand apart."""
        self._parted = width

    def lines(self, text: str, width: int, *, fresh: bool) -> None:
        """
        Write a text with its line ends, each line indented.

        Args:
            text: with any of libyaml's line ends.
            width: columns.
            fresh: whether the first line is indented too.
        """
        for piece in _LINES.findall(text):
            if piece in BREAKS:
                self.end_line(piece)
                fresh = True
                continue
            if fresh:
                self.indent(width)
                fresh = False
            self._raw(piece)
            self._pen_at_indent = False

    def block(self, text: str, width: int) -> None:
        """Write the lines of a literal block, behind its mark."""
        self.end_line()
        self._spaced = True
        self.lines(text, width, fresh=True)

    def write_head(self, width: int) -> None:
        """Write the comments that wait for the next item: first what closed a mapping."""
        if self.tail:
            self.tail = self._comment(self.tail, width)
            self._parted = width
        if self.head:
            self.head = self._comment(self.head, width)

    def write_foot(self, width: int) -> None:
        """Write the comment that waits for the end of a value."""
        if self.foot:
            self.foot = self._comment(self.foot, width)
            self._parted = width

    def _comment(self, text: str, width: int) -> str:
        """Write a comment; a line that came of an exotic line end gets a mark of its own."""
        self.indent(width)
        self.lines(_UNMARKED.sub("# ", text), width, fresh=False)
        if text[-1] not in BREAKS:
            self.end_line()
        self._spaced = True
        return ""

    def _raw(self, text: str) -> None:
        self._output.add(text)
        self._column += len(text)
