"""
Templates in the worker: Jinja2's immutable sandbox, bounded in time and size.

The sandbox keeps a template from reaching Python; it does not keep it from making gigabytes or
from looping for an hour. So operators look at their operands first, everything that is made is
measured and counted, with shared parts each time they occur, every round of a loop, every call,
filter and comparison looks at the clock, and nothing is computed while the template compiles.
Errors name lines and names that stand in the template, never values.
"""

from __future__ import annotations

import functools
import operator
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from injector.contract.reasons import Reason
from injector.contract.templates import LEFT_OUT_FILTERS, LEFT_OUT_GLOBALS, METHODS
from injector.errors import RenderError
from injector.render import documents, filters
from injector.render.interface import MAX_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2.runtime import Context

MAX_SECONDS: Final = 2.0
"""For one template; a configuration file of a thousand lines takes 10 ms."""
MAX_MADE: Final = 4 * MAX_OUTPUT
"""
Characters of output and elements of lists that are made on the way; what a macro or a block writes
is written again by who uses it.
"""
_MAX_NUMBER: Final = 2**63  # larger integers are no setting of any program
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "*": operator.mul,
    "**": operator.pow,
    "%": operator.mod,
}
_EACH: Final = "each item"
_MEASURED: Final = "a new one"
_TIMED: Final = "in time"
"""
What a loop's items, a new list and the operand of a comparison pass through: no names that a
template can write.
"""


def render(
    template: str,
    values: Mapping[str, object],
    *,
    delimiters: tuple[str, str] = ("{{", "}}"),
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """
    Render one template.

    Args:
        template: Jinja2's language, as the webhook has parsed it.
        values: what each name of `from` stands for; a mapping called `value` gives its keys as
            names, too.
        delimiters: of variables.
        clock: monotonic seconds.

    Raises:
        RenderError: `template-failed`, or `output-too-large`.
    """
    alone = values.get("value")
    names = {**alone, **values} if isinstance(alone, dict) else dict(values)
    environment = _Environment(delimiters, clock)
    try:
        compiled = environment.from_string(_counted(environment.parse(template)))
        return _joined(compiled.generate(names))
    except RenderError:
        raise
    except TemplateSyntaxError as exc:
        raise _failed(exc.lineno, "the template does not parse") from None
    except UndefinedError as exc:
        raise _failed(_line(exc), _absent(exc, template)) from None
    except SecurityError as exc:
        raise _failed(_line(exc), "the template asks for what the sandbox keeps away") from None
    except RecursionError:
        raise _failed(0, "the template nests or calls itself too deep") from None
    except Exception as exc:  # noqa: BLE001 - whatever it is, the template is the cause
        # Whatever Python says of an operation may quote its operands.
        raise _failed(_line(exc), f"an expression failed ({type(exc).__name__})") from None


class _Absent(StrictUndefined):
    """A name or key that is not there; its message is that name alone, for `_absent`."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox for one rendering."""

    intercepted_binops = frozenset(_OPERATORS)

    def __init__(self, delimiters: tuple[str, str], clock: Callable[[], float]) -> None:
        super().__init__(
            variable_start_string=delimiters[0],
            variable_end_string=delimiters[1],
            undefined=_Absent,
            finalize=_finalize,
            optimized=False,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self._clock = clock
        self._until = clock() + MAX_SECONDS
        self._made = 0
        allowed = {
            name: made for name, made in JINJA_FILTERS.items() if name not in LEFT_OUT_FILTERS
        }
        self.filters = {
            name: self._bounded(made) for name, made in (allowed | dict(filters.FILTERS)).items()
        }
        self.filters |= {_EACH: self._each, _MEASURED: self._measured, _TIMED: self._timed}
        for name in LEFT_OUT_GLOBALS:
            self.globals.pop(name, None)

    def tick(self) -> None:
        """Stop a rendering that takes too long."""
        if self._clock() > self._until:
            msg = f"the template takes longer than {MAX_SECONDS:g} s"
            raise RenderError(Reason.TEMPLATE_FAILED, msg)

    def count(self, text: str) -> str:
        """Stop a rendering that writes too much."""
        self.tick()
        self._made += len(text)
        documents.check_size(self._made, MAX_MADE)
        return text

    def _each(self, items: Iterable[object]) -> Iterator[object]:
        for item in items:
            self.tick()
            yield item

    def _timed(self, data: object) -> object:
        self.tick()
        return data

    def _measured(self, data: object) -> object:
        """Stop a rendering that makes too much, on the whole or at once."""
        self.tick()
        if isinstance(data, str | bytes | dict | list | tuple):
            documents.size(data)
            self._made += len(data)
            documents.check_size(self._made, MAX_MADE)
        return data

    def _counted(self, items: Iterator[object]) -> Iterator[object]:
        total = 0
        for item in items:
            self.tick()
            total += documents.size(item)
            documents.check_size(total)
            yield item

    def _bounded(self, made: Callable[..., Any]) -> Callable[..., Any]:
        """Look at what a filter is given without an end, and at what it gives."""

        @functools.wraps(made)  # with the marks of those that want the context
        def bounded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the library has it
            given = (self._counted(arg) if isinstance(arg, Iterator) else arg for arg in args)
            return self._measured(made(*given, **kwargs))

        return bounded

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - as the library has it
        """Read the key of a mapping before any method: `db.items` is a secret's key, if it is."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ANN401 - as above
        """Keep `str.format` away like other methods: a width in it makes gigabytes."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - as above
        """Allow the methods of the list, and of Jinja2's own objects what its sandbox allows."""
        for kind in (str, bytes, int, float, dict, list, tuple):
            if isinstance(obj, kind):
                return attr in METHODS.get(kind.__name__, frozenset())
        return bool(super().is_safe_attribute(obj, attr, value))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Call a macro or a method, if there is time."""
        documents.size([args, kwargs])
        return self._measured(super().call(context, obj, *args, **kwargs))

    def call_test(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Ask a test for one item of many (`select`), if there is time."""
        self.tick()
        return super().call_test(*args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401, ARG002 - as above
        """Compute what cannot explode."""
        _check_operands(operator, left, right)
        return self._measured(_OPERATORS[operator](left, right))


def _check_operands(sign: str, left: object, right: object) -> None:
    if isinstance(left, int | float) and isinstance(right, int | float):
        # 2**63 is the largest base, so that any larger exponent than this is out of bounds.
        huge = max(abs(left), abs(right)) > _MAX_NUMBER or (sign == "**" and abs(right) > 63)  # noqa: PLR2004 - said above
        if huge:
            msg = f"`{sign}` has a number beyond 64 bits"
            raise RenderError(Reason.TEMPLATE_FAILED, msg)
        return
    if sign != "+":
        msg = f"`{sign}` is for numbers only"
        raise RenderError(Reason.TEMPLATE_FAILED, msg)
    documents.check_size(documents.size(left) + documents.size(right))


@pass_context
def _finalize(context: Context, data: object) -> str:
    """
    Write the result of an expression, mappings and lists as JSON.

    Taking the context also keeps the compiler from evaluating constant expressions beforehand.
    """
    environment = context.environment
    if not isinstance(environment, _Environment):
        raise TypeError
    return environment.count(filters.text(data))


def _counted(tree: nodes.Template) -> nodes.Template:
    """Make everything that grows or lasts pass through a filter of ours."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _through(_EACH, loop.iter)
    for output in tree.find_all(nodes.Output):
        output.nodes = [
            nodes.MarkSafeIfAutoescape(nodes.Const(node.data, lineno=node.lineno))
            if isinstance(node, nodes.TemplateData)
            else node
            for node in output.nodes
        ]
    _Bounds().visit(tree)
    return tree


def _through(name: str, node: Any) -> nodes.Filter:  # noqa: ANN401 - an expression
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class _Bounds(NodeTransformer):
    """Measures new lists, mappings and slices; `~` becomes a filter; comparisons take time."""

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802 - the library's name
        self.generic_visit(node)
        return _through(_MEASURED, node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _through(_MEASURED, node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _through(_MEASURED, node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _through(_MEASURED, node) if isinstance(node.arg, nodes.Slice) else node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        for operand in node.ops:
            operand.expr = _through(_TIMED, operand.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return _through(filters.CONCATENATE, parts)


def _joined(pieces: Iterable[str]) -> str:
    text = documents.Text()
    for piece in pieces:
        text.write(piece)
    return str(text)


def _line(exc: BaseException) -> int:
    """Where in the template it went wrong; Jinja2 has put its lines into the traceback. Or 0."""
    trace, line = exc.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<template>", "<unknown>"}:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _absent(exc: UndefinedError, template: str) -> str:
    name = str(exc.message or "")
    # A key that was computed may be a value of the secret.
    shown = f"`{documents.printable(name)}`" if name and name in template else "a computed name"
    return f"{shown} is not there"


def _failed(line: int, what: str) -> RenderError:
    where = f"template line {line}" if line else "template"
    return RenderError(Reason.TEMPLATE_FAILED, f"{where}: {what}")
