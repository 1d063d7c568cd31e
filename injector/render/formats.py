r"""
Formats of mappings: json, yaml, properties, env; and raw, which is no format at all.

- yaml: every text is quoted unless no version of YAML could take it for something else.
- properties: as `java.util.Properties.load` reads it (Java SE API, class Properties), in ASCII with
  `\uXXXX`; nested keys joined by `.`, elements of lists as `key[0]`.
- env: what a POSIX shell sources (`set -a; . file`), XCU §2.2.2; nested values are JSON.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents
from injector.render.documents import Number, Text, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BY_EXTENSION: Final = {
    "env": "env",
    "json": "json",
    "properties": "properties",
    "yaml": "yaml",
    "yml": "yaml",
}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PLAIN_YAML: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*", re.ASCII)
"""Text that may stand without quotes, if the YAML 1.1 rules find no other type in it."""
_YAML_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def of_name(path: str) -> str:
    """Say which format a file's ending names; empty for any other ending."""
    return _BY_EXTENSION.get(path.rpartition("/")[2].rpartition(".")[2], "")


def default(path: str, data: object, own: str = "json") -> str:
    """
    Say in which format a value goes to a file, when nobody said it.

    Args:
        path: of the file, whose ending says it.
        data: as `documents.parse` gives it.
        own: the format that it came in, which it keeps where the ending says nothing.
    """
    if not isinstance(data, dict | list) or documents.is_pem(data):
        return "raw"
    chosen = of_name(path) or own
    return chosen if isinstance(data, dict) or chosen == "yaml" else "json"


def dump(data: object, form: str) -> bytes:
    """
    Write a value.

    Args:
        data: as `documents.parse` gives it, or any part of that.
        form: `raw`, `json`, `yaml`, `properties` or `env`.

    Raises:
        RenderError: names the key that the format cannot carry.
    """
    if form == "raw":
        return documents.to_bytes(data)
    return documents.encode(_WRITERS[form](data))


def _json(data: object) -> str:
    return f"{documents.to_json(data)}\n"


def _properties(data: object) -> str:
    text, seen = Text(), set[str]()
    for key, value in _flat(_mapping(data, "properties"), ""):
        if key in seen:
            msg = f"two keys become `{printable(key)}` when nested keys are joined by `.`"
            raise RenderError(Reason.NAME_COLLISION, msg)
        seen.add(key)
        text.write(f"{_escape(key, key=True)}={_escape(value, key=False)}\n")
    return str(text)


def _flat(data: object, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for key, item in data.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else key)
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _flat(item, f"{prefix}[{index}]")
    else:
        yield prefix, documents.to_text(data) if isinstance(data, bytes) else documents.scalar(data)


_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
_KEY_ESCAPES: Final = {c: f"\\{c}" for c in "=:#! "}


def _escape(text: str, *, key: bool) -> str:
    # In a value only leading white space would be lost; separators end the key alone.
    table = {**_ESCAPES, **_KEY_ESCAPES} if key else _ESCAPES
    leading = not key and text.startswith(" ")
    escaped = "".join(table.get(c) or _unicode(c) for c in text)
    return f"\\{escaped}" if leading else escaped


def _unicode(character: str) -> str:
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex().upper()}" for i in range(0, len(units), 2))


def _env(data: object) -> str:
    text = Text()
    for key, item in _mapping(data, "env").items():
        if not _VARIABLE.fullmatch(key):
            msg = f"the key `{printable(key)}` is no name of a shell variable"
            raise RenderError(Reason.UNSAFE_VARIABLE, msg)
        value = documents.to_text(documents.to_bytes(item))
        if "\0" in value:
            msg = f"the value of `{key}` has a NUL, which no shell variable can hold"
            raise RenderError(Reason.UNSAFE_VARIABLE, msg)
        text.write(f"{key}={shell_quote(value)}\n")
    return str(text)


def shell_quote(text: str) -> str:
    r"""Quote for a POSIX shell: all is literal between `'`, and `'` itself is `'\''`."""
    return "'" + text.replace("'", "'\\''") + "'"


def _mapping(data: object, form: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        msg = f"the format `{form}` needs a mapping, and the value is none"
        raise RenderError(Reason.NOT_A_MAPPING, msg)
    return data


def _yaml(data: object) -> str:
    import yaml  # noqa: PLC0415 - only this format pays for it

    class Dumper(yaml.SafeDumper):
        """Quotes every text that any version of YAML could read as something else."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - anchors are never wanted
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        documents.encode(data)  # a lone surrogate would be escaped, and no reader would take it
        plain = _PLAIN_YAML.fullmatch(data) and data.lower() not in _YAML_WORDS
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')

    def number(dumper: yaml.SafeDumper, data: Number) -> yaml.ScalarNode:
        # YAML 1.1 wants a dot in a float, and a sign before its exponent.
        digits, e, exponent = data.literal.lower().partition("e")
        dot = "" if "." in digits else ".0"
        sign = "+" if exponent[:1].isdigit() else ""
        literal = f"{digits}{dot}e{sign}{exponent}" if e else digits
        return dumper.represent_scalar("tag:yaml.org,2002:float", literal)

    Dumper.add_representer(str, text)
    Dumper.add_representer(Number, number)
    Dumper.add_representer(bytes, lambda dumper, data: text(dumper, documents.to_text(data)))
    stream = Text()
    yaml.dump(
        data, stream, Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize
    )  # fmt: skip
    return str(stream)


_WRITERS: Final[dict[str, Callable[[object], str]]] = {
    "json": _json,
    "yaml": _yaml,
    "properties": _properties,
    "env": _env,
}
