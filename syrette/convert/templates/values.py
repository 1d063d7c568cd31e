"""
What the expressions of a template stand for, while it is translated.

A secret's shape is not known here: what is read out of it may be printed, passed through a filter
and looked into, and that is all. Expressions of Jinja2 bind tighter than whatever is put behind
them, so that filters and keys can follow.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrette.convert.paths import Request

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """What `secret` gives: `.Data` and the rest of Vault's answer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Known:
    """Texts that a template is given by their names."""

    take: Callable[[str], Part | Made]
    """Gives one; raises ValueError for a name that there is not."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """`.Data`: the fields, or for KV version 2 what is around them."""

    request: Request


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one secret: a mapping."""

    code: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What `pkiCert` gives: the code is that of the fields of Vault's answer."""

    code: str


@dataclass(frozen=True, slots=True)
class Part:
    """Something within a secret, of any shape."""

    code: str
    key: str = ""
    """The key that alone leads to it from the secret; empty for what lies deeper."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of texts."""

    code: str
    behind: str = ""
    """Text behind each element."""

    @property
    def plain(self) -> bool:
        """Whether the list in the secret is this list."""
        return not self.behind


@dataclass(frozen=True, slots=True)
class Made:
    """What a function has made of one thing."""

    code: str
    """Empty where Jinja2 has no such filter, and only the whole file can be made so."""
    by: str
    of: Value


@dataclass(frozen=True, slots=True)
class Joined:
    """Texts and expressions one behind the other."""

    pieces: tuple[str | Part | Made, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition, in brackets where it needs them."""

    code: str


Value = (
    str
    | int
    | Secret
    | Known
    | Envelope
    | Fields
    | Certificate
    | Part
    | Listing
    | Made
    | Joined
    | Truth
)
"""A text or number is the template's own."""


def quoted(text: str) -> str:
    """Write a text of Jinja2, on one line."""
    return json.dumps(text, ensure_ascii=False)


def member(code: str, key: str) -> str:
    """Write the access to a key."""
    return f"{code}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{code}[{quoted(key)}]"
