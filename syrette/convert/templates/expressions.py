"""
Pipelines of text/template to values: what is asked of Vault, and what is taken out of the answer.

Raises ValueError with the reason for whatever has no sure equivalent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syrette.convert import paths
from syrette.convert.templates import functions
from syrette.convert.templates.tree import Access, Dot, Function, Group, Literal
from syrette.convert.templates.values import (
    Certificate,
    Envelope,
    Fields,
    Joined,
    Known,
    Listing,
    Made,
    Part,
    Secret,
    Truth,
    Value,
    member,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.paths import Request
    from syrette.convert.templates.tree import Command, Pipeline, Term

MAX_CODE: Final = 4096  # characters of one expression: a variable may stand for another twice
ALONE: Final = "value"
"""The name of a secret that is the only one."""
_CONSTANTS: Final = frozenset({"true", "false", "nil"})
_SERIALISING: Final = frozenset({"toJSON", "toUnescapedJSON", "toYAML"})
_LISTS: Final = frozenset({"ca_chain"})
"""Fields of Vault's answer to a write that are lists of texts."""
_PEMS: Final = {"Key": "private_key", "Cert": "certificate", "CA": "issuing_ca"}
"""Fields of `pkiCert`, and Vault's own."""


class Expressions:
    """
    The expressions of one template.

    Args:
        names: what each secret is called; one that is not there is called `value`.
        table: the functions that are translated.
        asks: whether templates ask Vault themselves.
    """

    def __init__(
        self,
        names: Mapping[Request, str],
        table: Mapping[str, functions.Row] = functions.FUNCTIONS,
        *,
        asks: bool = True,
    ) -> None:
        self._names = names
        self._table = table
        self._asks = asks
        self.requests: list[Request] = []
        """What is asked of Vault, in the order in which the template does."""
        self.versioned: dict[Request, bool] = {}
        """Whether it is read as a secret of KV version 2."""

    def value(self, pipeline: Pipeline, dot: Value | None, scope: Mapping[str, Value]) -> Value:
        """
        Evaluate a pipeline.

        Args:
            pipeline: at least one command.
            dot: what `.` is, if it is anything.
            scope: variables by name.

        Raises:
            ValueError: says what is not translated.
        """
        value: Value | None = None
        for command in pipeline:
            value = self._command(command, value, dot, scope)
        if value is None:
            raise ValueError("there is nothing in it")
        if _length(value) > MAX_CODE:
            raise ValueError("the expression is too long")
        return value

    def whole(self, value: Value) -> Value:
        """
        Take `.Data` itself for the fields.

        Raises:
            ValueError: if it is what KV version 2 has around them.
        """
        if not isinstance(value, Envelope):
            return value
        if value.request.versioned:
            raise ValueError(
                "`.Data` of KV version 2 is `data` and `metadata`; `.Data.data` has the fields"
            )
        self._read_as(value.request, versioned=False)
        return Fields(self._name(value.request))

    def _command(
        self,
        command: Command,
        piped: Value | None,
        dot: Value | None,
        scope: Mapping[str, Value],
    ) -> Value:
        first, *rest = command
        if not isinstance(first, Function) or first.name in _CONSTANTS:
            if rest or piped is not None:
                raise ValueError("only functions have arguments")
            return self._term(first, dot, scope)
        arguments = [self._term(term, dot, scope) for term in rest]
        if piped is not None:
            arguments.append(piped)
        if self._asks and first.name in {"secret", "pkiCert"}:
            return self._asked(first.name, arguments)
        if first.name == "index":
            return self._index(arguments)
        if first.name in _SERIALISING:
            arguments = [self.whole(value) for value in arguments]
        return functions.call(first.name, tuple(arguments), self._table)

    def _term(self, term: Term, dot: Value | None, scope: Mapping[str, Value]) -> Value:
        if isinstance(term, Access):
            value = self._term(term.base, dot, scope)
            for field in term.fields:
                value = self._field(value, field)
            return value
        if isinstance(term, Group):
            return self.value(term.pipeline, dot, scope)
        if isinstance(term, Literal):
            return _literal(term)
        if isinstance(term, Function):
            if term.name in _CONSTANTS - {"nil"}:
                return Truth(term.name)
            return self._command((term,), None, dot, scope)
        found = dot if isinstance(term, Dot) else scope.get(term.name)
        if found is None:
            shown = "." if isinstance(term, Dot) else f"${term.name}"
            raise ValueError(f"`{shown}` stands for nothing here")
        return found

    def _asked(self, function: str, arguments: list[Value]) -> Value:
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if not texts or len(texts) != len(arguments):
            raise ValueError(f"`{function}` is translated with texts of the template only")
        request = paths.request(texts[0], texts[1:])
        if function == "pkiCert" and not request.writes:
            raise ValueError("a write without a field has no equivalent")
        if request not in self.requests:
            self.requests.append(request)
        if function == "secret":
            return Secret(request)
        self._read_as(request, versioned=False)
        return Certificate(self._name(request))

    def _field(self, value: Value, field: str) -> Value:
        if isinstance(value, Secret) and field == "Data":
            return Envelope(value.request)
        if isinstance(value, Certificate) and field in {"Data", "CAChain", *_PEMS}:
            return _certified(value, field)
        if isinstance(value, Envelope):
            return self._enveloped(value.request, field)
        if isinstance(value, Known):
            return value.take(field)
        if isinstance(value, Fields):
            return Part(member(value.code, field), key=field)
        if isinstance(value, Part):
            return Part(member(value.code, field))
        raise ValueError(f"`.{field}` is not handed to templates: they have the fields of a secret")

    def _enveloped(self, request: Request, field: str) -> Value:
        if field == "data" and not request.writes:
            self._read_as(request, versioned=True)
            return Fields(self._name(request))
        if field == "metadata" and request.versioned:
            raise ValueError("the metadata of a secret is not handed to templates")
        self._read_as(request, versioned=False)
        code = member(self._name(request), field)
        if request.writes and field in _LISTS:
            return Listing(code)
        return Part(code, key=field)

    def _index(self, arguments: list[Value]) -> Value:
        value, *keys = arguments or [""]
        for key in keys:
            if isinstance(key, str):
                value = self._field(value, key)
                continue
            base = self.whole(value)
            known = isinstance(base, Part | Fields) or (isinstance(base, Listing) and base.plain)
            if not isinstance(key, int | Part | Made) or not known:
                raise _refuse_key()
            value = Part(f"{functions.code(base)}[{functions.code(key)}]")
        return value

    def _read_as(self, request: Request, *, versioned: bool) -> None:
        if self.versioned.setdefault(request, versioned) != versioned:
            raise ValueError(f"`{request.path}` is read with `.Data.data` and without")

    def _name(self, request: Request) -> str:
        return self._names.get(request, ALONE)


def _length(value: Value) -> int:
    if isinstance(value, Joined):
        return sum(1 + _length(piece) for piece in value.pieces)
    if isinstance(value, str):
        return len(value)
    return len(value.code) if isinstance(value, Part | Made | Truth) else 0


def _refuse_key() -> ValueError:
    return ValueError("`index` is translated with texts, numbers and values of a secret")


def _literal(term: Literal) -> Value:
    if not term.number:
        return term.text
    if not term.text.isdecimal() or len(term.text) > 9:  # noqa: PLR2004 - an index or a width
        raise ValueError(f"`{term.text[:20]}`: only whole numbers are translated")
    return int(term.text)


def _certified(value: Certificate, field: str) -> Value:
    """`pkiCert` ends each PEM with a line feed, Vault does not (consul-template, vault_pki.go)."""
    if field == "Data":
        return value
    if field == "CAChain":
        return Listing(member(value.code, "ca_chain"), "\n")
    return Joined((Part(member(value.code, _PEMS[field])), "\n"))
