"""
SOPS documents in YAML, from libyaml's events.

Aliases are expanded within the document's budget; `<<` is an ordinary key. Comments become items
where SOPS makes them items (getsops/sops `stores/yaml/store.go`), and are lost where it loses them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
from injector.sops.parse.yaml_places import Notes, Places, comments
from injector.sops.tree import Branch, Comment, Entry, Listing, Node, Scalar

if TYPE_CHECKING:
    from yaml.error import Mark
    from yaml.events import Event

    from injector.sops.tree import Documents


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


_Inner = TypeVar("_Inner", Branch, Node)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for, and what another copy of it costs."""

    node: Node
    nodes: int
    text: int
    height: int


@dataclass(slots=True)
class _Pair:
    """A key and its value, with the comments around them."""

    above: list[Comment] = field(repr=False)
    entry: Entry = field(repr=False)
    foot: str = field(repr=False)


class _Reader:
    """Reads one file; recursion is bounded by `MAX_DEPTH`."""

    def __init__(self, text: str) -> None:
        self._budget = Budget()
        self._places = Places(text, self._budget)
        self._parser = yaml.CSafeLoader(text)
        self._anchors: dict[str, _Anchored] = {}
        self._deepest = 0
        self._raw = False

    def _next(self) -> Event:
        return cast("Event", self._parser.get_event())

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

    def _document(self, *, first: bool) -> Branch:
        head = self._places.document()
        event = self._next()
        if isinstance(event, MappingStartEvent):
            notes = self._places.node(event)
            root = _with_notes(self._mapping(event, 1, notes, root=first), notes)
            self._next()  # the document's end
        elif isinstance(event, ScalarEvent) and self._scalar(event).value is None:
            notes = self._places.node(event)
            root = Branch(tuple(comments(notes.head, notes.line)))
            self._next()
        else:
            msg = "a document of SOPS is a mapping"
            raise invalid(msg, line=_line(event))
        foot = self._places.end_of_document()
        return Branch((*comments(head), *root.items, *comments(foot)))

    def _mapping(
        self, start: MappingStartEvent, depth: int, notes: Notes, *, root: bool = False
    ) -> Branch:
        """Read a mapping; `notes` are completed with what is known at its end."""
        check_depth(depth, _line(start))
        self._deepest = max(self._deepest, depth)
        pairs: list[_Pair] = []
        seen: set[str] = set()
        while not isinstance(event := self._next(), MappingEndEvent):
            self._places.key()
            of_key = self._places.node(event)
            if of_key.foot and pairs and not start.flow_style:
                pairs[-1].foot, of_key.foot = of_key.foot, ""
            key = self._key(event, seen)
            self._raw = self._raw or (root and key == METADATA_KEY)
            pairs.append(self._pair(key, of_key, depth))
            if root:
                self._raw = False
        at_end = self._places.end(event)
        notes.line, notes.foot = at_end.line, at_end.foot
        if notes.foot and pairs and not start.flow_style:
            pairs[-1].foot, notes.foot = notes.foot, ""
        items: list[Entry | Comment] = []
        for pair in pairs:
            items += [*pair.above, pair.entry, *comments(pair.foot)]
        return Branch(tuple(items))

    def _pair(self, key: str, of_key: Notes, depth: int) -> _Pair:
        self._places.value()
        event = self._next()
        node, of_value = self._node(event, depth)
        above, foot = comments(of_key.head, of_key.line), of_key.foot
        if not foot:
            foot, of_value.foot = of_value.foot, ""
        if isinstance(event, ScalarEvent | AliasEvent):
            above += comments(of_value.head, of_value.line)
            foot = f"{of_value.foot}\n{foot}"
        else:
            node = _with_notes(node, of_value)
        return _Pair(above, Entry(key, node), foot)

    def _sequence(self, start: SequenceStartEvent, depth: int, notes: Notes) -> Listing:
        """Read a sequence; `notes` are completed with what is known at its end."""
        check_depth(depth, _line(start))
        self._deepest = max(self._deepest, depth)
        items: list[Node | Comment] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            self._places.item()
            node, of_node = self._node(event, depth)
            items += comments(of_node.head, of_node.line)
            items += [node, *comments(of_node.foot)]
        at_end = self._places.end(event)
        notes.line, notes.foot = at_end.line, at_end.foot
        return Listing(tuple(items))

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

    def _node(self, event: Event, depth: int) -> tuple[Node, Notes]:
        """Read a node without its own comments, which come beside it."""
        notes = self._places.node(event)
        if isinstance(event, AliasEvent):
            return self._alias(event, depth), notes
        nodes, text = self._budget.nodes, self._budget.text
        outer, self._deepest = self._deepest, depth
        node: Node
        if isinstance(event, ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, MappingStartEvent):
            self._budget.spend(1, 0)
            node = self._mapping(event, depth + 1, notes)
        elif isinstance(event, SequenceStartEvent):
            self._budget.spend(1, 0)
            node = self._sequence(event, depth + 1, notes)
        else:
            msg = "a value is missing"
            raise invalid(msg, line=_line(event))
        if event.anchor is not None:
            spent = self._budget.nodes - nodes, self._budget.text - text
            copied = _with_notes(node, notes)
            self._anchors[event.anchor] = _Anchored(copied, *spent, self._deepest - depth)
        self._deepest = max(self._deepest, outer)
        return node, notes

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
    return cast("Mark", event.start_mark).line + 1


def _with_notes(node: _Inner, notes: Notes) -> _Inner:
    """Put a mapping's or sequence's own comments inside of it."""
    if isinstance(node, Branch):
        return Branch((*comments(notes.head, notes.line), *node.items, *comments(notes.foot)))
    if isinstance(node, Listing):
        return Listing((*comments(notes.head, notes.line), *node.items, *comments(notes.foot)))
    return node
