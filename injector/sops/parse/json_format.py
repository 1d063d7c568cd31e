"""
SOPS documents in JSON.

The text is measured before it is parsed: depth and number of values are known when Python's
parser, which recurses and keeps everything, begins.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final, NoReturn

from injector.sops.errors import invalid, printable
from injector.sops.limits import MAX_DEPTH, MAX_NODES, Budget, check_depth
from injector.sops.metadata import read_metadata
from injector.sops.parse.encrypted import Encrypted, split
from injector.sops.tree import Branch, Entry, Listing, Node, Scalar
from injector.sops.values import MAX_INT, MIN_INT

if TYPE_CHECKING:
    from injector.sops.tree import Comment

_SHAPE = re.compile(r'"(?:[^"\\]+|\\.)*+"|[\[{]|[\]}]|,', re.DOTALL)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_LITERAL: Final = 800
"""Characters of a number: Go's `float64` needs 767 to be told exactly."""
_INT_DIGITS: Final = 20
_EXACT: Final = 2**53


def read(data: bytes, *, floats: bool = False) -> Encrypted:
    """
    Read one JSON object.

    Args:
        data: the file.
        floats: read integers beyond 2^53 as `float64`, as SOPS did before 3.13.2.

    Raises:
        SopsError: for what is no JSON object, and for a key that is there twice.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        msg = "the document is not UTF-8"
        raise invalid(msg, line=data.count(b"\n", 0, exc.start) + 1) from None
    _measure(text)
    reader = _Reader(floats=floats)
    try:
        value = json.loads(
            text,
            object_pairs_hook=reader.branch,
            parse_int=reader.whole,
            parse_float=reader.fraction,
            parse_constant=reader.constant,
        )
    except json.JSONDecodeError as exc:
        msg = "the document is no JSON"
        raise invalid(msg, line=exc.lineno) from None
    if not isinstance(value, Branch):
        msg = "a document of SOPS is a JSON object"
        raise invalid(msg)
    branch, metadata = split(value)
    return Encrypted((branch,), read_metadata(metadata))


def beyond_floats(data: bytes) -> bool:
    """Say whether a text may hold an integer that old and new SOPS read differently."""
    return re.search(rb"[0-9]{16}", data) is not None


def _measure(text: str) -> None:
    """Look at how deep and how wide a text is, without building anything."""
    depth, nodes = 0, 1
    for match in _SHAPE.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            nodes += 1
            if depth > MAX_DEPTH:
                check_depth(depth, text.count("\n", 0, match.start()) + 1)
        elif first in "]}":
            depth -= 1
        elif first == ",":
            nodes += 1
        if nodes > MAX_NODES:
            Budget().spend(nodes, 0)


class _Reader:
    """Hooks of Python's parser; what they give is a tree already."""

    def __init__(self, *, floats: bool) -> None:
        self._budget = Budget()
        self._floats = floats

    def branch(self, pairs: list[tuple[str, object]]) -> Branch:
        seen: set[str] = set()
        items: list[Entry | Comment] = []
        for key, value in pairs:
            name = _text(key)
            if name in seen:
                msg = f"the key `{printable(name)}` is there twice"
                raise invalid(msg)
            seen.add(name)
            self._budget.spend(1, len(name))
            items.append(Entry(name, self._node(value)))
        return Branch(tuple(items))

    def _node(self, value: object) -> Node:
        if isinstance(value, Branch):
            return value
        self._budget.spend(1, 0)
        if isinstance(value, list):
            return Listing(tuple(self._node(item) for item in value))
        if isinstance(value, str):
            return Scalar(_text(value))
        if value is None or isinstance(value, bool | int | float):
            return Scalar(value)
        msg = "a value is of no type that JSON has"
        raise invalid(msg)

    def whole(self, literal: str) -> int | float:
        if len(literal) <= _INT_DIGITS:
            number = int(literal)
            exact = not self._floats or abs(number) <= _EXACT
            if MIN_INT <= number <= MAX_INT and exact:
                return number if literal != "-0" else -0.0
        return self.fraction(literal)

    def fraction(self, literal: str) -> float:
        number = float(literal) if len(literal) <= _MAX_LITERAL else math.inf
        if math.isinf(number):
            msg = "a number is larger or longer than a float64"
            raise invalid(msg)
        return number

    def constant(self, _: str) -> NoReturn:
        msg = "JSON has neither NaN nor Infinity"
        raise invalid(msg)


def _text(text: str) -> str:
    """Go reads half a surrogate pair as U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text)
