"""
Go templates as tokens: text, and the words of each action.

As text/template's own lexer has them (text/template/parse/lex.go): trim marks take white space away
from the text beside them, comments leave nothing, and a closing delimiter within quotes closes
nothing. Whatever comes is bounded before it is looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 64 * 1024  # of a template; ours may have half of that
MAX_TOKENS: Final = 10_000  # of a template; ours may have four thousand
_SHOWN: Final = 120  # characters of an action in a message
_SPACE: Final = " \t\r\n"
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9A-Za-z_.]*")
_SIGNS: Final = (":=", "=", "|", "(", ")", ",")
# https://go.dev/ref/spec#Rune_literals; a byte above 0x7f is no character of its own
_ESCAPE: Final = re.compile(
    r"""\\(?:(?P<one>[abfnrtv\\"'])|x(?P<byte>[0-7][0-9a-fA-F])|u(?P<short>[0-9a-fA-F]{4})"""
    r"""|U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[01][0-7]{2}))|\\"""
)
_ESCAPES: Final = {
    **dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)),
    **{character: character for character in "\\\"'"},
}


class NotUnderstoodError(ValueError):
    """
    What is not translated, and why.

    Args:
        why: the reason, in words.
        source: the text that was not understood.
        line: of the template, from 1.
    """

    def __init__(self, why: str, source: str = "", line: int = 0) -> None:
        shown = " ".join(source.split())
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}`{shown}`: {why}" if shown else f"{where}{why}")


class Kind(StrEnum):
    """What a word of an action is."""

    NAME = "name"
    FIELD = "field"
    """`.name`; the text is the name."""
    DOT = "dot"
    VARIABLE = "variable"
    """`$name`; the text is the name, empty for the root."""
    TEXT = "text"
    """A string, unquoted."""
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """One word."""

    kind: Kind
    text: str
    spaced: bool
    """Whether white space stands before it: `.a .b` are two, `.a.b` is one."""


@dataclass(frozen=True, slots=True)
class Action:
    """What stands between two delimiters."""

    tokens: tuple[Token, ...]
    source: str
    line: int

    def refuse(self, why: str) -> NotUnderstoodError:
        """Say that this action is not translated."""
        return NotUnderstoodError(why, self.source, self.line)


def scan(template: str, delimiters: tuple[str, str]) -> list[str | Action]:
    """
    Take a template apart: texts, trimmed as the marks beside them say, and actions.

    Raises:
        NotUnderstoodError: for what text/template would not parse, and beyond the bounds.
    """
    try:
        size = len(template.encode())
    except UnicodeEncodeError:
        raise NotUnderstoodError("the template is not valid Unicode") from None
    if size > MAX_BYTES:
        raise NotUnderstoodError(f"the template has more than {MAX_BYTES // 1024} KiB")
    found = list(_pieces(template, *delimiters))
    if sum(len(piece.tokens) for piece in found if isinstance(piece, Action)) > MAX_TOKENS:
        raise NotUnderstoodError(f"the template has more than {MAX_TOKENS} words")
    return found


def _pieces(template: str, left: str, right: str) -> Iterator[str | Action]:
    position, trims, lines = 0, False, 1
    while (start := template.find(left, position)) >= 0:
        scanner = _Scanner(template, start, lines + template.count("\n", position, start), right)
        tokens = scanner.action(len(left))
        text = template[position:start]
        text = text.lstrip(_SPACE) if trims else text
        yield text.rstrip(_SPACE) if scanner.trims_before else text
        if tokens is not None:
            yield Action(tokens, template[start : scanner.position], scanner.line)
        lines = scanner.line + template.count("\n", start, scanner.position)
        position, trims = scanner.position, scanner.trims_after
    yield template[position:].lstrip(_SPACE) if trims else template[position:]


class _Scanner:
    """Reads one action."""

    def __init__(self, template: str, start: int, line: int, right: str) -> None:
        self._template = template
        self._start = start
        self._right = right
        self.line = line
        self.position = start
        """Behind the closing delimiter, when the action has been read."""
        self.trims_before = False
        self.trims_after = False

    def action(self, left: int) -> tuple[Token, ...] | None:
        """
        Read the words.

        Args:
            left: length of the opening delimiter.

        Returns:
            The words, or None for a comment.

        Raises:
            NotUnderstoodError: for characters that are no words, and an action without end.
        """
        self.position += left
        if self._at("-") and self._template[self.position + 1 : self.position + 2].strip() == "":
            self.trims_before = True
            self.position += 2
        if self._at("/*"):
            end = self._template.find("*/", self.position + 2)
            self.position = end + 2
            if end < 0 or not self._closes():
                raise self._refuse("the comment does not end with its action")
            return None
        tokens: list[Token] = []
        spaced = False
        while not self._closes():
            if self.position >= len(self._template):
                raise self._refuse("the action does not end")
            if self._template[self.position] in _SPACE:
                spaced = True
                self.position += 1
                continue
            tokens.append(Token(*self._word(), spaced))
            spaced = False
        return tuple(tokens)

    def _closes(self) -> bool:
        """Step over the closing delimiter, if it is here."""
        marked = self._template[self.position : self.position + 1] in tuple(_SPACE)
        if marked and self._template.startswith(f"-{self._right}", self.position + 1):
            self.trims_after = True
            self.position += 2 + len(self._right)
            return True
        if self._at(self._right):
            self.position += len(self._right)
            return True
        return False

    def _word(self) -> tuple[Kind, str]:
        character = self._template[self.position]
        if character in '"`':
            return Kind.TEXT, self._quoted(character)
        if character in ".$":
            kind = Kind.FIELD if character == "." else Kind.VARIABLE
            self.position += 1
            name = self._name()
            return (Kind.DOT, "") if kind is Kind.FIELD and not name else (kind, name)
        if number := _NUMBER.match(self._template, self.position):
            self.position = number.end()
            return Kind.NUMBER, number[0]
        if name := self._name():
            return Kind.NAME, name
        for sign in _SIGNS:
            if self._at(sign):
                self.position += len(sign)
                return Kind.SIGN, sign
        raise self._refuse(f"`{character}` is not read here")

    def _name(self) -> str:
        start = self.position
        while self.position < len(self._template) and _alphanumeric(self._template[self.position]):
            self.position += 1
        return self._template[start : self.position]

    def _quoted(self, mark: str) -> str:
        start = self.position + 1
        end = start
        while (character := self._template[end : end + 1]) != mark:
            if not character or (mark == '"' and character == "\n"):
                raise self._refuse("a text does not end")
            end += 2 if mark == '"' and character == "\\" else 1
        self.position = end + 1
        text = self._template[start:end]
        return text if mark == "`" else _ESCAPE.sub(self._unescaped, text)

    def _unescaped(self, match: re.Match[str]) -> str:
        if match["one"]:
            return _ESCAPES[match["one"]]
        digits = match["byte"] or match["short"] or match["long"]
        number = int(digits, 16) if digits else int(match["octal"], 8) if match["octal"] else -1
        try:
            return chr(number)
        except (ValueError, OverflowError):
            raise self._refuse("an escape in a text is not read here") from None

    def _at(self, text: str) -> bool:
        return self._template.startswith(text, self.position)

    def _refuse(self, why: str) -> NotUnderstoodError:
        return NotUnderstoodError(why, self._template[self._start : self._start + 200], self.line)


def _alphanumeric(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()
