"""
Jinja2 from texts and tags: what is between the tags comes out as it is.

A text may hold what Jinja2 would take for a tag (`${#names}`, `{% raw %}`), and a carriage return,
which Jinja2 makes a line feed of: such characters are written as a text within a tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syrette.convert.templates.values import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_ODD: Final = re.compile(r"\{+(?=[%#\r])|\{{2,}|\r+")
_LAST: Final = re.compile(r"\{+\Z")


@dataclass(frozen=True, slots=True)
class Tag:
    """`{{ … }}`, or `{% … %}` for a statement."""

    code: str
    statement: bool = False

    def __str__(self) -> str:
        return f"{{% {self.code} %}}" if self.statement else f"{{{{ {self.code} }}}}"


def write(pieces: Sequence[str | Tag]) -> str:
    """Write a template."""
    merged: list[str | Tag] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece:
            merged.append(piece)
    return "".join(
        str(piece) if isinstance(piece, Tag) else _text(piece, last=index == len(merged) - 1)
        for index, piece in enumerate(merged)
    )


def _text(text: str, *, last: bool) -> str:
    escaped = _ODD.sub(_literal, text)
    # What `_literal` has written ends in `}}`, so that these are the text's own.
    return escaped if last else _LAST.sub(_literal, escaped)


def _literal(match: re.Match[str]) -> str:
    return str(Tag(quoted(match[0])))
