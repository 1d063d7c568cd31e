"""
Filters of templates: ours, and Jinja2's own where they could make gigabytes of a few bytes.

Results are looked at before they are made. Mappings and lists are written as JSON, as they are
outside of filters.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import ItemsView, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import pass_context, pass_eval_context
from jinja2.filters import do_indent, do_round

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2.nodes import EvalContext
    from jinja2.runtime import Context

MAX_DIGITS: Final = 30  # decimal places that `round` is asked for
CONCATENATE: Final = "~"
"""What the operator becomes: no name that a template can write."""


def text(data: object) -> str:
    """
    Write a value as text, as it stands in a rendered file.

    Raises:
        RenderError: for binary data, and for what is no data at all.
    """
    if isinstance(data, str):
        return data
    if isinstance(data, bytes):
        return documents.to_text(data)
    if isinstance(data, KeysView | ValuesView | ItemsView | range):
        data = list(data)
    if isinstance(data, dict | list | tuple):
        documents.size(data)
        return documents.to_json(data)
    return documents.scalar(data)


def _bytes(data: object) -> bytes:
    return data if isinstance(data, bytes) else documents.encode(text(data))


def _b64encode(data: object) -> str:
    return base64.b64encode(_bytes(data)).decode()


def _b64decode(data: object) -> str | bytes:
    try:
        decoded = base64.b64decode(_bytes(data), validate=True)
    except (binascii.Error, ValueError):
        msg = "`b64decode` was given something that is not base64"
        raise RenderError(Reason.TEMPLATE_FAILED, msg) from None
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        return decoded


def _urlquote(data: object) -> str:
    """Percent-encode everything but RFC 3986's unreserved characters, `/` included."""
    return quote(_bytes(data), safe="")


def _shquote(data: object) -> str:
    """Write one word of a POSIX shell."""
    return shlex.quote(text(data))


def _tojson(data: object) -> str:
    """Write JSON as it is; Jinja2's own filter escapes it for web pages."""
    return documents.to_json(data)


def _replace(data: object, old: object, new: object, count: int | None = None) -> str:
    whole, part, instead = text(data), text(old), text(new)
    everywhere = whole.count(part)
    # Python takes a count below zero for no limit.
    times = everywhere if count is None or count < 0 else min(count, everywhere)
    documents.check_size(len(whole) + times * len(instead))
    return whole.replace(part, instead, times)


@pass_eval_context
def _join(
    context: EvalContext,
    items: Iterable[object],
    d: object = "",
    attribute: Any = None,  # noqa: ANN401 - a name or a number
) -> str:
    if attribute is not None:
        items = (context.environment.getitem(item, attribute) for item in items)
    between, joined = text(d), documents.Text()
    for index, item in enumerate(items):
        joined.write(between if index else "")
        joined.write(text(item))
    return str(joined)


@pass_context
def _sum(
    context: Context,
    iterable: Iterable[object],
    attribute: Any = None,  # noqa: ANN401 - a name or a number
    start: Any = 0,  # noqa: ANN401 - whatever `+` takes
) -> Any:  # noqa: ANN401 - as above
    """Add with the bounds of `+`; lists can be added as well."""
    environment: Any = context.environment  # a sandbox, which has `call_binop`
    total = start
    for item in iterable:
        term = item if attribute is None else environment.getitem(item, attribute)
        total = environment.call_binop(context, "+", total, term)
    return total


def _concatenate(parts: Iterable[object]) -> str:
    joined = documents.Text()
    for part in parts:
        joined.write(text(part))
    return str(joined)


def _indent(
    data: object,
    width: int | str = 4,
    first: bool = False,  # noqa: FBT001, FBT002 - as Jinja2 has it
    blank: bool = False,  # noqa: FBT001, FBT002 - as Jinja2 has it
) -> str:
    lines = text(data)
    margin = width if isinstance(width, str) else ""
    documents.check_size(width if isinstance(width, int) else 0)
    each = len(margin) or int(width or 0)
    documents.check_size(len(lines) + (len(lines.splitlines()) + 1) * each)
    return do_indent(lines, width, first, blank)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:  # noqa: ANN401 - as Jinja2 has it
    if abs(precision) > MAX_DIGITS:
        msg = f"`round` goes to {MAX_DIGITS} digits"
        raise RenderError(Reason.TEMPLATE_FAILED, msg)
    return do_round(value, precision, method)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "shquote": _shquote,
    "urlquote": _urlquote,
    "indent": _indent,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "string": text,
    "sum": _sum,
    "tojson": _tojson,
    CONCATENATE: _concatenate,
}
"""By name; each replaces Jinja2's own of that name."""
