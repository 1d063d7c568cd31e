"""A mapping of the document while it is read: every wrong value is noted with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from webhook.annotations import documents, parsers
from webhook.annotations.documents import Mapping, Sequence, Text
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from webhook.annotations.documents import Node

T = TypeVar("T")
_FEW: Final = 20  # words that fit into one message


class Section:
    """
    One mapping of the document, by path.

    Args:
        node: the mapping.
        path: how messages call it; empty for the document.
        problems: where everything wrong is noted.
    """

    def __init__(self, node: Mapping, path: str, problems: list[str]) -> None:
        self.node = node
        self.path = path
        self.problems = problems

    def name(self, key: str) -> str:
        """What messages call one of the keys."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, line: int, message: str) -> None:
        """Note a problem of one key."""
        self.problems.append(f"line {line}: {self.name(key)}: {message}")

    def only(self, *known: str) -> None:
        """Refuse every other key."""
        for key, line in self.node.key_lines.items():
            if key not in known:
                few = f"; there are {', '.join(known)}" if len(known) <= _FEW else ""
                hint = near(key, known) or few
                self.refuse(key[:60], line, f"unknown key{hint}")

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values, as written."""
        yield from self.node.entries.items()

    def text(self, key: str, default: T, parse: Callable[[str], T]) -> T:
        """One text, parsed; the default when it is absent or empty."""
        node = self.node.entries.get(key)
        if node is None or (isinstance(node, Text) and not node.value.strip()):
            return default
        parsed = self.parsed(key, node, parse)
        return default if parsed is None else parsed

    def texts(self, key: str, default: tuple[T, ...], parse: Callable[[str], T]) -> tuple[T, ...]:
        """A list of texts, each parsed."""
        node = self.node.entries.get(key)
        if node is None or _is_null(node):
            return default
        if not isinstance(node, Sequence):
            self.refuse(key, node.line, f"wants a list, and is {documents.kind(node)}")
            return default
        found = (self.parsed(key, item, parse) for item in node.items)
        return tuple(item for item in found if item is not None)

    def boolean(self, key: str, *, default: bool) -> bool:
        """`true` or `false`."""
        return self.text(key, default, parsers.boolean)

    def section(self, key: str) -> Section:
        """A mapping below; empty when it is absent."""
        node = self.node.entries.get(key)
        if node is None or _is_null(node):
            return Section(Mapping({}, {}, 0), self.name(key), self.problems)
        if not isinstance(node, Mapping):
            self.refuse(key, node.line, f"wants a mapping, and is {documents.kind(node)}")
            node = Mapping({}, {}, node.line)
        return Section(node, self.name(key), self.problems)

    def sections(self, key: str) -> list[Section]:
        """A list of mappings."""
        node = self.node.entries.get(key)
        if node is None or _is_null(node):
            return []
        if not isinstance(node, Sequence):
            self.refuse(key, node.line, f"wants a list, and is {documents.kind(node)}")
            return []
        found: list[Section] = []
        for index, item in enumerate(node.items):
            if isinstance(item, Mapping):
                found.append(Section(item, f"{self.name(key)}[{index}]", self.problems))
            else:
                self.refuse(f"{key}[{index}]", item.line, "wants a mapping")
        return found

    def parsed(self, key: str, node: Node, parse: Callable[[str], T]) -> T | None:
        """Parse one node that must be a text; None when it is wrong."""
        if not isinstance(node, Text):
            self.refuse(key, node.line, f"wants a text, and is {documents.kind(node)}")
            return None
        try:
            return parse(node.value)
        except ValueError as exc:
            self.refuse(key, node.line, str(exc))
            return None


def _is_null(node: Node) -> bool:
    return isinstance(node, Text) and node.value.strip() in {"", "~", "null"}
