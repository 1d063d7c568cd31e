"""
SOPS documents in YAML, from libyaml's events.

Aliases are expanded within the document's budget; `<<` is an ordinary key. Comments are placed as
go-yaml places those of documents that SOPS wrote: a block's indentation says what is inside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from injector.sops.errors import invalid, printable
from injector.sops.limits import Budget, check_depth
from injector.sops.metadata import read_metadata
from injector.sops.parse import yaml_scalars
from injector.sops.parse.encrypted import METADATA_KEY, Encrypted, decode, split
from injector.sops.parse.yaml_comments import Comments, begin, end
from injector.sops.tree import Branch, Comment, Entry, Listing, Node, Scalar

if TYPE_CHECKING:
    from yaml.events import Event

    from injector.sops.tree import Documents

_Item = TypeVar("_Item", Entry | Comment, Node | Comment)
_INDENTATION = re.compile(r"\n( *)-")


def read(data: bytes) -> Encrypted:
    """
    Read a YAML file of one or more documents.

    Raises:
        SopsError: with the line of what is wrong.
    """
    parts = [split(document) for document in read_tree(data)]
    metadata = read_metadata(parts[0][1] if parts else None)
    return Encrypted(tuple(branch for branch, _ in parts), metadata)


def read_tree(data: bytes) -> Documents:
    """
    Read YAML as SOPS does, encrypted or not.

    Raises:
        SopsError: with the line of what is wrong.
    """
    try:
        return _Reader(decode(data)).documents()
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        msg = "the document is no YAML"
        raise invalid(msg, line=mark.line + 1 if mark else 0) from None


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for, and what another copy of it costs."""

    node: Node
    nodes: int
    text: int
    height: int


class _Reader:
    """Reads one file; recursion is bounded by `MAX_DEPTH`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._budget = Budget()
        self._comments = Comments(text, self._budget)
        self._parser = yaml.CSafeLoader(text)
        self._anchors: dict[str, _Anchored] = {}
        self._deepest = 0
        self._raw = False

    def _next(self) -> Event:
        event = cast("Event", self._parser.get_event())
        self._comments.pass_by(event)
        return event

    def documents(self) -> Documents:
        found: list[Branch] = []
        while True:
            event = self._next()
            if isinstance(event, StreamEndEvent):
                return tuple(found)
            if isinstance(event, DocumentStartEvent):
                self._anchors.clear()
                self._budget.spend(1, 0)
                found.append(self._document(first=not found))
                self._next()  # the document's end

    def _document(self, *, first: bool) -> Branch:
        event = self._next()
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, 1, root=first)
        if isinstance(event, ScalarEvent) and self._scalar(event).value is None:
            return Branch(tuple(self._comments.take_all()))
        msg = "a document of SOPS is a mapping"
        raise invalid(msg, line=_line(event))

    def _mapping(self, start: MappingStartEvent, depth: int, *, root: bool = False) -> Branch:
        check_depth(depth, _line(start))
        self._deepest = max(self._deepest, depth)
        items: list[Entry | Comment] = []
        seen: set[str] = set()
        column = 0
        while not isinstance(event := self._next(), MappingEndEvent):
            if not seen:
                column = begin(event).column
            _before_last(items, self._comments.take_inline())
            items += self._comments.take_all()
            key = self._key(event, seen)
            value = self._next()
            items += self._comments.take_inline()
            if isinstance(value, ScalarEvent | AliasEvent):
                items += self._comments.take_all()
            self._raw = self._raw or (root and key == METADATA_KEY)
            items.append(Entry(key, self._node(value, depth)))
            if root:
                self._raw = False
        _before_last(items, self._comments.take_inline())
        items += self._rest(start, column)
        return Branch(tuple(items))

    def _sequence(self, start: SequenceStartEvent, depth: int) -> Listing:
        check_depth(depth, _line(start))
        self._deepest = max(self._deepest, depth)
        items: list[Node | Comment] = []
        column = self._dash(start)
        while not isinstance(event := self._next(), SequenceEndEvent):
            _before_last(items, self._comments.take_inline())
            items += self._comments.take_all()
            items.append(self._node(event, depth))
        _before_last(items, self._comments.take_inline())
        items += self._rest(start, column)
        return Listing(tuple(items))

    def _rest(self, start: MappingStartEvent | SequenceStartEvent, column: int) -> list[Comment]:
        """Take the comments after the last item that are still inside."""
        if start.flow_style:
            return self._comments.take_all()
        return self._comments.take_indented(column)

    def _dash(self, start: SequenceStartEvent) -> int:
        """Say from which column on a comment is inside, by where the items' dashes stand."""
        first, column, last = begin(start).index, begin(start).column, end(start).index
        if first == last:
            return column
        if self._text.startswith("-", first):
            return column + 1  # as far to the left as its key: what stands there is the mapping's
        # An anchor or a tag stands before: the dashes are on one of the next lines.
        line = _INDENTATION.search(self._text, last)
        return len(line[1]) if line else column

    def _key(self, event: Event, seen: set[str]) -> str:
        line = _line(event)
        key = self._scalar(event).value if isinstance(event, ScalarEvent) else None
        if not isinstance(key, str):
            msg = "a key is no text; SOPS knows texts only (quote it)"
            raise invalid(msg, line=line)
        if key in seen:
            msg = f"the key `{printable(key)}` is there twice"
            raise invalid(msg, line=line)
        seen.add(key)
        return key

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event, depth)
        nodes, text = self._budget.nodes, self._budget.text
        outer, self._deepest = self._deepest, depth
        node: Node
        if isinstance(event, ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, MappingStartEvent):
            self._budget.spend(1, 0)
            node = self._mapping(event, depth + 1)
        elif isinstance(event, SequenceStartEvent):
            self._budget.spend(1, 0)
            node = self._sequence(event, depth + 1)
        else:
            msg = "a value is missing"
            raise invalid(msg, line=_line(event))
        if event.anchor is not None:
            spent = self._budget.nodes - nodes, self._budget.text - text
            self._anchors[event.anchor] = _Anchored(node, *spent, self._deepest - depth)
        self._deepest = max(self._deepest, outer)
        return node

    def _alias(self, event: AliasEvent, depth: int) -> Node:
        anchored = self._anchors.get(event.anchor or "")
        if anchored is None:
            msg = "an alias has no anchor before it, or stands inside of it"
            raise invalid(msg, line=_line(event))
        self._budget.spend(anchored.nodes, anchored.text)
        check_depth(depth + anchored.height, _line(event))
        self._deepest = max(self._deepest, depth + anchored.height)
        return anchored.node

    def _scalar(self, event: ScalarEvent) -> Scalar:
        self._budget.spend(1, len(event.value))
        plain = not event.style
        written = yaml_scalars.Written(event.value, event.tag, plain, _line(event))
        if self._raw and event.tag is None:
            # Metadata is weakly typed: a version 3.10 is a text.
            value = yaml_scalars.resolve(written).value
            return Scalar(None if value is None else event.value)
        return yaml_scalars.resolve(written)


def _line(event: Event) -> int:
    return begin(event).line + 1


def _before_last(items: list[_Item], comments: list[Comment]) -> None:
    """Place comments behind a value on its line: before it."""
    items[-1:-1] = comments
