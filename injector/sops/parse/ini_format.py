"""
SOPS documents as INI files: sections of texts, by the rules of go-ini.

Source: gopkg.in/ini.v1 `parser.go` with AllowNonUniqueSections, and getsops/sops
`stores/ini/store.go`. Sections of one name stay apart; of keys, the last value counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid
from injector.sops.limits import Budget
from injector.sops.metadata import read_metadata
from injector.sops.parse.encrypted import METADATA_KEY, Encrypted, decode
from injector.sops.parse.flattened import unflatten
from injector.sops.parse.ini_lines import Lines, read_key, read_value
from injector.sops.tree import Branch, Comment, Entry, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_SECTION: Final = "DEFAULT"


@dataclass(slots=True)
class _Section:
    name: str
    comment: str = field(default="", repr=False)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    """Value and comment by name."""


def read(data: bytes) -> Encrypted:
    """
    Read the file.

    Raises:
        SopsError: with the line of what is neither a section, a comment nor `key = value`.
    """
    sections = _sections(Lines(decode(data)), Budget())
    metadata = next((each for each in sections if each.name == METADATA_KEY), None)
    flat = None
    if metadata is not None:
        flat = unflatten((key, value) for key, (value, _) in metadata.keys.items())
    items = [
        Entry(section.name, Branch(tuple(_items(section))))
        for section in sections
        if section.name != METADATA_KEY
    ]
    return Encrypted((Branch(tuple(items)),), read_metadata(flat))


def _items(section: _Section) -> Iterator[Entry | Comment]:
    if section.comment:
        yield Comment(_stripped(section.comment))
    for key, (value, comment) in section.keys.items():
        yield Entry(key, Scalar(value))
        if comment:
            yield Comment(_stripped(comment))


def _stripped(comment: str) -> str:
    return comment.lstrip(f"{comment[0]} ") if comment[0] in ";#" else comment


def _sections(lines: Lines, budget: Budget) -> list[_Section]:
    section = _Section(_FIRST_SECTION)
    sections = [section]
    comments: list[str] = []
    unnamed = 0
    for line in lines:
        budget.spend(1, len(line))
        if line[0] in "#;":
            comments.append(line)
        elif line[0] == "[":
            name, rest = _section_name(line, lines.number)
            section = _Section(name)
            sections.append(section)
            comments += [rest] if rest else []
            section.comment = "".join(comments).strip()
            comments.clear()
        else:
            key, rest = read_key(line, lines.number)
            if key == "-":
                unnamed += 1
                key = f"#{unnamed}"
            value, inline = read_value(rest, lines)
            budget.spend(1, len(value))
            comments += [inline] if inline else []
            section.keys[key] = (value, "".join(comments).strip())
            comments.clear()
    return sections


def _section_name(line: str, number: int) -> tuple[str, str]:
    """Split into the name and the comment behind it."""
    end = line.rfind("]")
    name = line[1:end]
    if end < 0 or not name:
        msg = "the section has no name or no end"
        raise invalid(msg, line=number)
    rest = line[end + 1 :].lstrip()
    return name, rest if rest[:1] in {"#", ";"} else ""
