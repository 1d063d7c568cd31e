"""
Paths of Vault's API as references of ours.

Theirs are paths of requests, where a KV engine of version 2 has `data/` behind its mount; ours
leave that out. Which segment the mount ends before is known to Vault alone: the first `data` that
could be it is taken, and what else it could be is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from injector.contract import references
from injector.contract.references import InvalidReferenceError, Reference
from injector.contract.stores import PROVIDERS
from webhook.annotations.reading import option_problems
from webhook.annotations.vault import TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

STORE: Final = "vault"
_DATA: Final = "data"
_FIELD: Final = "data."
"""What an option starts with that is a field of a write."""
_OPTIONS: Final = ("ttl", "version")
"""Parameters of a path that are options of our references."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a template asks of Vault."""

    path: str
    options: tuple[tuple[str, str], ...] = ()
    """Sorted; `data.<field>` makes it a write."""

    @property
    def writes(self) -> bool:
        """Whether Vault is written to."""
        return any(name.startswith(_FIELD) for name, _ in self.options)

    @property
    def versioned(self) -> bool:
        """Whether it looks like a read of a KV engine of version 2."""
        return bool(_places(self.path)) and not self.writes


def request(text: str, pairs: Sequence[str] = ()) -> Request:
    """
    Read the arguments of `secret` and `pkiCert`.

    Args:
        text: path, with parameters behind a `?`.
        pairs: `field=value`; any makes it a write.

    Raises:
        ValueError: says what is not translated.
    """
    path, _, query = text.strip().strip("/").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise ValueError(f"the parameter `{name[:60]}` of a path is not translated")
    fields: dict[str, str] = {}
    for pair in filter(None, pairs):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"`{pair[:60]}` is no `field=value`")
        fields[f"{_FIELD}{name.strip()}"] = value.strip()
    if pairs and not fields:
        raise ValueError("a write without a field has no equivalent")
    # A write is not unescaped (consul-template, dependency/vault_write.go).
    return Request(path if pairs else unquote(path), tuple(sorted((options | fields).items())))


def reference(request: Request, *, versioned: bool, selector: str = "") -> Reference:
    """
    Write a reference of ours.

    Args:
        request: what is asked.
        versioned: whether it is of a KV engine of version 2, whose `data/` is left out.
        selector: a key of the secret.

    Raises:
        ValueError: for a path that our references cannot have.
    """
    path = _without_data(request.path) if versioned else request.path
    if "/" not in path:
        raise ValueError(f"`{path[:60]}` names an engine and nothing in it")
    if path.startswith(TOKENS):
        raise ValueError(f"`{path[:60]}` is about tokens, and that of a login is Syrette's own")
    found = Reference(STORE, path, request.options, selector)
    for problem in option_problems(found, PROVIDERS[STORE]):
        raise ValueError(problem)
    try:
        sound = references.parse(str(found)) == found
    except InvalidReferenceError as exc:
        raise ValueError(f"`{path[:60]}`: {exc}") from exc
    if not sound:
        raise ValueError(f"`{path[:60]}` cannot be written as a reference")
    return found


def doubts(request: Request, *, versioned: bool) -> list[str]:
    """Say what the path does not tell, for the report."""
    places = [] if request.writes else _places(request.path)
    segments = request.path.split("/")
    if versioned and len(places) > 1:
        mount = "/".join(segments[: places[0]])
        said = (
            f"`{request.path}` has `data` more than once: `{mount}` is taken for the mount, and "
            "the first `data/` for the engine's own, which is left out"
        )
        return [said]
    if not versioned and places:
        said = (
            f"`{request.path}` is read without `.Data.data`, and kept as it is: if the engine is "
            "KV of version 2, leave `data/` out"
        )
        return [said]
    return []


def _places(path: str) -> list[int]:
    """Where the `data/` of a KV engine may be: behind a mount and before a secret."""
    segments = path.split("/")
    return [n for n in range(1, len(segments) - 1) if segments[n] == _DATA]


def _without_data(path: str) -> str:
    places = _places(path)
    segments = path.split("/")
    return "/".join(segments[: places[0]] + segments[places[0] + 1 :]) if places else path
