"""What every format refuses, before anything is written: errors that name the path of a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.sops.limits import MAX_DEPTH
from injector.sops.text import golang
from injector.sops.text.errors import SopsTextError, key_path
from injector.sops.tree import Branch, Comment, Entry, Listing, Scalar

if TYPE_CHECKING:
    from injector.sops.tree import Documents, Node

_BYTES: Final = re.compile("[\udc80-\udcff]")
"""Each stands for a byte that is no UTF-8 (PEP 383)."""
_Steps = tuple[str | int, ...]


def check(documents: Documents) -> None:
    """
    Refuse what no format can hold.

    Raises:
        SopsTextError: `output-too-large` for more than `MAX_DEPTH` levels, `decode-failed` for a
            text that is no Unicode.
    """
    for document in documents:
        _check(document, ())


def _check(node: Node, steps: _Steps) -> None:
    if len(steps) > MAX_DEPTH:
        problem = f"is nested deeper than {MAX_DEPTH} levels"
        raise SopsTextError(Reason.OUTPUT_TOO_LARGE, key_path(steps), problem)
    if isinstance(node, Scalar):
        if isinstance(node.value, str):
            _check_text(node.value, steps)
        return
    for index, item in enumerate(node.items):
        if isinstance(item, Comment):
            _check_comment(item.text, steps)
        elif isinstance(item, Entry):
            below = (*steps, item.key)
            _check_text(item.key, below)
            _check(item.value, below)
        else:
            _check(item, (*steps, index))


def _check_comment(text: str, steps: _Steps) -> None:
    """Let bytes pass that are no UTF-8: dotenv and INI keep those of a comment."""
    _check_text(_BYTES.sub("", text), steps)


def _check_text(text: str, steps: _Steps) -> None:
    if not golang.is_text(text):
        problem = "holds half of a surrogate pair, which is no Unicode text"
        raise SopsTextError(Reason.DECODE_FAILED, key_path(steps), problem)


def refuse(steps: _Steps, problem: str, reason: Reason = Reason.DECODE_FAILED) -> SopsTextError:
    """Make the error for something at `steps` that one format cannot hold."""
    return SopsTextError(reason, key_path(steps), problem)


def only_document(documents: Documents) -> Branch:
    """
    Give the one document of a format that holds one.

    Raises:
        SopsTextError: `decode-failed` for none or several.
    """
    if len(documents) != 1:
        problem = f"has {len(documents)} parts, and only YAML can hold other than one"
        raise refuse((), problem)
    return documents[0]


def scalar_at(node: Node, steps: _Steps, format_name: str) -> Scalar:
    """
    Give the scalar that must stand at `steps`.

    Raises:
        SopsTextError: `decode-failed` for a mapping or a list.
    """
    if isinstance(node, Scalar):
        return node
    kind = "list" if isinstance(node, Listing) else "mapping"
    raise refuse(steps, f"is a {kind}, which {format_name} cannot hold")
