"""
Lines of an INI file, with the quotes and continuations of go-ini.

Source: gopkg.in/ini.v1 `parser.go`, readKeyName and readValue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONG_QUOTE: Final = '"""'
_BACKQUOTE: Final = "`"
_DELIMITERS: Final = "=:"


class Lines:
    """The lines of a text with their ends; what is blank is left out by iteration only."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        while (line := self.take()) is not None:
            shown = line.lstrip()
            if shown:
                yield shown

    def take(self) -> str | None:
        """Give the next line as it is, `None` after the last."""
        if self.number == len(self._lines):
            return None
        self.number += 1
        last = self.number == len(self._lines)
        return self._lines[self.number - 1] + ("" if last else "\n")


def read_key(line: str, number: int) -> tuple[str, str]:
    """
    Split a line into its key and what stands behind the delimiter.

    Raises:
        SopsError: without a key, a delimiter or a closing quote.
    """
    quote = next((mark for mark in (_LONG_QUOTE, '"', _BACKQUOTE) if line.startswith(mark)), "")
    start = len(quote)
    end = line.find(quote, start) if quote else 0
    delimiters = [at for mark in _DELIMITERS if (at := line.find(mark, max(end, 0))) >= 0]
    if end < 0 or not delimiters:
        msg = "the line is no section, no comment and no `key = value`"
        raise invalid(msg, line=number)
    delimiter = min(delimiters)
    key = line[start:end] if quote else line[:delimiter].strip()
    if not key:
        msg = "the line has no key"
        raise invalid(msg, line=number)
    return key, line[delimiter + 1 :]


def read_value(rest: str, lines: Lines) -> tuple[str, str]:
    """
    Read what stands behind a delimiter, and more lines if it goes on.

    Returns:
        The value, and the comment behind it or an empty text.

    Raises:
        SopsError: when a quote is not closed.
    """
    rest = rest.lstrip()
    if not rest:
        return "", ""
    quote = next((mark for mark in (_LONG_QUOTE, _BACKQUOTE) if rest.startswith(mark)), "")
    if quote:
        return _quoted(rest[len(quote) :], quote, lines)
    value = rest.strip()
    if value.endswith("\\"):
        value = _continued(value[:-1], lines)
    marks = [at for mark in "#;" if (at := value.find(mark)) >= 0]
    comment = value[min(marks) :] if marks else ""
    value = value[: min(marks)].strip() if marks else value
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return value, comment


def _quoted(first: str, quote: str, lines: Lines) -> tuple[str, str]:
    end = first.rfind(quote)
    if end >= 0:
        return first[:end], ""
    parts, begun = [first], lines.number
    while (line := lines.take()) is not None:
        end = line.rfind(quote)
        if end >= 0:
            behind = line[end + len(quote) :].strip()
            return "".join([*parts, line[:end]]), behind if behind[:1] in {"#", ";"} else ""
        parts.append(line)
    msg = "a quoted value has no end"
    raise invalid(msg, line=begun)


def _continued(first: str, lines: Lines) -> str:
    parts = [first]
    while line := (lines.take() or "").strip():
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            break
    return "".join(parts)
