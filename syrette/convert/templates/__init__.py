"""
Templates of Vault Agent (consul-template) to what an item of ours says: references and a template.

Never guessed: a template is translated as a whole and renders what theirs does, or it is refused
with the text that was not understood. docs/convert.md has what is understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syrette.convert import paths
from syrette.convert.templates import functions, grammar, tokens
from syrette.convert.templates.expressions import ALONE, Expressions
from syrette.convert.templates.tokens import NotUnderstoodError
from syrette.convert.templates.translation import Translation, plain_name
from syrette.convert.templates.values import Fields, Known, Made, Part
from syrette.convert.templates.writing import Tag, write
from webhook.annotations.templates import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from injector.contract.references import Reference
    from syrette.convert.paths import Request
    from syrette.convert.templates.translation import Piece

__all__ = [
    "ALONE",
    "Content",
    "Made",
    "NotUnderstoodError",
    "Part",
    "plain_name",
    "translate",
    "translate_known",
]

DELIMITERS: Final = ("{{", "}}")
_FORMATS: Final = {"toJSON": "json", "toUnescapedJSON": "json", "toYAML": "yaml"}


@dataclass(frozen=True, slots=True)
class Content:
    """What a file is made of."""

    sources: tuple[tuple[str, Reference], ...]
    """By name; `value` alone where there is one."""
    template: str = ""
    format: str = ""
    decode: str = ""
    doubts: tuple[str, ...] = ()
    """What the template does not tell for sure."""


def translate(template: str, delimiters: tuple[str, str] = DELIMITERS) -> Content:
    """
    Translate one template.

    Args:
        template: consul-template's language.
        delimiters: of its actions.

    Raises:
        NotUnderstoodError: says what is not translated, and where.
    """
    tree = grammar.parse(tokens.scan(template, delimiters))
    first = Translation({})
    first.body(tree, None, {})
    requests = first.expressions.requests
    if not requests:
        raise NotUnderstoodError("the template reads no secret")
    names = _names(requests) if len(requests) > 1 else {}
    second = Translation(names)
    pieces = [piece for piece in second.body(tree, None, {}) if piece]
    try:
        return _content(pieces, requests, names, second.expressions.versioned)
    except NotUnderstoodError:
        raise
    except ValueError as exc:
        raise NotUnderstoodError(str(exc)) from exc


def translate_known(template: str, take: Callable[[str], Part | Made]) -> Part | str:
    """
    Translate a template of the External Secrets Operator, whose dot has texts by their names.

    Args:
        template: of its engine v2.
        take: gives the text of a name; raises ValueError for one that there is not.

    Returns:
        The only text if the template is that alone, else a template of ours.

    Raises:
        NotUnderstoodError: says what is not translated, and where.
    """
    tree = grammar.parse(tokens.scan(template, DELIMITERS))
    expressions = Expressions({}, functions.SPRIG, asks=False)
    pieces = [it for it in Translation({}, expressions).body(tree, Known(take), {}) if it]
    if len(pieces) == 1 and isinstance(pieces[0], Part):
        return pieces[0]
    try:
        text = write([_tag(it) if isinstance(it, Part | Made) else it for it in pieces])
    except ValueError as exc:
        raise NotUnderstoodError(str(exc)) from exc
    if len(text.encode()) > MAX_BYTES:
        raise NotUnderstoodError(f"it becomes a template of more than {MAX_BYTES // 1024} KiB")
    return text


def _names(requests: Sequence[Request]) -> dict[Request, str]:
    """Call each secret by the end of its path."""
    names: dict[Request, str] = {}
    for request in requests:
        last = request.path.rpartition("/")[2]
        names[request] = plain_name(last, names.values(), "secret")
    return names


def _content(
    pieces: list[Piece],
    requests: Sequence[Request],
    names: dict[Request, str],
    versioned: dict[Request, bool],
) -> Content:
    shapes = {request: versioned.get(request, request.versioned) for request in requests}
    doubts = tuple(doubt for it in requests for doubt in paths.doubts(it, versioned=shapes[it]))
    if len(requests) == 1:
        simple = _simple(pieces, requests[0], versioned=shapes[requests[0]], doubts=doubts)
        if simple is not None:
            return simple
    text = write([_tag(piece) if isinstance(piece, Part | Made) else piece for piece in pieces])
    if not text:
        raise NotUnderstoodError("the template writes nothing")
    if len(text.encode()) > MAX_BYTES:
        raise NotUnderstoodError(f"it becomes a template of more than {MAX_BYTES // 1024} KiB")
    sources = {names.get(it, ALONE): paths.reference(it, versioned=shapes[it]) for it in requests}
    return Content(tuple(sorted(sources.items())), text, doubts=doubts)


def _tag(value: Part | Made) -> Tag:
    return Tag(functions.code(value))


def _simple(
    pieces: list[Piece], request: Request, *, versioned: bool, doubts: tuple[str, ...]
) -> Content | None:
    """A whole secret in a format, one key of it, or one key decoded: without a template."""
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    values = [piece for piece in pieces if not isinstance(piece, str)]
    if len(values) != 1 or text.strip(" \t\r\n"):
        return None
    value, made, key = values[0], "", ""
    if isinstance(value, Made):
        made, inner = value.by, value.of
        if made in _FORMATS and isinstance(inner, Fields):
            # White space around a document is none of its own.
            found = paths.reference(request, versioned=versioned)
            return Content(((ALONE, found),), format=_FORMATS[made], doubts=doubts)
        key = inner.key if isinstance(inner, Part) and made == "base64Decode" else ""
    elif isinstance(value, Part):
        key = value.key
    if text or not key or key != key.strip():
        return None
    found = paths.reference(request, versioned=versioned, selector=key)
    return Content(((ALONE, found),), decode="base64" if made else "", doubts=doubts)
