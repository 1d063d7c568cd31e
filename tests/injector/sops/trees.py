"""Trees as lists that can be compared: keys and values in order, and comments apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.sops.tree import Branch, Comment, Entry, Listing, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from injector.sops.tree import Documents, Node

Step = tuple[str, object]


def content(documents: Documents) -> list[Step]:
    """Give keys, values and shapes; a float without a fraction is what it prints as."""
    return [step for step in _steps(documents) if step[0] != "#"]


def comments(documents: Documents) -> list[str]:
    """Give the comments' texts in order."""
    return [str(text) for kind, text in _steps(documents) if kind == "#"]


def _steps(documents: Documents) -> Iterator[Step]:
    for document in documents:
        yield from _node(document)


def _node(node: Node | Comment | Entry) -> Iterator[Step]:
    match node:
        case Comment(text=text):
            yield "#", text
        case Entry(key=key, value=value):
            yield "key", key
            yield from _node(value)
        case Branch(items=inside) | Listing(items=inside):
            yield "open", type(node).__name__
            for item in inside:
                yield from _node(item)
            yield "close", type(node).__name__
        case Scalar(value=value):
            whole = isinstance(value, float) and value.is_integer()
            shown = int(value) if whole and isinstance(value, float) else value
            yield type(shown).__name__, repr(shown) if isinstance(shown, float) else shown


def pairs(branch: Branch) -> list[tuple[str, object]]:
    """Give a mapping of mappings of scalars as pairs, for names may be there twice."""
    found: list[tuple[str, object]] = []
    for item in branch.items:
        match item:
            case Entry(key=key, value=Branch() as inner):
                found.append((key, pairs(inner)))
            case Entry(key=key, value=Scalar(value=value)):
                found.append((key, value))
            case _:
                continue
    return found
