"""Templates of Vault Agent made by chance: valid ones, of what the converter understands."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET: Final = {
    "user": "App",
    "password": "p{%'\"}&<é",
    "empty": "",
    "lines": "one\n\n two \nthree",
    "port": 5432,
    "ratio": 1.50,
    "coded": "aGVsbG8=",
    "odd-key": " x ",
    "items": "i",
    "nested": {"inner": "deep", "a.b": "dot"},
}
"""What each of them reads."""
_TEXTS: Final = ("user", "password", "empty", "lines", "items")
_RAW: Final = ("x", " ", "\n", "\t", "{", "}", "%}", "{#", "{%", "#", "-", "\r\n", "é", "\\", "'")


class Chance:
    """
    Makes templates.

    Args:
        seed: the same makes the same.
        mount: of the secret, KV of version 2.
    """

    def __init__(self, seed: int, mount: str = "secret") -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test's choices, no key
        self._mount = mount
        self._variables = 0

    def template(self) -> str:
        """Make one: texts, and a secret in a `with` or in a variable."""
        secret = f'secret "{self._mount}/data/chance"'
        if self._random.random() < 0.5:
            # Without the secret, which comes later, functions would be given nothing.
            there = self._random.choice(("if $s", "with $s"))
            inside = self._block(there, self._statements("$s.Data.data", 3))
            return f"{self._raw()}{self._action(f'$s := {secret}')}{inside}{self._raw()}."
        inside = self._statements(".Data.data", 3)
        return f"{self._block(f'with {secret}', inside)}."

    def _statements(self, fields: str, depth: int) -> str:
        count = self._random.randint(1, 4)
        return "".join(self._raw() + self._statement(fields, depth) for _ in range(count))

    def _statement(self, fields: str, depth: int) -> str:
        kinds: list[Callable[[str, int], str]] = [self._printed, self._printed, self._commented]
        if depth:
            kinds += [self._chosen, self._looped, self._within, self._named]
        return self._random.choice(kinds)(fields, depth)

    def _printed(self, fields: str, _depth: int) -> str:
        return self._action(self._text(fields))

    def _commented(self, _fields: str, _depth: int) -> str:
        return self._random.choice(("{{/* a }} b */}}", "{{- /* c */ -}}"))

    def _chosen(self, fields: str, depth: int) -> str:
        inside = self._statements(fields, depth - 1)
        if self._random.random() < 0.5:
            other = self._random.choice(("else", f"else if {self._condition(fields)}"))
            inside += self._action(other) + self._statements(fields, depth - 1)
        return self._block(f"if {self._condition(fields)}", inside)

    def _looped(self, fields: str, depth: int) -> str:
        self._variables += 1
        key, item = f"$k{self._variables}", f"$v{self._variables}"
        body = self._random.choice((f"{{{{ {key} }}}}=", f"{{{{ {key} | toUpper }}}}:", ""))
        # What is nested would be printed in Go's own way.
        only = f'{{{{ if ne {key} "nested" }}}}{{{{ {item} }}}}{{{{ end }}}}'
        inside = body + only + self._raw()
        if fields.startswith("$"):
            inside += self._statements(fields, min(depth - 1, 1))
        return self._block(f"range {key}, {item} := {fields}", inside)

    def _within(self, fields: str, depth: int) -> str:
        field = self._random.choice((*_TEXTS, "absent"))
        inside = self._raw() + self._action(".") + self._raw()
        if fields.startswith("$"):
            inside += self._statements(fields, depth - 1)
        return self._block(f"with {fields}.{field}", inside)

    def _named(self, fields: str, depth: int) -> str:
        self._variables += 1
        name = f"$n{self._variables}"
        said = self._action(f"{name} := {self._text(fields)}")
        return said + self._action(name) + self._statements(fields, depth - 1)

    def _condition(self, fields: str) -> str:
        field = f"{fields}.{self._random.choice((*_TEXTS, 'absent'))}"
        there = f"{fields}.{self._random.choice((*_TEXTS, 'port'))}"
        return self._random.choice(
            (
                field,
                f"not {field}",
                f'eq {there} "{self._random.choice(("App", "i", "5432"))}"',
                f'ne {there} "i"',
                f"and {field} (not {fields}.absent)",
                f'or (eq {there} "i") {field}',
            )
        )

    def _text(self, fields: str) -> str:
        text = f"{fields}.{self._random.choice(_TEXTS)}"
        return self._random.choice(
            (
                text,
                f'index {fields} "odd-key"',
                f"{fields}.nested.inner",
                f'index {fields} "nested" "a.b"',
                f"{fields}.port",
                f"{fields}.ratio",
                f"{text} | toUpper",
                f"{text} | toLower | base64Encode",
                f"base64Decode {fields}.coded",
                f'index {fields} "odd-key" | trimSpace',
                f'{text} | replaceAll "p" "-"',
                f'{text} | trimPrefix "A" | trimSuffix `p`',
                f'trim "Ap" {text}',
                f"{fields}.user | indent 3",
                f"{text} | toUnescapedJSON",
                f'printf "%s=<%v>%%" {text} {fields}.port',
                f'printf "%s-%s" {text} ({text} | toUpper) | toLower',
                f'or {fields}.absent {fields}.empty {text} "default"',
                '"{{ \\" \\t"',
                "`raw \\`",
            )
        )

    def _block(self, head: str, inside: str) -> str:
        return self._action(head) + inside + self._action("end")

    def _action(self, words: str) -> str:
        left = self._random.choice(("{{", "{{ ", "{{- "))
        right = self._random.choice(("}}", " }}", " -}}"))
        return f"{left}{words}{right}"

    def _raw(self) -> str:
        count = self._random.choice((0, 0, 1, 2, 3))
        text = "".join(self._random.choice(_RAW) for _ in range(count))
        # An opening delimiter is none of the text's own.
        return re.sub(r"\{+", "{", text).rstrip("{") + self._random.choice(("", " ", "\n"))
