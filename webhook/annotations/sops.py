"""
Stores of SOPS documents, made explicit: which Secret has identities of age, which keys are allowed.

Whose logins may decrypt is resolved with the other stores (`resolution`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract import google
from injector.contract.sops import AGE_KEY
from injector.contract.stores import Store
from webhook.annotations import azure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.stores import Setting
    from webhook.annotations.intent import ConfiguredStore
    from webhook.errors import Problems

_AGE: Final = "age-key-secret"
_ALLOWED: Final = "allowed-keys"
NOTHING: Final = "(no key)"
"""A pattern that no key has, for patterns of which none has a value."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "aws": ("region",),
    "vault": ("address", "role"),
    "gcp": (),
    "azure": azure.NEEDED,
}
"""Fields without which there is no login, by family."""


def resolve(
    configured: ConfiguredStore, allowed: tuple[str, ...], problems: Problems
) -> ConfiguredStore:
    """
    Write the key of the Secret and the operator's patterns into the settings.

    Args:
        configured: a store of documents.
        allowed: `sops-keys` of the operator's configuration, for this pod.
        problems: where a MAC that is not verified is warned of.
    """
    store = configured.store
    settings: dict[str, Setting] = dict(store.settings)
    secret = store.text(_AGE)
    if secret and "/" not in secret:
        settings[_AGE] = f"{secret}/{AGE_KEY}"
    if allowed:
        settings.setdefault(_ALLOWED, allowed)
    if store.text("mac") == "ignore":
        place = configured.origin_of("mac")
        problems.warn(f"{place}: documents may be changed or old, their MAC is not verified")
    return replace(configured, store=Store(store.name, store.provider, settings))


def lacking(configured: ConfiguredStore) -> str:
    """Name what a store's login needs and nobody gives; empty for a login that can be."""
    store = configured.store
    missing = next((name for name in _NEEDED[store.family] if not store.text(name)), "")
    if store.family == "gcp" and google.source_of(store) == google.METADATA:
        # The node's account is nobody's default.
        chosen = store.text("auth", google.AUTO) == google.METADATA
        return "" if chosen else google.SOURCES[1].field
    return missing
