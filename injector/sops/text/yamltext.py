"""
YAML as SOPS writes it with go-yaml v3 and four columns of indentation.

The layout is libyaml's (emitterc.go): block style except for what is empty, no folding, lists
indented below their key. Where SOPS puts a comment: the first ones of a mapping or list stand above
its first item, others above what follows them, the last ones below the last item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from injector.sops.text import scalars
from injector.sops.text.page import Page
from injector.sops.tree import Branch, Comment, Listing, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from injector.sops.text.scalars import Presentation
    from injector.sops.tree import Documents, Node

_Item = TypeVar("_Item")

_INDENT: Final = 4
_ITEM_INDENT: Final = 2
_LONGEST_SIMPLE_KEY: Final = 128
"""Bytes of tag and text; a longer key stands behind a question mark."""


def emit(documents: Documents) -> bytes:
    """
    Write all documents.

    Raises:
        SopsTextError: a text that grows too large.
    """
    page = Page()
    for index, document in enumerate(documents):
        _write_document(page, document, first=index == 0)
    return page.encoded()


def _write_document(page: Page, root: Branch, *, first: bool) -> None:
    if not first:
        page.indent(0)
        page.mark("---", parted=True)
        page.indent(0)
    _expect(page, root)
    page.write_head(0)
    _write_content(page, root, None, item=False)
    # The end of a document keeps its last comment apart.
    page.part(0)
    page.write_foot(0)
    page.part(None)
    page.indent(0)


def _comments(texts: list[str]) -> str:
    return "\n".join(f"#{text}" for text in texts)


def _expect(page: Page, node: Node, above: str = "") -> None:
    """Note the comments that stand above a node: those before it, then its own first ones."""
    own: list[str] = []
    if not isinstance(node, Scalar):
        for item in node.items:
            if not isinstance(item, Comment):
                break
            own.append(item.text)
    head = "\n".join(part for part in (above, _comments(own)) if part)
    if head:
        page.head = head


def _split(all_items: Iterable[Comment | _Item]) -> tuple[list[tuple[str, _Item]], str]:
    """Give the items with the comments above them, and the comment below the last one."""
    items: list[tuple[str, _Item]] = []
    waiting: list[str] = []
    for item in all_items:
        if isinstance(item, Comment):
            waiting.append(item.text)
        else:
            # The first comments are the node's own.
            items.append((_comments(waiting) if items else "", item))
            waiting = []
    return items, _comments(waiting) if items else ""


def _deeper(width: int | None, *, item: bool) -> int:
    if width is None:
        return 0
    return width + _ITEM_INDENT if item else (width // _INDENT + 1) * _INDENT


def _write_value(page: Page, node: Node, width: int, *, item: bool, foot: str = "") -> None:
    """Write what stands behind `key:` or `-`; `foot` is the comment below the last list item."""
    if isinstance(node, Scalar):
        page.foot = foot or page.foot
        _write_scalar(page, scalars.presented(node), _deeper(width, item=item))
        page.write_foot(width)
        return
    page.write_foot(width)
    _write_content(page, node, width, item=item)
    page.foot = foot or page.foot
    if _is_empty(node):
        page.write_foot(width)


def _write_content(page: Page, node: Branch | Listing, width: int | None, *, item: bool) -> None:
    inside = _deeper(width, item=item)
    if _is_empty(node):
        _write_empty(page, node, inside)
    elif isinstance(node, Branch):
        _write_mapping(page, node, inside)
    else:
        _write_list(page, node, inside)


def _is_empty(node: Branch | Listing) -> bool:
    return all(isinstance(item, Comment) for item in node.items)


def _write_empty(page: Page, node: Branch | Listing, inside: int) -> None:
    """Write brackets; what waits to be above an item comes between those of a mapping only."""
    if isinstance(node, Listing):
        page.mark("[", parted=True, opens=True)
        page.mark("]", parted=False)
        return
    page.mark("{", parted=True, opens=True)
    page.write_head(inside)
    page.mark("}", parted=False)


def _write_mapping(page: Page, node: Branch, inside: int) -> None:
    entries, last = _split(node.items)
    for above, entry in entries:
        page.head = above or page.head
        page.write_head(inside)
        page.indent(inside)
        simple = _write_key(page, scalars.present(entry.key), inside)
        _expect(page, entry.value)
        if simple:
            page.mark(":", parted=False)
        else:
            page.indent(inside)
            page.mark(":", parted=True, item=True)
        _write_value(page, entry.value, inside, item=False)
    page.tail = last or page.tail
    page.write_head(inside)


def _write_key(page: Page, key: Presentation, inside: int) -> bool:
    """Write a key, and say whether it was a simple one."""
    length = len(key.text.encode()) + (len(f"!!{key.tag}") if key.tag else 0)
    simple = length <= _LONGEST_SIMPLE_KEY and not key.multiline
    if not simple:
        page.mark("?", parted=True, item=True)
    _write_scalar(page, key, _deeper(inside, item=False))
    return simple


def _write_list(page: Page, node: Listing, inside: int) -> None:
    values: list[tuple[str, Node]]
    values, last = _split(node.items)
    for index, (above, value) in enumerate(values):
        _expect(page, value, above)
        page.write_head(inside)
        page.indent(inside)
        page.mark("-", parted=True, item=True)
        below = last if index == len(values) - 1 else ""
        _write_value(page, value, inside, item=True, foot=below)


def _write_scalar(page: Page, scalar: Presentation, width: int) -> None:
    if scalar.tag:
        page.blank()
        page.put(f"!!{scalar.tag}")
    match scalar.style:
        case "plain":
            page.blank()
            page.put(scalar.text)
        case "single":
            page.mark("'", parted=True)
            page.lines(scalars.single(scalar.text), width, fresh=False)
            page.mark("'", parted=False)
        case "double":
            page.mark('"', parted=True)
            page.put(scalars.double(scalar.text))
            page.mark('"', parted=False)
        case "literal":
            page.mark(f"|{scalar.indicators}", parted=True)
            page.block(scalar.text, width)
