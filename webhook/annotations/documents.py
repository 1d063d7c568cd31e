"""
YAML read from events: every scalar is text, and each field's own parser types it.

So `0440`, `no` and `1:30` mean what was written. Limits come before parsing: size, then depth as
the events arrive, since loaders that build nested objects can exhaust the stack. Anchors, aliases,
tags, merge keys, duplicate keys and further documents are errors that name the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import yaml

from injector.contract.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 64 * 1024  # of one document
MAX_DEPTH: Final = 16
BYTES_PER_EVENT: Final = 6  # sensible content has one in ten or more; events cost time

_BLOCKS: Final = ("|", ">")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(ValueError):
    """A document that cannot be read; `line` counts from 1."""

    def __init__(self, message: str, line: int, reason: Reason = Reason.INVALID_ANNOTATION) -> None:
        super().__init__(message)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar."""

    value: str
    line: int
    first: int = 0
    """Line where the value itself starts: below the `|` of a block."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; keys are texts, each once, in the order in which they were written."""

    entries: dict[str, Node]
    key_lines: dict[str, int]
    line: int


Node = Text | Sequence | Mapping


def read(text: str, limit: int = MAX_BYTES) -> Node | None:
    """
    Read one document, None when it is empty.

    Args:
        text: the document.
        limit: bytes that it may have; an annotation's by default.

    Raises:
        DocumentError: for whatever is not allowed.
    """
    if len(text.encode("utf-8", "surrogatepass")) > limit:
        msg = f"larger than {limit // 1024} KiB"
        raise DocumentError(msg, 1, Reason.LIMIT_EXCEEDED)
    events = _events(text, limit // BYTES_PER_EVENT)
    node: Node | None = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                msg = "a second document; write one list"
                raise DocumentError(msg, _line(event))
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, events)
    if isinstance(node, Text) and not node.value.strip():
        return None
    return node


def plain(node: Node) -> object:
    """The node as texts, lists and dictionaries."""
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items()}


def kind(node: Node) -> str:
    """What a person calls the node's shape."""
    return {Text: "a text", Sequence: "a list", Mapping: "a mapping"}[type(node)]


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def _events(text: str, most: int) -> Iterator[yaml.Event]:
    """Events within the limits; a malformed text is our own error."""
    depth = count = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            count += 1
            if depth > MAX_DEPTH:
                msg = f"nested deeper than {MAX_DEPTH} levels"
                raise DocumentError(msg, _line(event), Reason.LIMIT_EXCEEDED)
            if count > most:
                msg = f"more than {most} nodes"
                raise DocumentError(msg, _line(event), Reason.LIMIT_EXCEEDED)
            _refuse_references(event)
            yield event
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        msg = f"not YAML: {exc.problem or 'malformed'}"
        raise DocumentError(msg, mark.line + 1 if mark else 1) from exc
    except (yaml.YAMLError, ValueError) as exc:
        if isinstance(exc, DocumentError):
            raise
        msg = "not YAML: a character that YAML does not allow"
        raise DocumentError(msg, 1) from exc


def _refuse_references(event: yaml.Event) -> None:
    if isinstance(event, yaml.AliasEvent):
        msg = "aliases (`*name`) are not allowed; write the value again"
        raise DocumentError(msg, _line(event))
    if not isinstance(event, yaml.NodeEvent):
        return
    if event.anchor is not None:
        msg = "anchors (`&name`) are not allowed"
        raise DocumentError(msg, _line(event))
    if getattr(event, "tag", None) not in {None, "!"}:
        msg = "tags (`!name`) are not allowed"
        raise DocumentError(msg, _line(event))


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> Node:
    """Build one node; recursion is bounded by the depth of the events."""
    line = _line(event)
    if isinstance(event, yaml.ScalarEvent):
        return Text(str(event.value), line, line + (event.style in _BLOCKS))
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Node] = []
        while not isinstance(inner := next(events), yaml.SequenceEndEvent):
            items.append(_node(inner, events))
        return Sequence(tuple(items), line)
    return _mapping(line, events)


def _mapping(line: int, events: Iterator[yaml.Event]) -> Mapping:
    entries: dict[str, Node] = {}
    lines: dict[str, int] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            msg = "a key must be a text"
            raise DocumentError(msg, _line(event))
        key = str(event.value)
        if key == "<<":
            msg = "merge keys (`<<`) are not allowed"
            raise DocumentError(msg, _line(event))
        if key in entries:
            msg = f"the key `{key[:60]}` is there twice"
            raise DocumentError(msg, _line(event))
        lines[key] = _line(event)
        entries[key] = _node(next(events), events)
    return Mapping(entries, lines, line)
