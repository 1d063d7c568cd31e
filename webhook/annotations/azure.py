"""
Who the pod is to Azure, decided here so that the plan is explicit.

Tenant and client are a managed identity's or an application's; the cloud decides which hosts there
are, and the audience is the federated credential's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract.azure import CLOUDS, PUBLIC
from injector.contract.stores import Store

if TYPE_CHECKING:
    from webhook.annotations.intent import ConfiguredStore

NEEDED: Final = ("tenant-id", "client-id")
"""Fields without which there is no login."""


def resolve(configured: ConfiguredStore) -> ConfiguredStore:
    """Write cloud and audience into the settings of an Azure store."""
    store = configured.store
    cloud = store.text("cloud", PUBLIC)
    settings = {"audience": CLOUDS[cloud].audience, "cloud": cloud, **store.settings}
    # A client has one spelling here, so that the policy's patterns need to know one.
    settings |= {name: store.text(name).lower() for name in NEEDED if store.text(name)}
    return replace(configured, store=Store(store.name, store.provider, settings))
