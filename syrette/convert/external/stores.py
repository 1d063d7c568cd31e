"""
The stores of one pod's ExternalSecrets: as options of their family, or as named stores.

Options are written where all stores of a family are the same and the options can say it; else each
is a named store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from injector.contract.google import SOURCE_FIELDS
from injector.contract.names import DOMAIN
from injector.contract.references import STORE_NAME, Reference
from injector.contract.stores import PROVIDERS
from syrette import documents
from syrette.convert.external import store_table, table
from syrette.convert.external.clouds import aws, azure, gcp
from syrette.convert.external.opened import Opened, Pod, line, text
from syrette.convert.external.telling import tell
from syrette.convert.external.vault import vault
from syrette.convert.findings import AZURE, GOOGLE, Conversion, Fate
from syrette.convert.podspec import mapping
from syrette.convert.references import checked
from webhook.annotations import table as ours
from webhook.annotations.azure import NEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syrette.convert.external.opened import Reader, Remote

GROUP: Final = "external-secrets.io"
_READERS: Final[Mapping[str, tuple[str, Callable[[Opened], Reader]]]] = {
    "aws": ("aws", aws),
    "vault": ("vault", vault),
    "gcpsm": ("gcp", gcp),
    "azurekv": ("azure", azure),
}
"""By the provider's name: the family of ours, and who reads it."""
_NAMED: Final = f"{DOMAIN}/{ours.STORES}"
_SEPARATORS: Final = re.compile(r"[,=]")


class StoreRef(NamedTuple):
    """What an ExternalSecret calls a store."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Write it as the report does."""
        return f"{self.kind}/{self.name}"


def store_ref(given: object) -> StoreRef:
    """Read a `secretStoreRef` or `storeRef`."""
    found = given if isinstance(given, dict) else {}
    return StoreRef(text(found, "kind") or "SecretStore", text(found, "name"))


@dataclass(slots=True)
class _Store:
    family: str
    provider: str
    settings: dict[str, Any]
    read: Reader
    alias: str = ""
    """Its name as a named store; empty for the built-in one."""


class Stores:
    """
    The stores that one pod's ExternalSecrets name.

    They are settled when it is known which of them are read: until then each has a name of its own.

    Args:
        given: every manifest.
        pod: who reads.
    """

    def __init__(self, given: list[dict[str, Any]], pod: Pod) -> None:
        self._given = given
        self._pod = pod
        self._stores: dict[StoreRef, _Store] = {}
        self._refused: dict[StoreRef, str] = {}
        self._told: dict[StoreRef, Conversion] = {}
        self._read: dict[StoreRef, _Store] = {}

    def open(self, ref: StoreRef) -> None:
        """Read a store, once; what is wrong with it is said of whoever asks it for something."""
        if ref in self._told:
            return
        self._told[ref] = Conversion()
        try:
            self._stores[ref] = self._open(ref, self._told[ref])
            self._stores[ref].alias = f"unsettled-{len(self._told)}"
        except ValueError as exc:
            self._refused[ref] = f"{ref}: {exc}"

    def settle(
        self, sources: frozenset[str], annotations: Mapping[str, str], conversion: Conversion
    ) -> None:
        """
        Say which stores are options and which have a name; those that nobody reads are neither.

        Args:
            sources: references that were made before; they are to be made again.
            annotations: of the pod.
            conversion: gets what there is to tell of the stores that are read, and what was wrong
                with those that cannot be.
        """
        names = _stores_of(sources)
        self._read = {ref: it for ref, it in self._stores.items() if it.alias in names}
        for ref, told in self._told.items():
            lost = [it for it in told.findings if it.fate is Fate.NONE]
            conversion.findings.extend(told.findings if ref in self._read else [])
            conversion.findings.extend(lost if ref in self._refused else [])
        taken = set(PROVIDERS)
        for family in dict.fromkeys(store.family for store in self._read.values()):
            stores = {ref: it for ref, it in self._read.items() if it.family == family}
            self._name(stores, annotations, taken)

    def _name(
        self, stores: Mapping[StoreRef, _Store], annotations: Mapping[str, str], taken: set[str]
    ) -> None:
        """Name the stores of one family that are read, if options cannot say them."""
        first = next(iter(stores.values()))
        same = all(it.settings == first.settings for it in stores.values())
        if same and _writable(first, annotations):
            for store in stores.values():
                store.alias = ""
            return
        for ref, store in stores.items():
            store.alias = _alias(ref.name, taken)
            taken.add(store.alias)
            if _NAMED in annotations:
                self._refused[ref] = f"{ref}: the pod has {_NAMED} already; add it there"

    def reference(self, ref: StoreRef, remote: Remote) -> Reference:
        """
        Make a reference to what is asked of a store.

        Raises:
            ValueError: for what has no equivalent.
        """
        if ref in self._refused:
            raise ValueError(self._refused[ref])
        store = self._stores[ref]
        found = checked(store.read(remote))
        return replace(found, store=store.alias) if store.alias else found

    def is_mapping(self, ref: StoreRef) -> bool:
        """Whether secrets of a store are mappings, and no texts."""
        return self._stores[ref].family == "vault"

    def write(self, sources: frozenset[str], conversion: Conversion) -> None:
        """Write the stores of references into annotations."""
        names = _stores_of(sources)
        named: dict[str, Any] = {}
        for ref, store in self._read.items():
            if (store.alias or store.provider) not in names:
                continue
            if store.alias:
                named[store.alias] = {"provider": store.provider, **store.settings}
            else:
                conversion.ours |= _options(store)
            conversion.todo.extend(_todo(ref, store, conversion.kept))
        if named:
            conversion.ours[_NAMED] = documents.dump([named])

    def _open(self, ref: StoreRef, conversion: Conversion) -> _Store:
        spec = mapping(self._find(ref), "spec")
        providers = mapping(spec, "provider")
        name = next(iter(providers), "")
        tell(spec, table.STORE, f"{ref} spec", conversion)
        if name not in _READERS:
            raise ValueError(f"its provider `{name[:60]}` is none of {', '.join(_READERS)}")
        family, read = _READERS[name]
        where = f"{ref} spec.provider.{name}"
        opened = Opened(where, family, mapping(providers, name), self._pod, conversion)
        reader = read(opened)
        tell(opened.given, store_table.PROVIDERS[name], where, conversion)
        return _Store(family, opened.provider, opened.settings, reader)

    def _find(self, ref: StoreRef) -> dict[str, Any]:
        for document in self._given:
            metadata = mapping(document, "metadata")
            own = text(metadata, "namespace") if ref.kind == "SecretStore" else ""
            if (
                str(document.get("apiVersion") or "").startswith(f"{GROUP}/")
                and (document.get("kind"), metadata.get("name")) == tuple(ref)
                and (not own or not self._pod.namespace or own == self._pod.namespace)
            ):
                return document
        raise ValueError("it is not among the manifests; give it with them")


def _stores_of(sources: frozenset[str]) -> frozenset[str]:
    return frozenset(source.partition(":")[0] for source in sources)


def _writable(store: _Store, annotations: Mapping[str, str]) -> bool:
    """
    Whether options say what the store says.

    What the pod says of the family already must be the same; or a field that the store does not
    have, and that a named store would inherit as well.
    """
    written = _options(store)
    for key, given in annotations.items():
        family, row = ours.STORE_OPTIONS.get(key.removeprefix(f"{DOMAIN}/"), ("", None))
        if row is None or family != store.family:
            continue
        if written.get(key, given if row.inherited else "") != given:
            return False
    return all(
        f"{store.family}.{name}" in ours.STORE_OPTIONS
        and not (
            isinstance(value, dict) and any(map(_SEPARATORS.search, (*value, *value.values())))
        )
        for name, value in store.settings.items()
    )


def _options(store: _Store) -> dict[str, str]:
    return {f"{DOMAIN}/{store.family}.{name}": line(it) for name, it in store.settings.items()}


def _alias(name: str, taken: set[str]) -> str:
    """Name a store as ours are named: a DNS label that nothing else has."""
    wanted = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:50] or "store"
    found, number = wanted, 1
    while found in taken or not STORE_NAME.fullmatch(found):
        number += 1
        found = f"{wanted}-{number}"
    return found


def _todo(ref: StoreRef, store: _Store, kept: frozenset[str]) -> list[str]:
    """What has to be done beside the manifest."""
    lines = [
        f"{ref}: let the pod's own service account read what this store's identity reads today"
    ]
    settings = store.settings
    if store.family == "gcp" and settings.keys().isdisjoint(SOURCE_FIELDS):
        lines.append(GOOGLE)
    if store.family == "azure":
        lines.extend(
            AZURE.format(field)
            for field in NEEDED
            if field not in settings and f"{DOMAIN}/azure.{field}" not in kept
        )
    if store.family != "vault":
        return lines
    address = settings.get("address")
    lines.append(
        f"operator: permit {address} in `allowed-addresses`"
        if address
        else "operator: give `vault.address` in `defaults`"
    )
    if "audience" in settings:
        lines.append(f"operator: permit the audience {settings['audience']} in `allowed-audiences`")
    method = settings.get("auth", "kubernetes")
    if method == "kubernetes":
        role = f"auth/{settings.get('auth-mount', method)}/role/{settings.get('role', '<role>')}"
        lines.append(
            f"Vault: set audience={settings.get('audience', 'vault')} on the role {role}: our "
            "token is good for nobody else"
        )
    return lines
