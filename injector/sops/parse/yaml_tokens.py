"""
The tokens of a YAML text with the comments between them, in step with go-yaml v3's own scanner.

Source: go-yaml v3.0.4, `scannerc.go`; libyaml, which PyYAML reads with, gives the same tokens.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import yaml
from yaml.tokens import (
    BlockEndToken,
    BlockEntryToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    DirectiveToken,
    DocumentEndToken,
    DocumentStartToken,
    FlowEntryToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    KeyToken,
    ScalarToken,
    StreamEndToken,
    StreamStartToken,
    ValueToken,
)

from injector.sops.parse.yaml_comments import (
    Comments,
    Cursor,
    Found,
    Place,
    Surroundings,
    line_comment,
)

if TYPE_CHECKING:
    from yaml.error import Mark
    from yaml.tokens import Token

    from injector.sops.limits import Budget

_AHEAD: Final = 4
"""Tokens of the text that are read in advance: comments behind a token may count before it."""
_STARTS: Final = (BlockMappingStartToken, BlockSequenceStartToken)
_FLOW_STARTS: Final = (FlowMappingStartToken, FlowSequenceStartToken)
_FLOW_ENDS: Final = (FlowMappingEndToken, FlowSequenceEndToken)
_OF_FILE: Final = (
    *(StreamStartToken, StreamEndToken, DirectiveToken, DocumentStartToken, DocumentEndToken),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A token, and where it begins for the purpose of comments."""

    token: Token
    index: int


def begin(token: Token) -> Mark:
    """Say where a token begins; tokens of a text have marks."""
    return cast("Mark", token.start_mark)


def _end(token: Token) -> Mark:
    return cast("Mark", token.end_mark)


def _stands_in_text(token: Token) -> bool:
    """Say whether a token has characters of its own; others are inferred from indentation."""
    if isinstance(token, KeyToken):
        return begin(token).index != _end(token).index
    return not isinstance(token, (BlockEndToken, *_STARTS))


class TokenStream:
    """The tokens of a text, one after the other, and the comments found so far."""

    def __init__(self, text: str, budget: Budget) -> None:
        self.comments: deque[Found] = deque()
        self._budget = budget
        self._loader = yaml.CSafeLoader(text)
        self._cursor = Cursor(text)
        self._queue: deque[Placed] = deque()
        self._recent: deque[Token] = deque(maxlen=2)
        self._indents = [-1]
        self._flow_level = 0
        self._ahead = 0

    def peek(self) -> Placed:
        """Give the next token; all comments that may count before it are found."""
        while self._ahead < _AHEAD and not self._ended():
            self._read()
        return self._queue[0]

    def skip(self) -> None:
        """Pass the next token; the last one stays."""
        if not isinstance(self.peek().token, StreamEndToken):
            self._ahead -= _stands_in_text(self._queue.popleft().token)

    def _ended(self) -> bool:
        return bool(self._recent) and isinstance(self._recent[-1], StreamEndToken)

    def _read(self) -> None:
        """Read up to the next token that stands in the text, and what is before it."""
        tokens = [cast("Token", self._loader.get_token())]
        while not _stands_in_text(tokens[-1]):
            tokens.append(cast("Token", self._loader.get_token()))
        token = tokens[-1]
        begun = self._cursor.place
        found = self._gap(token)
        self.comments.extend(found)
        self._enqueue(tokens, found, begun)
        self._ahead += 1
        self._recent.append(token)
        if not isinstance(token, _OF_FILE):
            self._pass(token)
        elif not isinstance(token, StreamEndToken):
            self._jump(token)
        self._flow_level += isinstance(token, _FLOW_STARTS)
        self._flow_level -= isinstance(token, _FLOW_ENDS)

    def _jump(self, token: Token) -> None:
        mark = _end(token)
        self._cursor.jump(Place(mark.index, mark.line, mark.column))

    def _pass(self, token: Token) -> None:
        """Go behind a token, and find the comment on its line."""
        before = begin(token).index
        if isinstance(token, ScalarToken) and not token.plain and token.style in ("|", ">"):
            self._cursor.jump(Place(before, begin(token).line, begin(token).column))
            header = self._cursor.take_line()
            if "#" in header:
                text = header[header.index("#") :]
                self._budget.spend(1, len(text))
                self.comments.append(Found("line", text, before))
            self._jump(token)
            self._cursor.skip_blanks()
            return
        self._jump(token)
        if isinstance(token, ScalarToken) and token.plain:
            self._cursor.skip_space()
        if isinstance(token, BlockEntryToken):
            return  # what stands behind it is above what follows
        if self._cursor.text[before] == ":,"[self._flow_level > 0] and len(self._recent) > 1:
            before = begin(self._recent[0]).index
        comment = line_comment(self._cursor, before, self._budget)
        if comment is not None:
            self.comments.append(comment)

    def _gap(self, token: Token) -> list[Found]:
        """Find the comments between the last token and this one."""
        found: list[Found] = []
        cursor, scanned_from = self._cursor, self._cursor.place
        if not self._recent:
            return found
        if cursor.text.find("#", scanned_from.index, begin(token).index) < 0:
            cursor.skip_space()
            return found
        while True:
            cursor.skip_blanks()
            if cursor.character == "#":
                found += Comments(cursor, self._around(), scanned_from).scan(self._budget)
            cursor.skip_space()
            if cursor.character != "#":
                return found

    def _around(self) -> Surroundings:
        last = self._recent[-1]
        if isinstance(last, FlowEntryToken):
            last = self._recent[0]
        return Surroundings(
            before=begin(last).index,
            is_value=isinstance(last, ValueToken),
            indent=max(self._indents[-1], 0),
            in_flow=self._flow_level > 0,
        )

    def _enqueue(self, tokens: list[Token], found: list[Found], begun: Place) -> None:
        block_end, ended = begun.index - 1, False
        here = self._cursor.place
        for token in tokens:
            if isinstance(token, BlockEndToken):
                if self._indents[-1] <= here.column and not ended:
                    # The document ends here: what follows is below all of its blocks.
                    block_end, ended = here.index - 1, True
                block_end = self._end_of_block(found, block_end)
                self._indents.pop()
                self._queue.append(Placed(token, block_end))
                continue
            if isinstance(token, _STARTS):
                self._indents.append(begin(token).column)
            self._queue.append(Placed(token, begin(token).index))

    def _end_of_block(self, found: list[Found], index: int) -> int:
        """Let a block end before the comments that stand as far to the left as itself."""
        stop = index
        for comment in reversed(found):
            if comment.end < stop:
                break
            if comment.start.column == self._indents[-1] + 1:
                index = comment.start.index
            stop = comment.scanned_from
        return index
