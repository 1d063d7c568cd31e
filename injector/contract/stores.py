"""
Stores: the providers there are, and what a configured store holds.

The fields are rows of `fields`; here their values are parsed from text or from a document's
shapes, and written back. Nothing is looked up and no default is invented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.contract.fields import (
    ENDPOINTS,
    EXTERNAL_ID,
    EXTERNAL_ID_WORDS,
    FAMILIES,
    FIELDS,
    ROLE_ARN,
    ROLE_WORDS,
    Kind,
    StoreField,
    fields_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ENDPOINTS",
    "FAMILIES",
    "FIELDS",
    "PROVIDERS",
    "Hop",
    "Kind",
    "Pairs",
    "ProviderKind",
    "Setting",
    "Store",
    "StoreField",
    "dump_setting",
    "fields_of",
    "parse_setting",
]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """One role of a chain, with what is said at its AssumeRole only."""

    role_arn: str
    external_id: str = ""
    session_tags: Pairs = ()
    transitive_tags: tuple[str, ...] = ()
    session_policy: str = ""


Setting = str | tuple[str, ...] | Pairs | tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """One built-in provider: its name is also the name of its default store."""

    name: str
    family: str
    """Providers of one family share field values and sessions."""
    options: tuple[str, ...]
    """Options that a reference may carry."""
    open_options: tuple[str, ...] = ()
    """Prefixes of options with free names (`data.<field>`)."""


PROVIDERS: Final[Mapping[str, ProviderKind]] = MappingProxyType(
    {
        row.name: row
        for row in (
            ProviderKind("aws-secretsmanager", "aws", options=("region", "stage", "version")),
            ProviderKind(
                "aws-ssm",
                "aws",
                options=("label", "recursive", "region", "version"),
            ),
            ProviderKind(
                "vault",
                "vault",
                options=("engine", "kv", "ttl", "version"),
                open_options=("data.",),
            ),
            ProviderKind("gcp-secretmanager", "gcp", options=("region", "version")),
            ProviderKind("azure-keyvault", "azure", options=("version",)),
            ProviderKind("sops", "sops", options=("type",)),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Store:
    """A named, configured backend."""

    name: str
    provider: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """Parsed values by field name; absent means not given."""
    signer: Store | None = None
    """The AWS store whose session signs the login of a Vault store with `auth: aws`."""
    key_stores: tuple[Store, ...] = ()
    """Stores whose logins may decrypt the data keys of a SOPS store's documents."""

    @property
    def logins(self) -> tuple[Store, ...]:
        """The store, and every one that takes part in what it does."""
        signers = () if self.signer is None else (self.signer,)
        others = (*signers, *self.key_stores)
        return (self, *(login for store in others for login in store.logins))

    @property
    def family(self) -> str:
        """The family of the store's provider."""
        return PROVIDERS[self.provider].family

    def text(self, name: str, default: str = "") -> str:
        """A text field."""
        value = self.settings.get(name, default)
        return value if isinstance(value, str) else default

    def names(self, name: str) -> tuple[str, ...]:
        """A list field."""
        value = self.settings.get(name, ())
        return tuple(item for item in value if isinstance(item, str))

    def pairs(self, name: str) -> Pairs:
        """A mapping field, sorted by key."""
        value = self.settings.get(name, ())
        return tuple(
            (item[0], item[1])
            for item in value
            if isinstance(item, tuple) and len(item) == 2  # noqa: PLR2004 - a pair of two
        )

    def hops(self, name: str = "assume-role") -> tuple[Hop, ...]:
        """The chain of roles."""
        value = self.settings.get(name, ())
        return tuple(item for item in value if isinstance(item, Hop))


def parse_setting(row: StoreField, raw: object) -> Setting:
    """
    Parse one field's value: text, or for lists and mappings also the YAML shape.

    Raises:
        ValueError: says what is allowed, never more of the value than its head.
    """
    if row.kind is Kind.NAMES:
        return _names(row, raw)
    if row.kind is Kind.PAIRS:
        return _pairs(raw)
    if row.kind is Kind.HOPS:
        return _hops(raw)
    if not isinstance(raw, str) or not raw.strip():
        msg = "takes a text"
        raise ValueError(msg)
    text = raw.strip()
    if row.choices and text not in row.choices:
        msg = f"`{text[:60]}` is none of {', '.join(row.choices)}"
        raise ValueError(msg)
    if row.pattern and not re.fullmatch(row.pattern, text, re.ASCII):
        msg = f"`{text[:60]}` is not {row.expected}"
        raise ValueError(msg)
    return text


def _names(row: StoreField, raw: object) -> tuple[str, ...]:
    names = _listed(raw)
    wrong = [name for name in names if row.pattern and not _fits(row.pattern, name)]
    if wrong:
        msg = f"`{wrong[0][:60]}` is not {row.expected}"
        raise ValueError(msg)
    return names


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


def _listed(raw: object) -> tuple[str, ...]:
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        msg = "takes a list, or a comma list"
        raise ValueError(msg)
    names = tuple(item.strip() for item in items)
    if not all(names):
        msg = "has an empty element"
        raise ValueError(msg)
    return names


def _pairs(raw: object) -> Pairs:
    if isinstance(raw, str):
        split = [item.partition("=") for item in raw.split(",")]
        if not all(name.strip() and equals for name, equals, _ in split):
            msg = "takes `key=value,…`"
            raise ValueError(msg)
        if len({name.strip() for name, _, _ in split}) != len(split):
            msg = "has a key twice"
            raise ValueError(msg)
        raw = {name.strip(): value.strip() for name, _, value in split}
    if raw == []:  # how the plan writes an empty mapping
        return ()
    if not isinstance(raw, dict) or not all(
        isinstance(key, str) and isinstance(value, str) and key for key, value in raw.items()
    ):
        msg = "takes a mapping of texts, or `key=value,…`"
        raise ValueError(msg)
    return tuple(sorted(raw.items()))


_HOP_KEYS: Final = ("external-id", "role-arn", "session-policy", "session-tags", "transitive-tags")


def _hops(raw: object) -> tuple[Hop, ...]:
    items = [item.strip() for item in raw.split(",")] if isinstance(raw, str) else raw
    if not isinstance(items, list) or not items:
        msg = "takes a role ARN, or a list of them"
        raise ValueError(msg)
    return tuple(_hop(item) for item in items)


def _hop(item: object) -> Hop:
    if isinstance(item, str):
        item = {"role-arn": item}
    if not isinstance(item, dict):
        msg = "each hop is a role ARN, or a mapping with `role-arn`"
        raise ValueError(msg)  # noqa: TRY004 - one error type for every wrong value
    unknown = sorted(set(item) - set(_HOP_KEYS))
    if unknown:
        msg = f"unknown key `{unknown[0][:60]}` in a hop; allowed are {', '.join(_HOP_KEYS)}"
        raise ValueError(msg)
    role = item.get("role-arn", "")
    if not isinstance(role, str) or not re.fullmatch(ROLE_ARN, role, re.ASCII):
        msg = f"`{str(role)[:60]}` is not {ROLE_WORDS}"
        raise ValueError(msg)
    external_id = _text(item, "external-id")
    if external_id and not re.fullmatch(EXTERNAL_ID, external_id, re.ASCII):
        msg = f"`{external_id[:60]}` is not {EXTERNAL_ID_WORDS}"
        raise ValueError(msg)
    return Hop(
        role_arn=role,
        external_id=external_id,
        session_tags=_pairs(item["session-tags"]) if "session-tags" in item else (),
        transitive_tags=_listed(item["transitive-tags"]) if "transitive-tags" in item else (),
        session_policy=_text(item, "session-policy"),
    )


def _text(item: dict[str, object], key: str) -> str:
    value = item.get(key, "")
    if not isinstance(value, str):
        msg = f"`{key}` of a hop takes a text"
        raise ValueError(msg)  # noqa: TRY004 - one error type for every wrong value
    return value


def dump_setting(value: Setting) -> object:
    """Write a parsed value in the YAML and JSON shape that `parse_setting` reads back."""
    if isinstance(value, str):
        return value
    if value and all(isinstance(item, tuple) for item in value):
        return {item[0]: item[1] for item in value if isinstance(item, tuple)}
    return [_dump_hop(item) if isinstance(item, Hop) else item for item in value]


def _dump_hop(hop: Hop) -> object:
    document: dict[str, object] = {"role-arn": hop.role_arn}
    if hop.external_id:
        document["external-id"] = hop.external_id
    if hop.session_tags:
        document["session-tags"] = dict(hop.session_tags)
    if hop.transitive_tags:
        document["transitive-tags"] = list(hop.transitive_tags)
    if hop.session_policy:
        document["session-policy"] = hop.session_policy
    return document if len(document) > 1 else hop.role_arn
