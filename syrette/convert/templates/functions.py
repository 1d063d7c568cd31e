"""
Functions of consul-template and text/template that have an equivalent in Jinja2.

Read from consul-template's template/funcs.go and text/template/funcs.go. What is not in the table
is refused by name; what differs in the odd case is told in docs/convert.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syrette.convert.templates.values import (
    Fields,
    Joined,
    Listing,
    Made,
    Part,
    Truth,
    Value,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VERBS: Final = re.compile(r"%(.?)", re.DOTALL)
_MAX_INDENT: Final = 200  # spaces


@dataclass(frozen=True, slots=True)
class Row:
    """One function."""

    name: str
    least: int
    """Arguments that it takes, and at most as many unless `more`."""
    call: Callable[[tuple[Value, ...]], Value]
    becomes: str
    """As the documentation shows it."""
    more: bool = False


def code(value: Value) -> str:
    """
    Write an expression that filters may follow.

    Raises:
        ValueError: for what is no value in a template of ours.
    """
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Joined):
        return f"({' ~ '.join(code(piece) for piece in value.pieces)})"
    if isinstance(value, Made) and not value.code:
        raise ValueError(f"`{value.by}` is translated only where it makes the whole file")
    if isinstance(value, Part | Made | Fields | Truth) or (
        isinstance(value, Listing) and value.plain
    ):
        return value.code
    raise ValueError("this is no value of a secret")


def truth(value: Value) -> str:
    """
    Write a condition: what is absent, empty or zero is false.

    Raises:
        ValueError: for what has no truth here.
    """
    if isinstance(value, Part) or (isinstance(value, Made) and value.by == "or"):
        return f'{value.code}|default("")'
    if isinstance(value, Listing):
        return f"{value.code}|default([])"
    if isinstance(value, Made | Truth | Fields | str):
        return code(value)
    raise ValueError("whether this is there cannot be asked")


def call(name: str, arguments: tuple[Value, ...], table: Mapping[str, Row]) -> Value:
    """
    Call a function of a table.

    Raises:
        ValueError: for a function that is not in the table, or not with such arguments.
    """
    row = table.get(name)
    if row is None:
        raise ValueError(f"`{name[:60]}`: {_FOREIGN.get(name, 'the function is not translated')}")
    if len(arguments) < row.least or (len(arguments) > row.least and not row.more):
        raise ValueError(f"`{name}` is not translated with {len(arguments)} arguments")
    return row.call(arguments)


def _filter(name: str, jinja: str) -> Row:
    def apply(arguments: tuple[Value, ...]) -> Value:
        return Made(f"{code(arguments[0])}|{jinja}", name, arguments[0])

    return Row(name, 1, apply, f"`| {jinja}`")


def _method(name: str, jinja: str) -> Row:
    def apply(arguments: tuple[Value, ...]) -> Value:
        given, value = arguments
        base = code(value) if isinstance(value, Part) else f"({code(value)})"
        return Made(f"{base}.{jinja}({code(given)})", name, value)

    return Row(name, 2, apply, f"`.{jinja}(…)`")


def _to_yaml(arguments: tuple[Value, ...]) -> Value:
    return Made("", "toYAML", arguments[0])


def _replace_all(arguments: tuple[Value, ...]) -> Value:
    old, new, value = arguments
    return Made(f"{code(value)}|replace({code(old)}, {code(new)})", "replaceAll", value)


def _indent(arguments: tuple[Value, ...]) -> Value:
    spaces, value = arguments
    if not isinstance(spaces, int) or not 0 <= spaces <= _MAX_INDENT:
        raise ValueError("`indent` is translated with a number of spaces")
    return Made(f"{code(value)}|indent({spaces}, true)", "indent", value)


def _printf(arguments: tuple[Value, ...]) -> Value:
    pattern, *given = arguments
    if not isinstance(pattern, str):
        raise ValueError("`printf` is translated with a text as its format")  # noqa: TRY004 - one error type for whatever is not translated
    pieces: list[str | Part | Made] = []
    position = 0
    for verb in _VERBS.finditer(pattern):
        pieces.append(pattern[position : verb.start()])
        position = verb.end()
        if verb[1] == "%":
            pieces.append("%")
        elif verb[1] in {"s", "v"} and given:
            pieces.extend(_printed(given.pop(0)))
        else:
            raise ValueError(f"`printf` is translated with %s, %v and %%, and has `{verb[0]}`")
    if given:
        raise ValueError("`printf` has more arguments than its format")
    pieces.append(pattern[position:])
    return Joined(tuple(piece for piece in pieces if piece))


def _printed(value: Value) -> tuple[str | Part | Made, ...]:
    if isinstance(value, Joined):
        return value.pieces
    if isinstance(value, str | Part | Made):
        return (value,)
    raise ValueError("`printf` is translated with texts and values of a secret")


def _equal(sign: str) -> Callable[[tuple[Value, ...]], Value]:
    def compare(arguments: tuple[Value, ...]) -> Value:
        # A number of a secret is a text to text/template (json.Number), and equal to one.
        sides = [code(it) if isinstance(it, str) else f"{code(it)}|string" for it in arguments]
        if any(isinstance(it, int | Truth | Fields) for it in arguments):
            raise ValueError("only texts and values of a secret are compared")
        return Truth(f"({sides[0]} {sign} {sides[1]})")

    return compare


def _not(arguments: tuple[Value, ...]) -> Value:
    return Truth(f"(not {truth(arguments[0])})")


def _and(arguments: tuple[Value, ...]) -> Value:
    return Truth(f"({' and '.join(truth(it) for it in arguments)})")


def _or(arguments: tuple[Value, ...]) -> Value:
    if any(isinstance(it, Truth) for it in arguments):
        return Truth(f"({' or '.join(truth(it) for it in arguments)})")
    *first, last = arguments
    written = code(last)
    for value in reversed(first):
        written = f"{code(value)}|default({written}, true)"
    return Made(written, "or", first[0])


FUNCTIONS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        row.name: row
        for row in (
            _filter("base64Decode", "b64decode"),
            _filter("base64Encode", "b64encode"),
            _filter("toJSON", "tojson"),
            _filter("toUnescapedJSON", "tojson"),
            Row("toYAML", 1, _to_yaml, "`format: yaml`, for a whole secret as a whole file"),
            _filter("toLower", "lower"),
            _filter("toUpper", "upper"),
            _filter("trimSpace", "trim"),
            _method("trim", "strip"),
            _method("trimPrefix", "removeprefix"),
            _method("trimSuffix", "removesuffix"),
            Row("replaceAll", 3, _replace_all, "`| replace(…, …)`"),
            Row("indent", 2, _indent, "`| indent(…, true)`"),
            Row("printf", 1, _printf, "its texts and values, with `%s`, `%v`, `%%`", more=True),
            Row("eq", 2, _equal("=="), "`==`, of texts"),
            Row("ne", 2, _equal("!="), "`!=`, of texts"),
            Row("not", 1, _not, "`not`"),
            Row("and", 2, _and, "`and`, in conditions", more=True),
            Row("or", 2, _or, "`or` in conditions, else `| default(…, true)`", more=True),
        )
    }
)
"""By name; `secret`, `pkiCert` and `index` are the translation's own."""


def _same(arguments: tuple[Value, ...]) -> Value:
    return arguments[0]


def _default(arguments: tuple[Value, ...]) -> Value:
    fallback, value = arguments
    return Made(f"{code(value)}|default({code(fallback)}, true)", "default", value)


SPRIG: Final[Mapping[str, Row]] = MappingProxyType(
    {
        row.name: row
        for row in (
            Row("toString", 1, _same, "nothing: it is a text"),
            _filter("b64dec", "b64decode"),
            _filter("b64enc", "b64encode"),
            _filter("toJson", "tojson"),
            _filter("lower", "lower"),
            _filter("upper", "upper"),
            _filter("trim", "trim"),
            _method("trimPrefix", "removeprefix"),
            _method("trimSuffix", "removesuffix"),
            Row("replace", 3, _replace_all, "`| replace(…, …)`"),
            Row("default", 2, _default, "`| default(…, true)`"),
            *(FUNCTIONS[name] for name in ("indent", "printf", "eq", "ne", "not", "and", "or")),
        )
    }
)
"""
Of the External Secrets Operator's templates (engine v2): functions of sprig and of text/template
(docs/guides/templating.md of external-secrets/external-secrets).
"""

_FOREIGN: Final = {
    **dict.fromkeys(
        ("env", "envOrDefault", "mustEnv"), "there is no environment of an agent's container"
    ),
    **dict.fromkeys(
        (
            *("key", "keyExists", "keyOrDefault", "ls", "safeLs", "tree", "safeTree", "service"),
            *("services", "node", "nodes", "datacenters", "connect", "caRoots", "caLeaf"),
        ),
        "this asks Consul",
    ),
    "secrets": "this lists paths; a pod of ours names each secret that it reads",
    "pkiSign": "the private key would be made in the pod; `pkiCert` has Vault make it",
    "file": "this reads a file of the agent's container",
    "plugin": "this starts a program in the agent's container",
    "timestamp": "this gives another text at each reading",
    "toTOML": "TOML is no format of ours",
    "toJSONPretty": "JSON is written on one line here; use toJSON",
    "toUnescapedJSONPretty": "JSON is written on one line here; use toJSON",
}
"""Why a function of theirs is not translated, where that is not obvious."""
