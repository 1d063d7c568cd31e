"""
Who the pod is to Vault, decided here so that the plan is explicit.

Method, mount and audience are written into the store. What only another method has a use for is
refused where it was given together with the method or nearer; what stands farther away, such as
the operator's default for pods that log in otherwise, is not used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract.stores import Store
from webhook.annotations.intent import Scope

if TYPE_CHECKING:
    from injector.contract.stores import Setting
    from webhook.annotations.intent import ConfiguredStore
    from webhook.errors import Problems

KUBERNETES: Final = "kubernetes"
"""The method where nobody names one."""
AWS: Final = "aws"
AUDIENCE: Final = "vault"
SIGNER: Final = "aws-secretsmanager"
"""The store that signs where nobody names one; built-in AWS stores are one login."""

TOKENS: Final = "auth/token/"
"""Paths that make, change or show a token: none of that is a secret for a file."""

_SIGNED: Final = ("aws-server-id", "aws-sts", "aws-store")
_API: Final = "/v1"


def resolve(configured: ConfiguredStore, problems: Problems) -> ConfiguredStore:
    """Write method, mount and what the method needs into the settings of a Vault store."""
    store = configured.store
    settings: dict[str, Setting] = dict(store.settings)
    scopes = dict(configured.field_scopes)
    method = store.text("auth", KUBERNETES)
    for name in ("audience",) if method == AWS else _SIGNED:
        if name not in settings:
            continue
        if _belongs_to_the_method(configured, name):
            configured.refuse(name, _unused(name, method), problems)
        del settings[name], scopes[name]
    settings["auth"] = method
    settings.setdefault("auth-mount", method)
    if method == AWS:
        settings.setdefault("aws-sts", "regional")
        settings.setdefault("aws-store", SIGNER)
    else:
        settings.setdefault("audience", AUDIENCE)
    if store.text("address").rstrip("/").endswith(_API):
        message = f"leave out the `{_API}`: each request puts it behind the address"
        configured.refuse("address", message, problems)
    resolved = Store(store.name, store.provider, settings)
    return replace(configured, store=resolved, field_scopes=scopes)


def _belongs_to_the_method(configured: ConfiguredStore, name: str) -> bool:
    """Whether a field was given with the method in mind: beside it, or nearer."""
    scopes = configured.field_scopes
    place, chosen = configured.origin_of(name).key, configured.origin_of("auth").key
    if configured.origin.key not in {"", place} and chosen == configured.origin.key:
        return False  # a named store says how, and the field is of the family's options
    return scopes[name] > Scope.OPERATOR and scopes[name] >= scopes.get("auth", Scope.OPERATOR)


def _unused(name: str, method: str) -> str:
    if name == "audience":
        return "the login `aws` signs a request and has no audience; remove it"
    return f"is for the login `aws`, and the login is {method}; remove it, or set `auth: aws`"
