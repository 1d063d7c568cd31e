"""
A tree of text/template to texts and tags of Jinja2.

Variables are put in where they are used, for nothing in a template changes them; a `with` around a
secret or its fields disappears, since what is not there is an error before any template is
rendered. Whatever has no sure equivalent is refused with the action that has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syrette.convert.templates import functions
from syrette.convert.templates.expressions import ALONE, Expressions
from syrette.convert.templates.tokens import NotUnderstoodError
from syrette.convert.templates.tree import Assign, Output
from syrette.convert.templates.values import (
    Certificate,
    Envelope,
    Fields,
    Joined,
    Listing,
    Made,
    Part,
    Secret,
    Value,
)
from syrette.convert.templates.writing import Tag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syrette.convert.paths import Request
    from syrette.convert.templates.tree import Block, Body

Piece = str | Tag | Part | Made
Scope = dict[str, Value]
RESERVED: Final = frozenset(
    {
        *("and", "caller", "context", "cycler", "dict", "else", "false", "False", "if", "in", "is"),
        *("joiner", "kwargs", "lipsum", "loop", "namespace", "none", "None", "not", "or", "range"),
        *("recursive", "self", "true", "True", "varargs", ALONE),
    }
)
"""Names that mean something else in a template of ours."""
_NAME: Final = re.compile(r"[^A-Za-z0-9]+", re.ASCII)


def plain_name(text: str, taken: Collection[str], default: str) -> str:
    """Make a name for a template that nothing else has."""
    name = _NAME.sub("_", text).strip("_") or default
    name = f"{default}_{name}" if name[0].isdigit() else name
    wanted, number = name, 1
    while name in taken or name in RESERVED:
        number += 1
        name = f"{wanted}_{number}"
    return name


class Translation:
    """
    One template on its way.

    Args:
        names: what each secret is called; one that is not there is called `value`.
        expressions: other ones than those of Vault Agent.
    """

    def __init__(
        self, names: Mapping[Request, str], expressions: Expressions | None = None
    ) -> None:
        self.expressions = expressions or Expressions(names)
        self._taken = frozenset(names.values())

    def body(self, body: Body, dot: Value | None, scope: Scope) -> list[Piece]:
        """
        Translate statements.

        Args:
            body: the statements.
            dot: what `.` is, if it is anything.
            scope: variables; those that are set here are added.

        Raises:
            NotUnderstoodError: names the action.
        """
        pieces: list[Piece] = []
        for statement in body:
            if isinstance(statement, str):
                pieces.append(statement)
                continue
            try:
                value = self.expressions.value(statement.pipeline, dot, scope)
                if isinstance(statement, Output):
                    pieces.extend(_printed(value))
                elif isinstance(statement, Assign):
                    _assign(statement, value, scope)
                else:
                    pieces.extend(self._block(statement, value, dot, scope))
            except NotUnderstoodError:
                raise
            except ValueError as exc:
                raise statement.action.refuse(str(exc)) from exc
        return pieces

    def _block(self, block: Block, value: Value, dot: Value | None, scope: Scope) -> list[Piece]:
        if block.word == "range":
            return self._range(block, value, dot, scope)
        within = block.word == "with"
        inside = value if within else dot, scope | dict.fromkeys(block.variables, value)
        if isinstance(value, Secret | Certificate | Envelope) or (
            within and isinstance(value, Fields)
        ):
            # Theirs is first rendered without the secret, ours never is.
            if block.otherwise:
                raise ValueError("a secret that is not there is an error: no `else` is used")
            return self.body(block.body, *inside)
        if within and not isinstance(value, Part):
            raise _refuse("`with` is translated with a secret or a value of one")
        return self._choice(block, value, inside, (dot, scope))

    def _choice(
        self,
        block: Block,
        value: Value,
        inside: tuple[Value | None, Scope],
        outside: tuple[Value | None, Scope],
    ) -> list[Piece]:
        return [
            Tag(f"if {functions.truth(value)}", statement=True),
            *self.body(block.body, *inside),
            *self._otherwise(block, *outside),
            Tag("endif", statement=True),
        ]

    def _range(self, block: Block, value: Value, dot: Value | None, scope: Scope) -> list[Piece]:
        whole = self.expressions.whole(value)
        if isinstance(whole, Fields):
            names = self._loop_names(block.variables, ("key", "item"))
            item: Value = Part(names[1])
            # text/template goes through the keys of a mapping in the order of their bytes.
            head = f"for {names[0]}, {names[1]} in {whole.code}|dictsort(true)"
        elif isinstance(whole, Listing) and len(block.variables) < 2:  # noqa: PLR2004 - an index, too
            names = self._loop_names(block.variables, ("item",))
            item = Part(names[0]) if whole.plain else Joined((Part(names[0]), whole.behind))
            head = f"for {names[0]} in {whole.code}"
        else:
            raise _refuse("only fields of a secret and `ca_chain` are known to be ranged over")
        values = [*(Part(name) for name in names[:-1]), item]
        inner = scope | dict(zip(block.variables, values[-len(block.variables) :], strict=False))
        outer, self._taken = self._taken, self._taken | set(names)
        body = self.body(block.body, item, inner)
        self._taken = outer
        return [
            Tag(head, statement=True),
            *body,
            *self._otherwise(block, dot, scope),
            Tag("endfor", statement=True),
        ]

    def _otherwise(self, block: Block, dot: Value | None, scope: Scope) -> list[Piece]:
        if not block.otherwise:
            return []
        return [Tag("else", statement=True), *self.body(block.otherwise, dot, dict(scope))]

    def _loop_names(self, variables: tuple[str, ...], defaults: tuple[str, ...]) -> list[str]:
        """One name a default; the variables are the last of them."""
        names: list[str] = []
        for wanted in (*defaults[: len(defaults) - len(variables)], *variables):
            names.append(plain_name(wanted, {*self._taken, *names}, "item"))
        return names


def _assign(statement: Assign, value: Value, scope: Scope) -> None:
    if not statement.declares:
        raise ValueError("a variable that changes has no equivalent")
    scope[statement.name] = value


def _refuse(why: str) -> ValueError:
    """One type of error for whatever is not translated."""
    return ValueError(why)


def _printed(value: Value) -> list[Piece]:
    if isinstance(value, str | Part | Made):
        return [value]
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, Joined):
        return list(value.pieces)
    raise ValueError("a mapping, a list or a condition is printed in Go's own way; use toJSON")
