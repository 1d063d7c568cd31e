"""
JMESPath in bounds.

An expression of a hundred bytes can ask for gigabytes (`[@,@][]`, again and again) or for a
comparison that outlives the node. So every value that is made is measured, with shared parts
counted each time they occur, and every step is counted.
"""

from __future__ import annotations

import math
from typing import Any, Final

import jmespath
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents
from injector.render.interface import MAX_OUTPUT

MAX_STEPS: Final = 1_000_000
"""Nodes that are visited; about a second. A projection visits its right side for each element."""
MAX_MADE: Final = 4 * MAX_OUTPUT
_MAKING: Final = frozenset(
    {
        "filter_projection",
        "flatten",
        "function_expression",
        "multi_select_dict",
        "multi_select_list",
        "projection",
        "slice",
        "value_projection",
    }
)
"""Nodes whose value is a new one, and no part of the document."""


def search(expression: str, document: object) -> Any:  # noqa: ANN401 - any JSON
    """
    Evaluate an expression; None when it finds nothing, or is no expression.

    Raises:
        RenderError: `output-too-large`; `selector-not-found` for a result that is no JSON.
        Exception: whatever else the library makes of functions and their arguments.
    """
    try:
        tree = jmespath.compile(expression).parsed
    except (ValueError, RecursionError):  # its ParseError is a ValueError
        return None
    found = _Interpreter().visit(tree, document)
    if documents.depth(found) > documents.MAX_DEPTH or not _is_json(found):
        msg = "the expression's result is nested too deep, or no JSON"
        raise RenderError(Reason.SELECTOR_NOT_FOUND, msg)
    return found


class _Interpreter(TreeInterpreter):
    """The library's interpreter, which counts."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = Functions()
        self._steps = 0
        self._made = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the library has it
        self._steps += 1
        if self._steps > MAX_STEPS:
            msg = f"the expression takes more than {MAX_STEPS} steps"
            raise RenderError(Reason.OUTPUT_TOO_LARGE, msg)
        found = super().visit(node, *args, **kwargs)
        if node["type"] in _MAKING:
            self._made += documents.size(found)
            if self._made > MAX_MADE:
                raise documents.too_large(MAX_MADE)
        return found

    def visit_function_expression(self, node: Any, value: Any) -> Any:  # noqa: ANN401 - as above
        arguments = [self.visit(child, value) for child in node["children"]]
        documents.size(arguments)
        if node["value"] == "join" and [type(item) for item in arguments] == [str, list]:
            # The only function whose result is larger than all that it is given.
            documents.check_size(len(arguments[0]) * len(arguments[1]))
        return self._calls.call_function(node["value"], arguments)


def _is_json(found: object) -> bool:
    """Whether it can be written; an expression reference (`&key`) or `to_number('nan')` cannot."""
    left = [found]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
        elif isinstance(item, float) and not isinstance(item, documents.Number):
            if not math.isfinite(item):
                return False
        elif item is not None and not isinstance(item, str | bytes | int | float):
            return False
    return True
