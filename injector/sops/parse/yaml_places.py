"""
To which key, value or sequence a comment belongs: go-yaml v3's rules, in step with its parser.

Source: go-yaml v3.0.4, `parserc.go`. The reader tells what it reads, and asks for its comments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from yaml.events import AliasEvent, MappingEndEvent, ScalarEvent
from yaml.tokens import (
    AliasToken,
    AnchorToken,
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
    StreamStartToken,
    TagToken,
    ValueToken,
)

from injector.sops.parse.yaml_tokens import TokenStream
from injector.sops.tree import Comment

if TYPE_CHECKING:
    from yaml.events import Event
    from yaml.tokens import Token

    from injector.sops.limits import Budget

_BLOCK_STARTS: Final = (BlockMappingStartToken, BlockSequenceStartToken)
_FLOW_STARTS: Final = (FlowMappingStartToken, FlowSequenceStartToken)
_FLOW_ENDS: Final = (FlowMappingEndToken, FlowSequenceEndToken)


@dataclass(slots=True)
class Notes:
    """The comments of a node, each of several lines with their marks, or empty."""

    head: str = field(default="", repr=False)
    line: str = field(default="", repr=False)
    foot: str = field(default="", repr=False)


def comments(*texts: str) -> list[Comment]:
    """Give each line as a comment of its own, without its mark."""
    return [Comment(line[1:]) for text in texts for line in text.split("\n") if line]


class Places:
    """Follows the tokens of a text as its events are read; without comments it does nothing."""

    def __init__(self, text: str, budget: Budget) -> None:
        self._stream = TokenStream(text, budget) if "#" in text else None
        self._waiting = Notes()
        self._stem = ""
        self._first = True
        self._open: list[Literal["block", "brackets", "inferred"]] = []

    def document(self) -> str:
        """Begin a document; gives the comment above all of it, if an empty line follows that."""
        first, self._first = self._first, False
        while self._next(StreamStartToken, DocumentEndToken):
            self._skip()
        if first and not self._next(DirectiveToken, DocumentStartToken):
            return self._split_head()
        while self._next(DirectiveToken, DocumentStartToken):
            ends = self._next(DocumentStartToken)
            self._skip()
            if ends:
                break
        return ""

    def end_of_document(self) -> str:
        """End a document; gives the comment below it."""
        ends = self._next(DocumentEndToken)
        if ends:
            self._skip()
        notes = self._take()
        return notes.foot or notes.head

    def key(self) -> None:
        """Go to the next key of a mapping."""
        if self._next(FlowEntryToken):
            self._skip()
        if self._next(KeyToken):
            self._skip()

    def value(self) -> None:
        """Go to the value of a key."""
        if self._next(ValueToken):
            self._skip()

    def item(self) -> None:
        """Go to the next element of a sequence."""
        if self._next(FlowEntryToken):
            self._skip()
        if self._next(BlockEntryToken):
            above = self._waiting.head
            self._skip()
            if above and self._next(*_BLOCK_STARTS):
                # What stood above the dash is about all that is behind it.
                self._stem = above
                self._waiting.head = self._waiting.head[len(above) + 1 :]

    def node(self, event: Event) -> Notes:
        """Give the comments of the node that begins."""
        while self._next(AnchorToken, TagToken):
            self._skip()
        if isinstance(event, ScalarEvent | AliasEvent):
            # Without a token, nothing is written there.
            return self._take_with_token() if self._next(ScalarToken, AliasToken) else Notes()
        if self._next(*_FLOW_STARTS):
            self._open.append("brackets")
            return self._take_with_token()
        if self._next(*_BLOCK_STARTS):
            self._open.append("block")
            notes, self._stem = Notes(head=self._stem), ""
            self._skip()
            return notes
        # A sequence as far to the left as its key, or a lone pair between brackets.
        self._open.append("inferred")
        return Notes()

    def end(self, event: Event) -> Notes:
        """Give what go-yaml finds out at the end of a mapping or sequence."""
        opened = self._open.pop()
        if opened == "brackets":
            if self._next(FlowEntryToken):
                self._skip()
            return self._take_with_token() if self._next(*_FLOW_ENDS) else Notes()
        if opened == "block" and self._next(BlockEndToken):
            if isinstance(event, MappingEndEvent):
                return self._take_with_token()
            self._skip()
        return Notes()

    def _next(self, *kinds: type[Token]) -> bool:
        """Say whether a token of these is the next, and collect the comments before it."""
        if self._stream is None:
            return False
        placed = self._stream.peek()
        found, waiting = self._stream.comments, self._waiting
        while found and placed.index >= found[0].before:
            if found[0].kind == "head" and isinstance(placed.token, BlockEndToken):
                break  # it is above something that follows
            comment = found.popleft()
            match comment.kind:
                case "head":
                    waiting.head = _joined(waiting.head, comment.text)
                case "line":
                    waiting.line = _joined(waiting.line, comment.text)
                case "foot":
                    waiting.foot = _joined(waiting.foot, comment.text)
        return isinstance(placed.token, kinds)

    def _skip(self) -> None:
        if self._stream is not None:
            self._stream.skip()

    def _take(self) -> Notes:
        notes, self._waiting, self._stem = self._waiting, Notes(), ""
        return notes

    def _take_with_token(self) -> Notes:
        notes = self._take()
        self._skip()
        return notes

    def _split_head(self) -> str:
        """Split what stands above the first document at its last empty line."""
        above, empty, below = self._waiting.head.rpartition("\n\n")
        if empty:
            self._waiting.head = below
            return above
        if self._waiting.head.endswith("\n"):
            above, self._waiting.head = self._waiting.head[:-1], ""
        return above


def _joined(one: str, other: str) -> str:
    return f"{one}\n{other}" if one else other
