"""
The words of a template: which filters, globals and methods there are, for both programs.

The webhook refuses a template that uses another one, and the worker has no other. Left out is what
makes gigabytes of a few bytes (`center`, `format`), gives another result each time (`random`), or
writes what only a web page wants.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTERS: Final = ("b64decode", "b64encode", "shquote", "urlquote")
"""Ours, beside Jinja2's own."""

LEFT_OUT_FILTERS: Final = frozenset(
    {
        "attr",
        "batch",
        "center",
        "format",
        "pprint",
        "random",
        "slice",
        "striptags",
        "urlize",
        "wordwrap",
        "xmlattr",
    }
)
"""Of Jinja2's own."""

LEFT_OUT_GLOBALS: Final = frozenset({"lipsum"})
"""Of Jinja2's own."""

METHODS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "str": frozenset(
            {
                "capitalize",
                "count",
                "endswith",
                "find",
                "index",
                "isalnum",
                "isalpha",
                "isdecimal",
                "isdigit",
                "islower",
                "isnumeric",
                "isspace",
                "isupper",
                "lower",
                "lstrip",
                "partition",
                "removeprefix",
                "removesuffix",
                "rfind",
                "rindex",
                "rpartition",
                "rsplit",
                "rstrip",
                "split",
                "splitlines",
                "startswith",
                "strip",
                "swapcase",
                "title",
                "upper",
            }
        ),
        "dict": frozenset({"get", "items", "keys", "values"}),
        "list": frozenset({"count", "index"}),
        "tuple": frozenset({"count", "index"}),
    }
)
"""Methods that a template may call, by type; of other values of the secret it may call none."""
