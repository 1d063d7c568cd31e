"""
SOPS' metadata as flat keys, in formats without nesting.

`__map_` stands before a key of a mapping, `__list_` before an index: `age__list_0__map_enc`.
Source: getsops/sops `stores/flatten.go`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid, printable
from injector.sops.limits import MAX_MASTER_KEYS
from injector.sops.tree import Branch, Entry, Listing, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from injector.sops.tree import Node

_SEPARATOR = re.compile("__(map|list)_")
_INDEX = re.compile("0|[1-9][0-9]{0,3}", re.ASCII)
_MAX_STEPS: Final = 8

_Level = dict[str | int, "str | _Level"]


def unflatten(pairs: Iterable[tuple[str, str]]) -> Branch:
    r"""
    Put flat metadata together.

    Args:
        pairs: key without the format's prefix, and text, where `\n` stands for a line break.

    Raises:
        SopsError: for a key that is there twice, both a value and a level, or a gap in a list.
    """
    root: _Level = {}
    for key, text in pairs:
        _insert(root, _steps(key), text.replace("\\n", "\n"), key)
    node = _node(root, "")
    if not isinstance(node, Branch):
        msg = "the metadata is no mapping"
        raise invalid(msg)
    return node


def _steps(key: str) -> list[str | int]:
    parts = _SEPARATOR.split(key)
    if len(parts) > 2 * _MAX_STEPS:
        msg = f"the metadata key `{printable(key)}` is nested too deep"
        raise invalid(msg)
    steps: list[str | int] = [parts[0]]
    for kind, name in zip(parts[1::2], parts[2::2], strict=True):
        if kind == "map":
            steps.append(name)
        elif _INDEX.fullmatch(name):
            steps.append(int(name))
        else:
            msg = f"the metadata key `{printable(key)}` has no number as an index"
            raise invalid(msg)
    return steps


def _insert(root: _Level, steps: list[str | int], text: str, key: str) -> None:
    level = root
    for step in steps[:-1]:
        inner = level.setdefault(step, {})
        if isinstance(inner, str):
            msg = f"the metadata key `{printable(key)}` is a value elsewhere"
            raise invalid(msg)
        level = inner
    if steps[-1] in level:
        msg = f"the metadata key `{printable(key)}` is there twice"
        raise invalid(msg)
    level[steps[-1]] = text


def _node(value: str | _Level, name: str) -> Node:
    if isinstance(value, str):
        return Scalar(value)
    indexes = sorted(step for step in value if isinstance(step, int))
    if not indexes:
        return Branch(tuple(Entry(str(key), _node(item, str(key))) for key, item in value.items()))
    if indexes != list(range(len(value))) or len(value) > MAX_MASTER_KEYS:
        msg = f"the metadata list `{printable(name)}` has gaps, is too long or is a mapping, too"
        raise invalid(msg)
    return Listing(tuple(_node(value[index], name) for index in indexes))
