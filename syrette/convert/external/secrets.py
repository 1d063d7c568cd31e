"""One ExternalSecret: the Secret that it makes, key by key, as sources of items of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syrette.convert import templates
from syrette.convert.external import table
from syrette.convert.external.opened import Remote, text
from syrette.convert.external.stores import GROUP, StoreRef, store_ref
from syrette.convert.external.telling import tell
from syrette.convert.options import option
from syrette.convert.podspec import listed, mapping
from syrette.convert.templates import Made, Part, plain_name
from syrette.convert.uses import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from injector.contract.references import Reference
    from syrette.convert.external.stores import Stores
    from syrette.convert.findings import Conversion
    from syrette.convert.uses import Source

_NEVER: Final = ("CreatedOnce", "OnChange")
_ZERO: Final = re.compile(r"(0([a-zµ]+|$))+", re.ASCII)
_DECODED: Final = {"": "", "None": "", "Base64": "base64"}


@dataclass(frozen=True, slots=True)
class External:
    """One ExternalSecret, or what a ClusterExternalSecret makes in a namespace."""

    kind: str
    name: str
    namespace: str
    spec: Mapping[str, Any]
    outer: Mapping[str, Any]
    """`spec` of a ClusterExternalSecret, else empty."""
    made: str
    """Its name in a namespace."""

    @property
    def shown(self) -> str:
        """What the report calls it."""
        return f"{self.kind}/{self.name}"

    @property
    def where(self) -> str:
        """What the report calls its fields."""
        return f"{self.shown} spec{'.externalSecretSpec' if self.outer else ''}"

    @property
    def target(self) -> str:
        """Name of the Secret."""
        return text(self.spec, "target", "name") or self.made

    @property
    def refresh(self) -> str:
        """Time between two reads as ours is written, empty for ours' own."""
        given = text(self.spec, "refreshInterval")
        policy = text(self.spec, "refreshPolicy")
        if policy in _NEVER or mapping(self.spec, "target").get("immutable") is True:
            return "never"
        if _ZERO.fullmatch(given):
            return "never"
        try:
            return option("refresh", given) if given else ""
        except ValueError:
            return ""

    def stores(self) -> Iterator[StoreRef]:
        """Every store that it names."""
        for entry in (*listed(self.spec, "data"), *listed(self.spec, "dataFrom")):
            yield self.store(entry)

    def store(self, entry: Mapping[str, Any]) -> StoreRef:
        """The store of one of its entries."""
        own = mapping(mapping(entry, "sourceRef"), "storeRef")
        return store_ref(own or self.spec.get("secretStoreRef"))


def find(given: list[dict[str, Any]]) -> Iterator[External]:
    """Every ExternalSecret among the manifests."""
    for document in given:
        kind = document.get("kind")
        if not str(document.get("apiVersion") or "").startswith(f"{GROUP}/"):
            continue
        metadata, spec = mapping(document, "metadata"), mapping(document, "spec")
        name, namespace = text(metadata, "name"), text(metadata, "namespace")
        if kind == "ExternalSecret":
            yield External(kind, name, namespace, spec, {}, name)
        elif kind == "ClusterExternalSecret":
            made = text(spec, "externalSecretName") or name
            yield External(kind, name, "", mapping(spec, "externalSecretSpec"), spec, made)


def read(external: External, stores: Stores, conversion: Conversion) -> Secret:
    """
    Read the Secret that an ExternalSecret makes.

    Raises:
        ValueError: when it makes none that is converted.
    """
    _tell(external, conversion)
    target = mapping(external.spec, "target")
    policy = text(target, "creationPolicy")
    if policy == "None" or target.get("manifest"):
        raise ValueError("it makes no Secret")
    plain = _plain(external, stores, conversion)
    template = mapping(target, "template")
    if not template.get("data") and not template.get("templateFrom"):
        found = plain
    else:
        keys = _templates(external, plain, conversion)
        merged = text(template, "mergePolicy") == "Merge"
        keys = {**plain.keys, **keys} if merged else keys
        complete = plain.complete and not template.get("templateFrom")
        found = Secret(external.target, keys, plain.rest if merged else None, complete)
    if policy == "Merge":
        return Secret(found.name, found.keys, found.rest, complete=False)
    return found


def _tell(external: External, conversion: Conversion) -> None:
    tell(external.spec, table.EXTERNAL_SECRET, external.where, conversion)
    if external.outer:
        tell(external.outer, table.CLUSTER, f"{external.shown} spec", conversion)
    given = text(external.spec, "refreshInterval")
    if given and not external.refresh:
        conversion.none(f"{external.where}.refreshInterval", f"`{given[:60]}` is no time of ours")


def _plain(external: External, stores: Stores, conversion: Conversion) -> Secret:
    """What `data` and `dataFrom` give."""
    keys: dict[str, Source | None] = {}
    wholes: list[Source] = []
    complete = True
    for place, entry in enumerate(listed(external.spec, "dataFrom")):
        where = f"{external.where}.dataFrom[{place}]"
        try:
            wholes.append(_extract(external, entry, stores))
        except ValueError as exc:
            complete = False
            conversion.none(where, f"it is left out: {exc}")
    for place, entry in enumerate(listed(external.spec, "data")):
        where, key = f"{external.where}.data[{place}]", text(entry, "secretKey")
        try:
            keys[key] = _source(external, entry, mapping(entry, "remoteRef"), stores)
        except ValueError as exc:
            keys[key] = None
            conversion.none(where, f"`{key[:60]}` is left out: {exc}")
    if len(wholes) > 1:
        complete = False
        conversion.none(
            f"{external.where}.dataFrom", "which of several secrets has a key is in the store only"
        )
    rest = wholes[0] if complete and wholes else None
    return Secret(external.target, keys, rest, complete)


def _extract(external: External, entry: Mapping[str, Any], stores: Stores) -> Source:
    for name in ("find", "rewrite"):
        if entry.get(name):
            raise ValueError(f"{name}: {table.EXTERNAL_SECRET[f'dataFrom[].{name}'].text}")
    chosen = mapping(entry, "extract")
    if not chosen:
        raise ValueError("it extracts nothing")
    if text(chosen, "conversionStrategy") not in ("", "Default"):
        raise ValueError("conversionStrategy: names of keys are used as they are")
    if text(chosen, "decodingStrategy") not in ("", "None"):
        raise ValueError("decodingStrategy: the values of a mapping are not decoded")
    return _source(external, entry, chosen, stores)


def _source(
    external: External, entry: Mapping[str, Any], chosen: Mapping[str, Any], stores: Stores
) -> Source:
    if mapping(entry, "sourceRef").get("generatorRef"):
        raise ValueError(f"sourceRef.generatorRef: {table.GENERATED}")
    if text(chosen, "metadataPolicy") not in ("", "None"):
        raise ValueError("metadataPolicy: tags and labels of a secret are not read")
    strategy = text(chosen, "decodingStrategy")
    if strategy not in _DECODED:
        raise ValueError(f"decodingStrategy: `{strategy[:20]}` is not decoded")
    remote = Remote(text(chosen, "key"), text(chosen, "property"), text(chosen, "version"))
    if not remote.key:
        raise ValueError("its key is missing")
    found: Reference = stores.reference(external.store(entry), remote)
    if _DECODED[strategy]:
        return {"from": str(found), "decode": _DECODED[strategy]}
    if found.selector:
        return {"from": str(found)}
    # A whole secret of Vault is JSON to theirs, any other is what is stored.
    return {
        "from": str(found),
        "format": "json" if stores.is_mapping(external.store(entry)) else "raw",
    }


def _templates(
    external: External, plain: Secret, conversion: Conversion
) -> dict[str, Source | None]:
    """Keys of `target.template.data`."""
    template = mapping(mapping(external.spec, "target"), "template")
    keys: dict[str, Source | None] = {}
    for key, given in mapping(template, "data").items():
        where = f"{external.where}.target.template.data.{key[:60]}"
        try:
            if text(template, "engineVersion") not in ("", "v2"):
                raise ValueError("templates of engine v2 are translated")  # noqa: TRY301 - one way out for whatever is wrong
            keys[key] = _rendered(str(given), plain)
        except ValueError as exc:
            keys[key] = None
            conversion.none(where, f"it is left out: {exc}")
    return keys


def _rendered(template: str, plain: Secret) -> Source:
    names: dict[str, str] = {}
    sources: dict[str, Source] = {}

    def take(key: str) -> Part | Made:
        source = plain.key(key)
        if source is None:
            raise ValueError(f"`.{key}` has no equivalent")
        if key not in names:
            names[key] = plain_name(key, names.values(), "secret")
            sources[names[key]] = source
        part = Part(names[key])
        return Made(f"{part.code}|b64decode", "decode", part) if source.get("decode") else part

    found = templates.translate_known(template, take)
    if not sources:
        raise ValueError("it is no secret: write it where it is used")
    if isinstance(found, Part) and found.code in sources:
        return sources[found.code]
    text = f"{{{{ {found.code} }}}}" if isinstance(found, Part) else found
    return {"from": {name: it["from"] for name, it in sources.items()}, "template": text}
