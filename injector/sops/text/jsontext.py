"""
JSON as SOPS writes it: Go's encoder and `json.Indent` with one tab a level; comments are dropped.

Rules: encoding/json (escapes of `<`, `>`, `&`, U+2028 and U+2029 for HTML; floats as ECMAScript
writes them; bytes that are no UTF-8 become U+FFFD), SOPS stores/json (order kept, doubles kept).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from injector.sops.text import golang
from injector.sops.text.capacity import only_document, refuse
from injector.sops.text.output import Output
from injector.sops.tree import Branch, Comment, Entry, Listing, Scalar, Time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.sops.tree import Documents, Node

_SPECIAL: Final = re.compile(r'[\x00-\x1f"\\<>&\u2028\u2029\udc80-\udcff]')
_SHORT: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_LEAST_FIXED, _LEAST_EXPONENT = 1e-6, 1e21
"""Sizes of numbers: what lies between is written without an exponent, as in ECMAScript."""
_LONE: Final = "\udc80"
"""From here on a character stands for a byte that is no UTF-8."""


def emit(documents: Documents) -> bytes:
    """
    Write the one document.

    Raises:
        SopsTextError: several documents, a number that JSON has not, a text that grows too large.
    """
    output = Output()
    _write(output, only_document(documents), ())
    output.add("\n")
    return output.encoded()


def quoted(text: str) -> str:
    """Write a Go string as a JSON string."""
    return '"' + _SPECIAL.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character >= _LONE:
        return "\\ufffd"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def _write(output: Output, node: Node, steps: tuple[str | int, ...]) -> None:
    match node:
        case Scalar():
            output.add(_scalar(node, steps))
        case Branch():
            entries = [item for item in node.items if isinstance(item, Entry)]
            _write_items(output, "{}", entries, steps)
        case Listing():
            nodes = [item for item in node.items if not isinstance(item, Comment)]
            _write_items(output, "[]", nodes, steps)


def _write_items(
    output: Output, brackets: str, items: Sequence[Entry | Node], steps: tuple[str | int, ...]
) -> None:
    output.add(brackets[0])
    line = "\n" + "\t" * (len(steps) + 1)
    for index, item in enumerate(items):
        output.add(f",{line}" if index else line)
        if isinstance(item, Entry):
            output.add(f"{quoted(item.key)}: ")
            _write(output, item.value, (*steps, item.key))
        else:
            _write(output, item, (*steps, index))
    if items:
        output.add(line[:-1])
    output.add(brackets[1])


def _scalar(scalar: Scalar, steps: tuple[str | int, ...]) -> str:
    match scalar.value:
        case None:
            return "null"
        case bool(value):
            return "true" if value else "false"
        case float(value):
            return _number(value, steps)
        case int(value):
            return str(value)
        case Time(text):
            return quoted(text)
        case str(value) | bytes(value):
            return quoted(golang.string(value))


def _number(value: float, steps: tuple[str | int, ...]) -> str:
    if not math.isfinite(value):
        raise refuse(steps, "is a number that JSON has not, infinite or none at all")
    if value == 0 or _LEAST_FIXED <= abs(value) < _LEAST_EXPONENT:
        return golang.float_fixed(value)
    # ECMAScript writes a negative exponent without a leading zero.
    return golang.float_exponent(value).replace("e-0", "e-")
