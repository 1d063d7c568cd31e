"""
Go templates as a tree, the part of text/template that templates of Vault Agent use.

`define`, `template`, `block`, `break` and `continue` have no place here: their actions are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syrette.convert.templates.tokens import Kind
from syrette.convert.templates.tree import (
    Access,
    Assign,
    Block,
    Dot,
    Function,
    Group,
    Literal,
    Output,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syrette.convert.templates.tokens import Action, Token
    from syrette.convert.templates.tree import Body, Command, Pipeline, Statement, Term

MAX_DEPTH: Final = 24  # of blocks and of brackets; ours may have 32 of both together
_WORDS: Final = frozenset({"if", "with", "range", "else", "end"})
_FOREIGN: Final = frozenset({"define", "template", "block", "break", "continue"})


def parse(pieces: Sequence[str | Action]) -> Body:
    """
    Build the tree of a scanned template.

    Raises:
        NotUnderstoodError: names the action.
    """
    parser = _Parser(pieces)
    body = parser.body(0)
    if parser.last is not None:
        raise parser.last.refuse("there is nothing to end here")
    return body


class _Parser:
    """Reads statements; `last` is the `else` or `end` that it has stopped at."""

    def __init__(self, pieces: Sequence[str | Action]) -> None:
        self._pieces = iter(pieces)
        self.last: Action | None = None

    def body(self, depth: int) -> Body:
        """Read up to the next `else` or `end` of this level, or to the end of the template."""
        found: list[Statement] = []
        self.last = None
        for piece in self._pieces:
            if isinstance(piece, str):
                if piece:
                    found.append(piece)
                continue
            word = _word(piece)
            if word in {"else", "end"}:
                self.last = piece
                return tuple(found)
            found.append(
                self._block(piece, word, 1, depth + 1) if word in _WORDS else _plain(piece)
            )
            self.last = None
        return tuple(found)

    def _block(self, action: Action, word: str, skipped: int, depth: int) -> Block:
        if depth > MAX_DEPTH:
            raise action.refuse(f"blocks nest deeper than {MAX_DEPTH}")
        words = _Words(action, skipped)
        variables, declares = words.variables()
        pipeline = words.pipeline(0)
        words.finish()
        most = 2 if word == "range" else 1 if word == "with" else 0
        if not declares or len(variables) > most:
            raise action.refuse("variables are not set so here")
        body = self.body(depth)
        otherwise: Body = ()
        if self.last is not None and _word(self.last) == "else":
            other = self.last
            if len(other.tokens) == 1:
                otherwise = self.body(depth)
            else:
                chained = other.tokens[1].text
                if chained not in {"if", "with"} or other.tokens[1].kind is not Kind.NAME:
                    raise other.refuse("this `else` is not read here")
                # `else if` shares the `end` with what it follows.
                otherwise = (self._block(other, chained, 2, depth + 1),)
                return Block(action, word, variables, pipeline, body, otherwise)
        if self.last is None or _word(self.last) != "end" or len(self.last.tokens) > 1:
            raise action.refuse("there is no `end`")
        return Block(action, word, variables, pipeline, body, otherwise)


def _word(action: Action) -> str:
    """The keyword that an action starts with, or nothing."""
    first = action.tokens[0] if action.tokens else None
    if first is None or first.kind is not Kind.NAME:
        return ""
    if first.text in _FOREIGN:
        raise action.refuse(f"`{first.text}` is not translated")
    return first.text if first.text in _WORDS else ""


def _plain(action: Action) -> Output | Assign:
    words = _Words(action, 0)
    variables, declares = words.variables()
    pipeline = words.pipeline(0)
    words.finish()
    if len(variables) > 1:
        raise action.refuse("two variables are set by `range` only")
    if variables:
        return Assign(action, variables[0], pipeline, declares)
    return Output(action, pipeline)


class _Words:
    """The tokens of one action, read one after the other."""

    def __init__(self, action: Action, skipped: int) -> None:
        self._action = action
        self._tokens = action.tokens
        self._next = skipped

    def variables(self) -> tuple[tuple[str, ...], bool]:
        """What stands before `:=` or `=`, and whether it is declared; nothing if neither is."""
        names: list[str] = []
        position = self._next
        while self._is(position, Kind.VARIABLE):
            names.append(self._tokens[position].text)
            position += 1
            if not self._is(position, Kind.SIGN, ","):
                break
            position += 1
        for sign in (":=", "="):
            if names and self._is(position, Kind.SIGN, sign):
                self._next = position + 1
                return tuple(names), sign == ":="
        return (), True

    def pipeline(self, depth: int) -> Pipeline:
        """Commands between `|`."""
        if depth > MAX_DEPTH:
            raise self._action.refuse(f"brackets nest deeper than {MAX_DEPTH}")
        commands = [self._command(depth)]
        while self._is(self._next, Kind.SIGN, "|"):
            self._next += 1
            commands.append(self._command(depth))
        return tuple(commands)

    def finish(self) -> None:
        """Refuse what is left over."""
        if self._next < len(self._tokens):
            raise self._action.refuse(f"`{self._tokens[self._next].text}` is not read here")

    def _command(self, depth: int) -> Command:
        terms: list[Term] = []
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind is Kind.SIGN and token.text != "(":
                break
            terms.append(self._term(token, depth))
        if not terms:
            raise self._action.refuse("there is nothing to print or to call")
        return tuple(terms)

    def _term(self, token: Token, depth: int) -> Term:
        self._next += 1
        base: Term = _simple(token)
        fields: list[str] = [token.text] if token.kind is Kind.FIELD else []
        if token.kind is Kind.SIGN:
            base = Group(self.pipeline(depth + 1))
            if not self._is(self._next, Kind.SIGN, ")"):
                raise self._action.refuse("a bracket is not closed")
            self._next += 1
        while self._is(self._next, Kind.FIELD) and not self._tokens[self._next].spaced:
            fields.append(self._tokens[self._next].text)
            self._next += 1
        if fields and isinstance(base, Literal | Function):
            raise self._action.refuse("a text, a number and a function have no fields")
        return Access(base, tuple(fields)) if fields else base

    def _is(self, position: int, kind: Kind, text: str | None = None) -> bool:
        if position >= len(self._tokens):
            return False
        token = self._tokens[position]
        return token.kind is kind and text in {None, token.text}


def _simple(token: Token) -> Term:
    if token.kind in {Kind.TEXT, Kind.NUMBER}:
        return Literal(token.text, number=token.kind is Kind.NUMBER)
    if token.kind is Kind.VARIABLE:
        return Variable(token.text)
    if token.kind is Kind.NAME:
        return Function(token.text)
    return Dot()
