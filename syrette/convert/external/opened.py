"""One SecretStore while it is read: its fields as settings of a store of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from injector.contract.references import Reference
from injector.contract.stores import parse_setting
from syrette.convert.podspec import mapping
from webhook.annotations.table import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syrette.convert.findings import Conversion

_PROPERTY: Final = re.compile(r"[\w$/-]+(\.[\w$/-]+)*", re.ASCII)


class Pod(NamedTuple):
    """Who reads."""

    namespace: str
    """Empty when its manifest names none."""
    account: str
    """Its service account."""


class Remote(NamedTuple):
    """What an ExternalSecret asks a store for (`remoteRef`)."""

    key: str
    part: str
    """Its `property`, empty for the whole secret."""
    version: str

    @property
    def selector(self) -> str:
        """
        What of the secret is taken, as ours is written.

        Theirs is a key, and else a path of gjson (providers/v1/vault/client_get.go and others).

        Raises:
            ValueError: for gjson that is no path of keys.
        """
        if not self.part:
            return ""
        steps = self.part.split(".")
        if not _PROPERTY.fullmatch(self.part) or any(step.isdigit() for step in steps):
            raise ValueError(
                f"property `{self.part[:60]}`: only paths of keys are translated; write it as "
                "JMESPath behind the reference's `#`"
            )
        return self.part


Reader = Callable[[Remote], Reference]
"""Makes a reference to the built-in store; raises ValueError for what ours cannot be asked for."""


def text(given: Mapping[str, Any], *path: str) -> str:
    """A field within mappings as text, empty when it is not given."""
    *outer, name = path
    holder: object = given
    for step in outer:
        holder = mapping(holder, step)
    value = holder.get(name) if isinstance(holder, dict) else None
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def line(value: object) -> str:
    """Write a setting as an option has it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{key}={it}" for key, it in value.items())
    return str(value)


@dataclass(slots=True)
class Opened:
    """A store while it is read."""

    where: str
    """What the report calls its provider's fields."""
    family: str
    given: Mapping[str, Any]
    pod: Pod
    conversion: Conversion
    provider: str = ""
    """Of ours; set by whoever reads it."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Fields of a store of ours by name."""

    def key(self, path: str) -> str:
        """What the report calls a field."""
        return f"{self.where}.{path}"

    def option(self, path: str, name: str, value: object) -> None:
        """Write a field of the store, if our own parser takes it."""
        if not value:
            return
        try:
            parse_setting(FIELDS[self.family][name], value)
        except ValueError as exc:
            self.conversion.none(self.key(path), str(exc))
            return
        self.settings[name] = value
        self.conversion.becomes(self.key(path), f"{self.family}.{name}: {line(value)}")

    def account(self, *path: str) -> None:
        """Compare the service account that the store's login uses with the pod's own."""
        chosen: object = self.given
        for step in path:
            chosen = mapping(chosen, step)
        name, namespace = (
            text(mapping({"": chosen}, ""), "name"),
            text({"": chosen}, "", "namespace"),
        )
        if not name:
            return
        same = name == self.pod.account
        if namespace and self.pod.namespace and namespace != self.pod.namespace:
            same = False
        where = self.key(".".join(path))
        audiences = chosen.get("audiences") if isinstance(chosen, dict) else None
        if audiences and self.family != "vault":
            self.conversion.unneeded(
                f"{where}.audiences",
                "the token has the audience that the provider expects; `audience` of a named store "
                "says another",
            )
        if same:
            self.conversion.unneeded(where, "the pod runs as it, and its own identity is used")
        else:
            shown = f"{namespace}/{name}" if namespace else name
            self.conversion.none(
                where,
                f"the pod runs as {self.pod.account}, whose own identity is used: let that in, or "
                f"run the pod as {shown}",
            )


def options(**given: str) -> tuple[tuple[str, str], ...]:
    """Options of a reference, without those that are empty."""
    return tuple(sorted((name, value) for name, value in given.items() if value))
