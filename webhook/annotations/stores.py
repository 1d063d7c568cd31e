"""
Stores: built-in ones from `<family>.<field>` options, named ones from `syrette.dev/stores`.

A built-in or operator's name cannot be defined nearer; otherwise a nearer store of the same name
replaces the farther one whole. A named store takes from the family's options only what says where
and who the pod is, never a chain of roles or a prefix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from injector.contract import google, references
from injector.contract.reasons import Reason
from injector.contract.stores import (
    ENDPOINTS,
    PROVIDERS,
    Kind,
    Setting,
    Store,
    dump_setting,
    parse_setting,
)
from webhook.annotations import documents, endpoints, parsers, placeholders, table
from webhook.annotations.intent import ConfiguredStore, Origin, Scope
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.stores import StoreField
    from webhook.annotations.inheritance import Given, Value
    from webhook.annotations.placeholders import Facts
    from webhook.errors import Problems
    from webhook.settings import Settings

_OTHER_SOURCES: Final = frozenset({"audience", "auth", *google.SOURCE_FIELDS})
_IDENTITY: Final = _OTHER_SOURCES | {"delegates", "service-account"}
# A store that gives the first says who or where by itself, and does not inherit the others.
_TOGETHER: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "aws": {"region": frozenset({"failover-region"}), "role-arn": frozenset({"auth"})},
    "vault": {
        "address": frozenset(name for name in table.FIELDS["vault"]),
        "auth": frozenset({"auth-mount"}),
        "namespace": frozenset({"kv"}),
    },
    "gcp": {
        "service-account": frozenset({"delegates"}),
        "workload-identity-provider": _OTHER_SOURCES - {"workload-identity-provider"},
        "gke-cluster": _OTHER_SOURCES - {"gke-cluster"},
        "credentials-secret": _IDENTITY - {"credentials-secret"},
        "access-token-secret": _IDENTITY - {"access-token-secret"},
    },
    "azure": {
        "cloud": frozenset({"audience", "client-id", "tenant-id"}),
        "tenant-id": frozenset({"client-id"}),
    },
    "sops": {},
}


class Field(NamedTuple):
    """One field of a store as somebody gave it, parsed."""

    value: Setting
    scope: Scope
    origin: Origin


@dataclass(frozen=True, slots=True)
class Definition:
    """A named store as one scope defines it, not yet parsed."""

    provider: str
    fields: Mapping[str, object]
    """Texts, lists and mappings by field name."""
    scope: Scope
    origin: Origin
    lines: Mapping[str, int] = field(default_factory=dict)
    """Lines of the fields."""


class Stores:
    """
    The stores of one admission: configured when a reference asks for them.

    Whatever is wrong with one is noted once.
    """

    def __init__(self, given: Given, settings: Settings, facts: Facts, problems: Problems) -> None:
        self._given = given.options
        self._facts = facts
        self._problems = problems
        self._families: dict[str, dict[str, Field]] = {}
        self._definitions = _operators(settings)
        for value in given.stores:
            self._define(value)
        self._configured: dict[str, ConfiguredStore | None] = {}
        self._broken: set[str] = set()

    @property
    def facts(self) -> Facts:
        """What placeholders stand for."""
        return self._facts

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a reference may use."""
        return (*PROVIDERS, *self._definitions)

    def configure(self, name: str) -> ConfiguredStore | None:
        """Configure the store of that name, None when there is none or it is malformed."""
        if name not in self._configured:
            self._configured[name] = self._configure(name)
        return self._configured[name]

    def reaches(self, scope: Scope, name: str) -> bool:
        """
        Whether what stands at a scope can mean this store.

        A nearer scope's store of that name is somebody else's, who would lend his login to it or
        borrow another's.
        """
        definition = self._definitions.get(name)
        return definition is None or definition.scope <= scope

    def sound(self, name: str) -> bool:
        """Whether nothing is wrong with the store's own fields, so that more can be said of it."""
        configured = self.configure(name)
        return configured is None or self._broken.isdisjoint((name, configured.store.family))

    def declared(self) -> list[str]:
        """Names that the pod itself defines: wrong ones are told, whether they are used or not."""
        return [name for name, it in self._definitions.items() if it.scope is Scope.POD]

    def check_own(self) -> None:
        """Parse what the pod itself says of a family, though nothing of it may be referred to."""
        for key, value in self._given.items():
            row = table.STORE_FIELDS.get(key)
            if row is not None and value.scope is Scope.POD:
                self._family(row[0])

    def _configure(self, name: str) -> ConfiguredStore | None:
        if name in PROVIDERS:
            fields = self._family(PROVIDERS[name].family)
            scope = max((item.scope for item in fields.values()), default=Scope.OPERATOR)
            return _configured(Store(name, name), fields, scope, Origin(""))
        definition = self._definitions.get(name)
        if definition is None:
            return None
        family = PROVIDERS[definition.provider].family
        own = self._own(name, definition, family)
        alone = frozenset().union(
            *(names for leader, names in _TOGETHER[family].items() if leader in own)
        )
        rows = table.FIELDS[family]
        inherited = {
            key: item
            for key, item in self._family(family).items()
            if rows[key].inherited and key not in own and key not in alone
        }
        store = Store(name, definition.provider)
        return _configured(store, inherited | own, definition.scope, definition.origin)

    def _family(self, family: str) -> dict[str, Field]:
        """What the options say for the built-in stores of a family."""
        if family not in self._families:
            fields: dict[str, Field] = {}
            for key, value in self._given.items():
                row = table.STORE_FIELDS.get(key)
                if row is None or row[0] != family or not value.text:
                    continue
                parsed = self._parse(row[1], value.text, value.scope, Origin(value.key))
                if parsed is None:
                    self._broken.add(family)
                else:
                    fields[row[1].name] = parsed
            self._families[family] = fields
        return self._families[family]

    def _own(self, name: str, definition: Definition, family: str) -> dict[str, Field]:
        rows = table.FIELDS[family]
        fields: dict[str, Field] = {}
        for key, raw in definition.fields.items():
            line = definition.lines.get(key, definition.origin.line)
            origin = Origin(definition.origin.key, line)
            if key not in rows:
                hint = self._problems.spelled_out and near(key, rows)
                hint = hint or f"; {definition.provider} has {', '.join(rows)}"
                message = f"unknown field `{key[:60]}`{hint}"
                self._problems.add(Reason.INVALID_STORE, origin.key, message, line)
                continue
            parsed = self._parse(rows[key], raw, definition.scope, origin)
            if parsed is not None:
                fields[key] = parsed
        if set(fields) != set(definition.fields):
            self._broken.add(name)
        return fields

    def _parse(self, row: StoreField, raw: object, scope: Scope, origin: Origin) -> Field | None:
        try:
            if scope <= Scope.NAMESPACE:
                raw = filled(apart(row, raw), self._facts)
            return Field(parse(row, raw), scope, origin)
        except ValueError as exc:
            message = str(exc) if origin.line is None else f"`{row.name}`: {exc}"
            self._problems.add(Reason.INVALID_STORE, origin.key, message, origin.line)
            return None

    def _define(self, value: Value) -> None:
        """Take in one `syrette.dev/stores` document."""
        if not value.text:
            self._definitions = {
                name: it for name, it in self._definitions.items() if it.scope is Scope.OPERATOR
            }
            return
        for name, definition in read(value, self._problems).items():
            held = self._definitions.get(name)
            if name in PROVIDERS or (held is not None and held.scope is Scope.OPERATOR):
                whose = "a built-in store" if name in PROVIDERS else "the operator's store"
                message = f"`{name}` is {whose} and cannot be defined again; choose another name"
                line = definition.origin.line
                self._problems.add(Reason.INVALID_STORE, value.key, message, line)
            else:
                self._definitions[name] = definition


def parse(row: StoreField, raw: object) -> Setting:
    """
    Parse one field's value, and check what a pattern cannot say.

    Raises:
        ValueError: says what is allowed.
    """
    value = parse_setting(row, raw)
    if row.name == "ca-bundle" and isinstance(value, str):
        parsers.certificates(value)
    elif row.name == "session-policy" and isinstance(value, str):
        parsers.session_policy(value)
    elif row.kind is Kind.HOPS:
        for hop in Store("", "", {row.name: value}).hops(row.name):
            if hop.session_policy:
                parsers.session_policy(hop.session_policy)
    elif row.name == "endpoints":
        for service, url in Store("", "", {row.name: value}).pairs(row.name):
            if service not in ENDPOINTS[row.families[0]]:
                known = ", ".join(ENDPOINTS[row.families[0]])
                msg = f"no service `{service[:60]}`; there are {known}"
                raise ValueError(msg)
            endpoints.url(url)
    return value


def apart(row: StoreField, raw: object) -> object:
    """A list or mapping that is written as one text, in its parts: placeholders fill each."""
    if not isinstance(raw, str):
        return raw
    if row.kind in {Kind.NAMES, Kind.HOPS}:
        return [item.strip() for item in raw.split(",")]
    if row.kind is Kind.PAIRS and "{" in raw:
        return dump_setting(parse_setting(row, raw))
    return raw


def read(value: Value, problems: Problems) -> dict[str, Definition]:
    """Read one YAML mapping of store names to settings."""

    def refuse(message: str, line: int, reason: Reason = Reason.INVALID_STORE) -> None:
        problems.add(reason, value.key, message, line)

    try:
        document = documents.read(value.text)
    except documents.DocumentError as exc:
        refuse(str(exc), exc.line, exc.reason)
        return {}
    if not isinstance(document, documents.Mapping):
        refuse("wants a mapping of store names to their settings", 1)
        return {}
    found: dict[str, Definition] = {}
    for name, node in document.entries.items():
        line = document.key_lines[name]
        if not references.STORE_NAME.fullmatch(name):
            refuse(f"`{name[:60]}` is no store name: lower case letters, digits and `-`", line)
        elif not isinstance(node, documents.Mapping):
            refuse(f"`{name}` wants a mapping with `provider`, and is {documents.kind(node)}", line)
        else:
            definition = _definition(name, node, Origin(value.key, line), value.scope)
            if isinstance(definition, Definition):
                found[name] = definition
            else:
                refuse(definition, line)
    return found


def _definition(
    name: str, node: documents.Mapping, origin: Origin, scope: Scope
) -> Definition | str:
    provider = node.entries.get("provider")
    said = provider.value if isinstance(provider, documents.Text) else ""
    if said not in PROVIDERS:
        hint = near(said, PROVIDERS) or f"; there are {', '.join(PROVIDERS)}"
        what = f"has the unknown provider `{said[:60]}`" if said else "has no `provider`"
        return f"`{name}` {what}{hint}"
    fields = {key: documents.plain(item) for key, item in node.entries.items() if key != "provider"}
    return Definition(said, fields, scope, origin, node.key_lines)


def _operators(settings: Settings) -> dict[str, Definition]:
    return {
        name: Definition(
            str(fields["provider"]),
            {key: item for key, item in fields.items() if key != "provider"},
            Scope.OPERATOR,
            Origin(f"stores.{name}"),
        )
        for name, fields in settings.stores.items()
    }


def _configured(
    store: Store, fields: Mapping[str, Field], scope: Scope, origin: Origin
) -> ConfiguredStore:
    settings = {name: item.value for name, item in fields.items()}
    return ConfiguredStore(
        Store(store.name, store.provider, settings),
        scope,
        origin,
        {name: item.scope for name, item in fields.items()},
        {name: item.origin for name, item in fields.items()},
    )


def filled(raw: Any, facts: Facts) -> Any:  # noqa: ANN401 - a decoded document
    """Fill the placeholders of every text in a decoded value; keys are taken as they are."""
    if isinstance(raw, str):
        return placeholders.fill(raw, facts)
    if isinstance(raw, list):
        return [filled(item, facts) for item in raw]
    if isinstance(raw, dict):
        return {key: filled(item, facts) for key, item in raw.items()}
    return raw
