"""
YAML's comments, which no parser for Python reports: found between its events.

Comments stand where no scalar stands, so that a `#` in the text between two events begins one.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from injector.sops.tree import Comment

if TYPE_CHECKING:
    from yaml.error import Mark
    from yaml.events import Event

    from injector.sops.limits import Budget

_BREAK = re.compile("[\r\n\x85\u2028\u2029]")
_COMMENT = re.compile("(?:^|(?<=[\\s\\[\\]{},:?\"'-]))#[^\r\n\x85\u2028\u2029]*")
_TOP: Final = -1


def begin(event: Event) -> Mark:
    """Say where an event begins; events of a text have marks."""
    return cast("Mark", event.start_mark)


def end(event: Event) -> Mark:
    """Say where an event ends."""
    return cast("Mark", event.end_mark)


@dataclass(frozen=True, slots=True)
class Found:
    """A comment, and what tells where it belongs."""

    comment: Comment = field(repr=False)
    column: int
    """From 0."""
    inline: bool
    """It follows something else on its line."""


class Comments:
    """The comments of a text that were passed and not yet placed, in order."""

    def __init__(self, text: str, budget: Budget) -> None:
        self._text = text
        self._budget = budget
        self._position = 0
        self._at_line_start = True
        self._found: deque[Found] = deque()

    def pass_by(self, event: Event) -> None:
        """Collect what stands between the last event and this one."""
        start = begin(event).index
        if self._text.find("#", self._position, start) >= 0:
            self._scan(self._text[self._position : start])
        self._position = max(self._position, end(event).index)
        self._at_line_start = end(event).column == 0

    def _scan(self, gap: str) -> None:
        broken = [match.end() for match in _BREAK.finditer(gap)]
        seen, start_of_line = 0, 0 if self._at_line_start else _TOP
        for match in _COMMENT.finditer(gap):
            while seen < len(broken) and broken[seen] <= match.start():
                start_of_line = broken[seen]
                seen += 1
            inline = start_of_line == _TOP
            comment = Comment(match[0][1:])
            self._budget.spend(1, len(comment.text))
            column = 0 if inline else match.start() - start_of_line
            self._found.append(Found(comment, column, inline))

    def take_all(self) -> list[Comment]:
        """Take every comment that waits."""
        taken = [found.comment for found in self._found]
        self._found.clear()
        return taken

    def take_inline(self) -> list[Comment]:
        """Take what follows something on its line."""
        taken = []
        while self._found and self._found[0].inline:
            taken.append(self._found.popleft().comment)
        return taken

    def take_indented(self, column: int) -> list[Comment]:
        """Take comments that begin at this column or further to the right, up to another one."""
        taken = []
        while self._found and self._found[0].column >= column:
            taken.append(self._found.popleft().comment)
        return taken
