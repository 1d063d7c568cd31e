"""
A pod's plan for this machine: the same secrets, read with the developer's own credentials.

Policy is not asked about those. It guards a cluster against its pods' authors, who would get the
*node's* role by `ambient`; here the credentials are the developer's before and after, and can read
what the cloud lets the developer read. Everything else of the decision stays the webhook's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.identity.interface import AMBIENT
from syrette.errors import InputError
from webhook.settings import Allow, NamespaceSelector, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.plan import Plan
    from injector.contract.stores import Store
    from webhook.settings import Settings

_CHAIN: Final = (
    "assume-role",
    "duration",
    "external-id",
    "session-policy",
    "session-tags",
    "transitive-tags",
)
"""Fields of a store that say which roles are taken on after the login."""


def permitting_ambient(settings: Settings) -> Settings:
    """Permit `ambient` wherever a pod asks for it, and nothing else that was not permitted."""
    if settings.policy:
        rules = (replace(rule, allow=replace(rule.allow, ambient=True)) for rule in settings.policy)
        return replace(settings, policy=tuple(rules))
    everything = Allow(
        stores={"*": ("**", "arn:**")},
        roles=("**",),
        vault_roles=("**",),
        vault_namespaces=("**",),
        vault_auth_mounts=("**",),
        on_change=("http", "restart", "signal"),
        audiences=settings.allowed_audiences,
        ambient=True,
    )
    return replace(settings, policy=(Rule("none", NamespaceSelector(), everything),))


def local(plan: Plan, *, without_roles: bool) -> Plan:
    """
    Replace every AWS store's login by the SDK's own chain (environment, profile, SSO).

    No sidecar follows: what was logged in to is given back, but for the tokens of leases.

    Args:
        plan: as a pod would get it.
        without_roles: leave out the chains of roles, too, with what is said to them.

    Raises:
        InputError: for a store that only a pod's own token opens.
    """
    for store in plan.stores:
        if (needed := _only_in_a_pod(store)) is not None:
            raise InputError(
                f"store `{store.name}`: {needed}; `syrette check` reads in a cluster and tells "
                "what the pod would get"
            )
    left_out = _CHAIN if without_roles else ()
    stores = tuple(_ambient(store, left_out) for store in plan.stores)
    return replace(plan, stores=stores, init_only=True)


def _only_in_a_pod(store: Store) -> str | None:
    """Say which login needs what a pod alone has."""
    if store.family == "vault" and store.signer is None:
        return f"the Vault login `{store.text('auth')}` needs a token of the pod's service account"
    if store.family == "azure":
        return "the login to Azure needs a token of the pod's service account"
    if store.family == "sops":
        return "documents are mounted by the kubelet of a pod; `sops --decrypt` reads one here"
    if store.family == "gcp":
        return f"the Google token source `{store.text('auth')}` is the pod's own"
    return None


def _ambient(store: Store, left_out: Sequence[str]) -> Store:
    if store.signer is not None:
        return replace(store, signer=_ambient(store.signer, left_out))
    if store.family != "aws":
        return store
    kept = {name: value for name, value in store.settings.items() if name not in left_out}
    return replace(store, settings={**kept, "auth": AMBIENT})
