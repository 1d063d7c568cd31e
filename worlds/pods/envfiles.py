"""
EnvFiles as the kubelet reads them: `NAME='value'`, and hardly anything else.

Everything between the quotes is literal, line ends included; there is no escape. Blank lines,
comments and blanks before a name are skipped. Source: KEP-3721, pkg/kubelet/util/env of 1.35. It
reads no further than the name that it looks for, so that a wrong line behind it goes unnoticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS: Final = " \t"
_MAX_LINE: Final = 64 * 1024  # bytes: a token of Go's bufio.Scanner, the line end included


class EnvFileError(ValueError):
    """A file that the kubelet refuses; the text names the line, never a value."""


def value(text: str, name: str) -> str:
    """
    Give the value of a variable, empty when the file does not have it.

    Raises:
        EnvFileError: for a wrong line before it.
    """
    lines = _lines(text)
    for number, line in lines:
        content = line.lstrip(_BLANKS)
        if not content or content.startswith("#"):
            continue
        key, _, rest = content.partition("=")
        if "=" not in content or not key or key != key.rstrip(_BLANKS):
            msg = f"line {number} is not NAME='value'"
            raise EnvFileError(msg)
        # With a blank behind the `=` a shell would set nothing, and run the rest.
        found = "" if rest[:1] in {" ", "\t"} else _quoted(rest, number, lines)
        if key == name:
            return found
    return ""


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        if len(line.encode()) >= _MAX_LINE:
            msg = f"line {number} is longer than 64 KiB"
            raise EnvFileError(msg)
        yield number, line.removesuffix("\r")


def _quoted(rest: str, number: int, lines: Iterator[tuple[int, str]]) -> str:
    """Read a value from behind its `=`, over as many lines as it takes."""
    if not rest.startswith("'"):
        msg = f"the value of line {number} is not in single quotes"
        raise EnvFileError(msg)
    parts, rest = [], rest[1:]
    while "'" not in rest:
        parts.append(rest)
        try:
            _, rest = next(lines)
        except StopIteration:
            msg = f"the quote of line {number} is not closed"
            raise EnvFileError(msg) from None
    last, _, behind = rest.partition("'")
    comment = behind.lstrip(_BLANKS)
    if comment and (comment == behind or not comment.startswith("#")):
        msg = f"something follows the closing quote of line {number}"
        raise EnvFileError(msg)
    return "\n".join([*parts, last])
