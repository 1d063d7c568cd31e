"""
Stores made ready for the plan: who the pod is to each, whose signature logs in, what it may say.

Whatever takes part in a login is resolved and checked here, so that an AWS store that only signs a
login at Vault is held to everything that it would be held to if a secret were read from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from injector.contract.stores import PROVIDERS
from webhook.annotations import azure, gcp, identity, placeholders, sops, trust, vault
from webhook.annotations.intent import Scope
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from webhook.annotations.intent import ConfiguredStore
    from webhook.annotations.stores import Stores
    from webhook.errors import Problems
    from webhook.settings import Settings


_USUAL: Final = ("aws-secretsmanager", "vault", "gcp-secretmanager", "azure-keyvault")
"""Built-in stores, one of each login, that decrypt where nobody names others."""


class Resolution:
    """The stores of one admission, each resolved and checked once."""

    def __init__(self, stores: Stores, settings: Settings, problems: Problems) -> None:
        self._stores = stores
        self._settings = settings
        self._problems = problems
        self._ready: dict[str, ConfiguredStore | None] = {}
        self._families: dict[str, ConfiguredStore] = {}

    def resolve(self, name: str) -> ConfiguredStore | None:
        """Make the store of that name ready, None when there is none or it is malformed."""
        if name not in self._ready:
            self._ready[name] = self._resolve(name)
        return self._ready[name]

    def _resolve(self, name: str) -> ConfiguredStore | None:
        configured = self._stores.configure(name)
        if configured is None:
            return None
        family = configured.store.family
        if name in PROVIDERS and family in self._families:
            # Built-in stores of one family differ in nothing but their name.
            sibling = self._families[family]
            return replace(sibling, store=replace(sibling.store, name=name, provider=name))
        if self._stores.sound(name):
            configured = self._identified(configured)
        trust.check(configured, self._settings, self._problems)
        if name in PROVIDERS:
            self._families[family] = configured
        return configured

    def _identified(self, configured: ConfiguredStore) -> ConfiguredStore:
        endpoints, problems = self._settings.endpoints, self._problems
        match configured.store.family:
            case "aws":
                return identity.resolve(configured, endpoints, problems)
            case "vault":
                resolved = vault.resolve(configured, problems)
                return replace(resolved, signer=self._signer(resolved))
            case "gcp":
                return gcp.resolve(configured, endpoints, problems)
            case "azure":
                return azure.resolve(configured)
            case _:
                resolved = sops.resolve(configured, self._allowed_keys(), problems)
                return self._decrypting(resolved)

    def _allowed_keys(self) -> tuple[str, ...]:
        """The operator's patterns of keys for this pod; one without a value matches nothing."""
        patterns = self._settings.sops_keys
        filled = (placeholders.filled(pattern, self._stores.facts) for pattern in patterns)
        kept = tuple(pattern for pattern in filled if pattern is not None)
        return kept or ((sops.NOTHING,) if patterns else ())

    def _decrypting(self, configured: ConfiguredStore) -> ConfiguredStore:
        """Give a store of documents what decrypts them; something must."""
        key_stores = self._key_stores(configured)
        store = configured.store
        if not key_stores and not store.names("key-stores") and not store.text("age-key-secret"):
            message = (
                f"nothing decrypts the documents of `{store.name}`: add "
                f"`{DOMAIN}/sops.age-key-secret`, or what the login of a provider needs, such as "
                f"`{DOMAIN}/aws.region`"
            )
            configured.refuse("key-stores", message, self._problems)
        return replace(configured, key_stores=key_stores)

    def _key_stores(self, configured: ConfiguredStore) -> tuple[ConfiguredStore, ...]:
        """The stores whose logins may decrypt: those that are named, else what is configured."""
        named = configured.store.names("key-stores")
        found = [self._key_store(name, configured, named=bool(named)) for name in named or _USUAL]
        return tuple(store for store in found if store is not None)

    def _key_store(
        self, name: str, configured: ConfiguredStore, *, named: bool
    ) -> ConfiguredStore | None:
        def refuse(message: str) -> None:
            if named:
                configured.refuse("key-stores", message, self._problems)

        found = self._named(name, configured, "key-stores")
        if found is None:
            return None
        if found.store.family == "sops":
            refuse(f"`{name}` is a store of documents, and no login decrypts there")
            return None
        lacking = sops.lacking(found)
        if lacking and self._stores.sound(name):
            refuse(f"the login of `{name}` needs `{lacking}`, which nobody gives")
        return None if lacking else self.resolve(name)

    def _named(self, name: str, configured: ConfiguredStore, field: str) -> ConfiguredStore | None:
        """Find a store that a field of another one names, among those that it can mean."""
        scope = configured.field_scopes.get(field, Scope.OPERATOR)
        found = self._stores.configure(name) if self._stores.reaches(scope, name) else None
        if found is None:
            known = [it for it in self._stores.names if self._stores.reaches(scope, it)]
            hint = near(name, known) or f"; there are {', '.join(known)}"
            message = f"no store `{name}`{hint}"
            configured.refuse(field, message, self._problems, Reason.UNKNOWN_STORE)
        return found

    def _signer(self, configured: ConfiguredStore) -> ConfiguredStore | None:
        """The AWS store that signs the login, with a region whose STS is asked."""
        if configured.store.text("auth") != vault.AWS:
            return None
        name = configured.store.text("aws-store")
        found = self._named(name, configured, "aws-store")
        if found is None:
            return None
        if found.store.family != "aws":
            message = f"`{name}` is a store of {found.store.provider}; only an AWS store signs"
            configured.refuse("aws-store", message, self._problems)
            return None
        signer = self.resolve(name)
        if not found.store.text("region") and self._stores.sound(name):
            message = (
                f"the login is signed by `{name}`, for which nobody gives a region: add "
                f"`{DOMAIN}/aws.region` or a region in the store"
            )
            place = "aws-store" if "aws-store" in configured.field_origins else "auth"
            configured.refuse(place, message, self._problems)
        return signer
