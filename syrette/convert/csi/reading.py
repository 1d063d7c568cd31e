"""One SecretProviderClass: its parameters as options of ours, its objects as files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from injector.contract.names import DOMAIN
from injector.contract.stores import parse_setting
from syrette import documents
from syrette.convert.csi import table
from syrette.convert.findings import Conversion, Fate
from syrette.convert.references import checked
from syrette.convert.table import parse_bool
from syrette.errors import InputError
from webhook.annotations import parsers
from webhook.annotations import table as ours
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.contract.references import Reference


_VARIABLE: Final = re.compile(r"\$(\w+|\{[^}]*\}|\([^)]*\))", re.ASCII)


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the volume."""

    file: str
    reference: Reference
    mode: str = ""
    decode: str = ""
    archive: bool = False
    """Whether it is PKCS#12, of which no part is a text."""

    @property
    def source(self) -> dict[str, str]:
        """What an item of ours says of where the content comes from."""
        found = {"from": str(self.reference)}
        if self.decode:
            return found | {"decode": self.decode}
        return found if self.reference.selector else found | {"format": "raw"}


@dataclass(slots=True)
class Class:
    """A SecretProviderClass while it is read."""

    name: str
    provider: str
    parameters: Mapping[str, str]
    annotations: Mapping[str, str]
    """Of the pod."""
    conversion: Conversion = field(default_factory=Conversion)
    items: list[Item] = field(default_factory=list)
    unfilled: list[str] = field(default_factory=list)
    """What a person has to fill in before the class can be converted."""

    def key(self, name: str) -> str:
        """What the report calls a parameter."""
        return f"SecretProviderClass/{self.name} {name}"

    def option(self, parameter: str, name: str, text: str) -> None:
        """Write a field of the store, if our own parser takes it."""
        try:
            parse_setting(ours.STORE_OPTIONS[name][1], text)
        except ValueError as exc:
            self.conversion.none(self.key(parameter), str(exc))
            return
        whole = f"{DOMAIN}/{name}"
        self.conversion.ours[whole] = text.strip()
        self.conversion.becomes(self.key(parameter), f"{whole}: {text.strip()}")

    def take(self, names: Mapping[str, str]) -> None:
        """Write parameters that are given; the option of each by its name."""
        for parameter, option in names.items():
            value = self.parameters.get(parameter, "").strip()
            if value:
                self.option(parameter, option, value)

    def filled(self, text: str) -> None:
        """
        Refuse a name with a variable, which a pipeline or a shell was to fill.

        Raises:
            ValueError: when there is one.
        """
        match = _VARIABLE.search(text)
        if match is None:
            return
        what = f"SecretProviderClass/{self.name}: fill in `{match.group()[:60]}` and convert again"
        if what not in self.unfilled:
            self.unfilled.append(what)
        raise ValueError(f"`{text[:120]}` has a variable that nobody fills in")

    def add(self, where: str, item: Item) -> None:
        """
        Take a file.

        Raises:
            ValueError: for a file or reference that ours cannot have.
        """
        parsers.file_path(item.file)
        checked(item.reference)
        for other in (it.file for it in self.items):
            if f"{other}/".startswith(f"{item.file}/") or item.file.startswith(f"{other}/"):
                raise ValueError(f"the file `{item.file}` is in the way of another, `{other}`")
        self.items.append(item)
        self.conversion.becomes(self.key(where), f"the file {item.file}, from {item.reference}")

    def objects(self, listed: object, read: Callable[[Mapping[str, Any], str], None]) -> None:
        """
        Read every object; what one has that there is no equivalent of is told by name.

        Args:
            listed: the objects.
            read: adds the files of one, whose name in the report is the second argument; raises
                ValueError when it has no equivalent.
        """
        if not isinstance(listed, list):
            self.conversion.none(self.key("objects"), "it is no list")
            return
        for place, given in enumerate(listed):
            where = f"objects[{place}]"
            if not isinstance(given, dict):
                self.conversion.none(self.key(where), "it is no mapping")
                continue
            for name in given:
                if name not in table.OBJECTS[self.provider]:
                    known = near(str(name), table.OBJECTS[self.provider])
                    self.conversion.none(
                        self.key(f"{where}.{str(name)[:60]}"), f"no such field{known}"
                    )
            try:
                read(given, where)
            except ValueError as exc:
                self.conversion.none(self.key(where), f"it is left out: {exc}")

    def tell(self, where: str, name: str) -> None:
        """Say of a field of an object that it has no equivalent."""
        row = table.OBJECTS[self.provider][name]
        self.conversion.none(self.key(f"{where}.{name}"), row.text)

    def rest(self) -> None:
        """Say of every parameter what nobody has said yet."""
        said = {finding.key for finding in self.conversion.findings}
        rows = table.PARAMETERS[self.provider]
        for name, text in self.parameters.items():
            key = self.key(name)
            row = rows.get(name)
            if key in said or (row and name in {"objects", "secrets"}):
                continue
            if row is None:
                known = near(name, rows) or "; docs/convert.md has them all"
                self.conversion.none(key, f"the provider {self.provider} has no such one{known}")
            elif not text.strip() or (row.asks is not None and parse_bool(text) is not row.asks):
                self.conversion.unneeded(key, "it asks for nothing")
            elif row.fate is Fate.NONE:
                self.conversion.none(key, row.text)
            else:
                self.conversion.unneeded(key, row.text)


def document(text: str) -> object:
    """
    Read the YAML that stands in a parameter.

    Raises:
        ValueError: says what is wrong.
    """
    try:
        found = documents.load(text, "its YAML")
    except InputError as exc:
        raise ValueError(str(exc)) from exc
    return found[0] if found else None


def text(given: Mapping[str, Any], name: str) -> str:
    """A field as text, empty when it is not given."""
    value = given.get(name)
    return "" if value is None else str(value).strip()


def decode(encoding: str) -> str:
    """
    How a stored text is decoded.

    Raises:
        ValueError: for an encoding that ours do not know.
    """
    if encoding.lower() in ("", "utf-8"):
        return ""
    if encoding.lower() != "base64":
        raise ValueError(f"the encoding `{encoding[:20]}` is not decoded")
    return "base64"


def options(**given: str) -> tuple[tuple[str, str], ...]:
    """Options of a reference, without those that are empty."""
    return tuple(sorted((name, value) for name, value in given.items() if value))
