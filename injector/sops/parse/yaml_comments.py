"""
YAML's comments, which no parser for Python reports: found between tokens, as go-yaml v3 finds them.

Go-yaml says of each comment whether it stands above what follows (head), behind something on its
line (line), or below what was before (foot), and before which token it counts. SOPS keeps what
this gives and loses the rest, so its rules are followed to the letter. Source: go-yaml v3.0.4,
`scannerc.go`. A comment never changes what a value is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from injector.sops.limits import Budget

Kind = Literal["head", "line", "foot"]

BREAKS: Final = "\r\n\x85\u2028\u2029"
BLANKS: Final = " \t"
_END: Final = "\0"
_LINE: Final = re.compile(f"[^{BREAKS}{_END}]*")
_SPACE: Final = re.compile(f"[{BLANKS}{BREAKS}]*")
_BLANK: Final = re.compile(f"[{BLANKS}]*")
_BREAK: Final = re.compile(f"\r\n|[{BREAKS}]")
_FARTHEST: Final = 512
"""Characters without a comment after which go-yaml looks no further."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the text, everything from 0."""

    index: int
    line: int
    column: int


_NOWHERE: Final = Place(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """A comment of one or more lines, each with its mark."""

    kind: Kind
    text: str = field(repr=False)
    before: int
    """It counts before the first token that begins here or later."""
    start: Place = _NOWHERE
    """Its column counts from 1."""
    scanned_from: int = 0
    end: int = -1
    """Of a comment on lines of its own: where looking for more of it ended."""


class Cursor:
    """Moves forward through a text, and knows lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text + 2 * _END
        self.place = _NOWHERE

    @property
    def character(self) -> str:
        """What stands here."""
        return self.text[self.place.index]

    def jump(self, place: Place) -> None:
        """Go to where a token ends."""
        self.place = place

    def move(self, index: int) -> None:
        """Go on to this index."""
        begin, line, column = self.place.index, self.place.line, self.place.column
        last = begin
        for match in _BREAK.finditer(self.text, begin, index):
            line += 1
            last, column = match.end(), 0
        self.place = Place(index, line, column + index - last)

    def skip_blanks(self) -> None:
        """Pass blanks and tabs."""
        self.move(_ended(_BLANK, self.text, self.place.index))

    def skip_space(self) -> None:
        """Pass blanks, tabs and line ends."""
        self.move(_ended(_SPACE, self.text, self.place.index))

    def take_line(self) -> str:
        """Pass the rest of the line, and give it."""
        begin = self.place.index
        self.move(_ended(_LINE, self.text, begin))
        return self.text[begin : self.place.index]

    def newlines(self) -> int:
        """Count the line ends since something else than space."""
        begin = self.place.index
        while begin and self.text[begin - 1] in BLANKS + BREAKS:
            begin -= 1
        return len(_BREAK.findall(self.text, begin, self.place.index))


def _ended(pattern: re.Pattern[str], text: str, begin: int) -> int:
    match = pattern.match(text, begin)
    return match.end() if match else begin


def line_comment(cursor: Cursor, before: int, budget: Budget) -> Found | None:
    """Find a comment that stands behind something on its line."""
    begin = _ended(_BLANK, cursor.text, cursor.place.index)
    if begin - cursor.place.index >= _FARTHEST or cursor.text[begin] != "#" or cursor.newlines():
        return None
    cursor.move(begin)
    text = cursor.take_line()
    budget.spend(1, len(text))
    return Found("line", text, before)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What go-yaml knows where it begins to look for comments."""

    before: int
    """Where the last token begins."""
    is_value: bool
    """Whether that is the colon behind a key."""
    indent: int
    """Columns of the innermost block, 0 in none."""
    in_flow: bool
    """Whether brackets are open."""


class Comments:
    """Comments on lines of their own, from the first to where no other follows closely."""

    def __init__(self, cursor: Cursor, around: Surroundings, scanned_from: Place) -> None:
        self._cursor = cursor
        self._around = around
        self._scanned_from = scanned_from.index
        self._before = around.before
        self._start = _NOWHERE
        self._text: list[str] = []
        self._found: list[Found] = []
        self._first_empty = cursor.newlines() <= 1
        self._recent_empty = False
        self._foot_line = -1
        if scanned_from.line > 0:
            place, newlines = cursor.place, cursor.newlines()
            self._foot_line = place.line - newlines + 1
            self._foot_line += newlines == 0 and place.column > 1

    def scan(self, budget: Budget) -> list[Found]:
        """Read them; the cursor is behind the last one then."""
        cursor, peek = self._cursor, 0
        line, column = cursor.place.line, cursor.place.column
        while peek < _FARTHEST:
            column += 1
            index = cursor.place.index + peek
            character = cursor.text[index]
            if character in BLANKS:
                blanks = min(_ended(_BLANK, cursor.text, index) - index, _FARTHEST - peek)
                peek, column = peek + blanks, column + blanks - 1
                continue
            here = Place(index, line, column)
            closes = self._around.in_flow and character in "]}"
            if closes or character in BREAKS or character == _END:
                self._empty_line(here, character, closes=closes)
                if character not in BREAKS:
                    break
                line, column, peek = line + 1, 0, peek + 1
                continue
            if self._text and column - 1 < self._around.indent and column != self._start.column:
                self._foot(here)  # at another column, it is below what was before
            if character != "#":
                break
            self._take(here, budget)
            line, column, peek = cursor.place.line, 0, 1
        if self._text:
            end = cursor.place.index + peek - 1
            self._add("head", self._start.index, end)
        return self._found

    def _take(self, here: Place, budget: Budget) -> None:
        if self._text:
            self._text.append("\n")
        else:
            self._start = here
        self._recent_empty = False
        self._cursor.move(here.index)
        text = self._cursor.take_line()
        budget.spend(1, len(text))
        self._text.append(text)

    def _empty_line(self, here: Place, character: str, *, closes: bool) -> None:
        """Look at a line without anything: the comment before it may be below what was before."""
        dedented = self._start.column - 1 < self._around.indent
        if closes or not self._recent_empty:
            follows = self._start.line == self._foot_line and not self._around.is_value
            if closes or (self._first_empty and (follows or dedented)):
                if self._text and dedented:
                    self._before = self._start.index
                self._foot(here)
            elif self._text and character != _END:
                self._text.append("\n")
        self._first_empty, self._recent_empty = False, True

    def _foot(self, here: Place) -> None:
        if self._text:
            self._add("foot", self._before, here.index)
            self._scanned_from = self._before = here.index
            self._text = []

    def _add(self, kind: Kind, before: int, end: int) -> None:
        text = "".join(self._text)
        self._found.append(Found(kind, text, before, self._start, self._scanned_from, end))
