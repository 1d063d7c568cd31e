"""The tree of a Go template: texts, and the actions between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syrette.convert.templates.tokens import Action


@dataclass(frozen=True, slots=True)
class Literal:
    """A text or a number, as it was written."""

    text: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """The dot."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`, without its mark."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A name: of a function, or `true`, `false`, `nil`."""

    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A pipeline in brackets."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Access:
    """Fields of something, outermost first."""

    base: Term
    fields: tuple[str, ...]


Term = Literal | Dot | Variable | Function | Group | Access
Command = tuple[Term, ...]
"""A function and its arguments, or one thing alone."""
Pipeline = tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """An action that prints."""

    action: Action
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Assign:
    """`$name := …` or `$name = …`."""

    action: Action
    name: str
    pipeline: Pipeline
    declares: bool


@dataclass(frozen=True, slots=True)
class Block:
    """`if`, `with` or `range`, up to its `end`."""

    action: Action
    word: str
    variables: tuple[str, ...]
    pipeline: Pipeline
    body: Body
    otherwise: Body
    """What follows `else`; empty where there is none."""


Statement = str | Output | Assign | Block
Body = tuple[Statement, ...]
