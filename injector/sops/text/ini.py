"""
INI as SOPS writes it with go-ini v1.67: keys aligned, sections apart by an empty line.

The first section has no header when it is called DEFAULT. Values and keys with marks of the
format are put in quotes, which is not always read back as it was; the bytes are SOPS'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.sops.text import golang
from injector.sops.text.capacity import only_document, refuse, scalar_at
from injector.sops.text.output import Output
from injector.sops.tree import Branch, Comment, Entry

if TYPE_CHECKING:
    from injector.sops.tree import Documents

_DEFAULT: Final = "DEFAULT"
_DELIMITERS: Final = re.compile("[=:]")
_MULTILINE: Final = re.compile("[\n`]")
_REMARK: Final = re.compile("[#;]")


@dataclass(slots=True)
class _Line:
    """A key's value, and the comment that stands above it."""

    value: str
    comment: str = ""


def emit(documents: Documents) -> bytes:
    """
    Write the one document: sections of keys.

    Raises:
        SopsTextError: several documents, a key outside of a section, a mapping or a list below a
            key, an empty name, an empty line in a comment (SOPS itself crashes), a NUL, a text
            that grows too large.
    """
    output = Output()
    sections = [item for item in only_document(documents).items if isinstance(item, Entry)]
    for index, section in enumerate(sections):
        comment, lines = _section(section)
        output.add(_comment(comment, (section.key,), trim=False))
        if index or section.key.upper() != _DEFAULT:
            output.add(f"[{section.key}]\n")
        elif not lines:
            continue
        _write_lines(output, section.key, lines)
        if index < len(sections) - 1:
            output.add("\n")
    return output.encoded()


def _section(section: Entry) -> tuple[str, dict[str, _Line]]:
    """Read a section: its comment is the first item, every other belongs to the key before it."""
    _check_name(section.key, (section.key,))
    if not isinstance(section.value, Branch):
        problem = "is a value outside of a section, which INI cannot hold"
        raise refuse((section.key,), problem, Reason.NOT_A_MAPPING)
    items = section.value.items
    comment = ""
    if items and isinstance(items[0], Comment):
        comment, items = items[0].text, items[1:]
    lines: dict[str, _Line] = {}
    last: _Line | None = None
    for item in items:
        if isinstance(item, Entry):
            value = _value(item, (section.key, item.key))
            # A key that comes twice stays at its first place, and its last value counts.
            last = lines.setdefault(item.key, _Line(value))
            last.value = value
        elif last is not None:
            last.comment = item.text
    return comment, lines


def _value(item: Entry, steps: tuple[str, str]) -> str:
    _check_name(item.key, steps)
    text = golang.plain(scalar_at(item.value, steps, "INI"))
    if "\0" in text:
        raise refuse(steps, "holds a NUL, which INI cannot hold")
    return text


def _check_name(name: str, steps: tuple[str, ...]) -> None:
    if not name or "\n" in name or "\0" in name:
        raise refuse(steps, "is no name that INI can hold: empty, a new line or a NUL")


def _write_lines(output: Output, section: str, lines: dict[str, _Line]) -> None:
    names = {key: _name(key) for key in lines}
    width = max((len(golang.encoded(name)) for name in names.values()), default=0)
    for key, line in lines.items():
        output.add(_comment(line.comment, (section, key), trim=True))
        padding = " " * (width - len(golang.encoded(names[key])))
        output.add(f"{names[key]}{padding} = {_quoted(line.value)}\n")


def _name(key: str) -> str:
    if '"' in key or _DELIMITERS.search(key):
        return f"`{key}`"
    return f'"""{key}"""' if "`" in key else key


def _quoted(value: str) -> str:
    if _MULTILINE.search(value):
        return f'"""{value}"""'
    if _REMARK.search(value):
        return f"`{value}`"
    return f'"{value}"' if value.strip(golang.SPACE) != value else value


def _comment(text: str, steps: tuple[str, ...], *, trim: bool) -> str:
    """Write each line of a comment with a mark and a blank; a mark of its own is kept."""
    if not text:
        return ""
    written = []
    for line in text.split("\n"):
        if not line or "\0" in line:
            raise refuse(steps, "has a comment with an empty line or a NUL, which INI cannot hold")
        if line[0] in "#;":
            written.append(f"{line[0]} {line[1:].strip(golang.SPACE)}\n")
        else:
            written.append(f"; {line.strip(golang.SPACE) if trim else line}\n")
    return "".join(written)
