"""
Who the pod is to Google, decided here so that the plan is explicit.

The source of the token, its audience and the operator's endpoints are written into the store, and
what the source has no use for is left out, so that no Secret is mounted which nobody reads. Of
several sources the nearest scope's counts, and of those the first in Google's row of sources.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from injector.contract import google
from injector.contract.names import DOMAIN
from injector.contract.stores import Store
from webhook.annotations import endpoints
from webhook.annotations.intent import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.stores import Setting
    from webhook.annotations.intent import ConfiguredStore
    from webhook.errors import Problems

ACCOUNT: Final = "service-account"
_DELEGATES: Final = "delegates"
_PLATFORM: Final = "iam.gke.io/"
"""Domain of the annotation that names the pod's own account."""
_OTHERS: Final = ("access-token", "credentials")
"""Sources that are somebody else's identity: the pod's own account is not taken on from there."""


def resolve(
    configured: ConfiguredStore, operators: Mapping[str, str], problems: Problems
) -> ConfiguredStore:
    """Write source, audience and endpoints into the settings of a Google store."""
    store = configured.store
    chosen = _source(configured)
    row = google.source(chosen)
    if row.field and not store.text(row.field):
        configured.refuse("auth", f"the source `{chosen}` needs `{row.field}`", problems)
        return configured
    settings: dict[str, Setting] = {**store.settings, "auth": chosen}
    usual = google.usual_audience(Store(store.name, store.provider, settings))
    for name in _unused(configured, chosen, audience=bool(usual)):
        if name != ACCOUNT and _is_meant(configured, name):
            configured.refuse(name, _why(name, chosen), problems)
        del settings[name]
    if usual:
        settings.setdefault("audience", usual)
    if _DELEGATES in settings and ACCOUNT not in settings:
        message = (
            f"lead to a service account, which nobody gives: add `{DOMAIN}/gcp.{ACCOUNT}`, or "
            "`service-account` to the store"
        )
        configured.refuse(_DELEGATES, message, problems)
    scopes = {name: it for name, it in configured.field_scopes.items() if name in settings}
    addresses = endpoints.of_family(store, operators)
    if addresses:
        settings["endpoints"] = addresses
        scopes.setdefault("endpoints", Scope.OPERATOR)
    resolved = Store(store.name, store.provider, settings)
    return replace(configured, store=resolved, field_scopes=scopes)


def _source(configured: ConfiguredStore) -> str:
    """What is chosen, or the first of the sources that the nearest scope gives."""
    store, scopes = configured.store, configured.field_scopes
    if store.text("auth", google.AUTO) != google.AUTO:
        return store.text("auth")
    given = [name for name in google.SOURCE_FIELDS if store.text(name)]
    nearest = max((scopes[name] for name in given), default=Scope.OPERATOR)
    kept = {name: store.settings[name] for name in given if scopes[name] == nearest}
    return google.source_of(Store(store.name, store.provider, kept))


def _unused(configured: ConfiguredStore, chosen: str, *, audience: bool) -> list[str]:
    """Fields that are given, and that the source has no use for."""
    field = google.source(chosen).field
    unused = {name for name in google.SOURCE_FIELDS if name != field}
    if not audience:
        unused.add("audience")
    if chosen in _OTHERS and configured.origin_of(ACCOUNT).key.startswith(_PLATFORM):
        unused.add(ACCOUNT)
    return [name for name in configured.store.settings if name in unused]


def _is_meant(configured: ConfiguredStore, name: str) -> bool:
    """Whether a field was given beside the choice of the source, or nearer than it."""
    scopes = configured.field_scopes
    if configured.store.text("auth", google.AUTO) == google.AUTO:
        # Of sources the order decides, and a nearer one counts; an audience is never without one.
        return name == "audience" and scopes[name] > Scope.OPERATOR
    place, chosen = configured.origin_of(name).key, configured.origin_of("auth").key
    if configured.origin.key not in {"", place} and chosen == configured.origin.key:
        return False  # a named store says how, and the field is of the family's options
    return scopes[name] > Scope.OPERATOR and scopes[name] >= scopes["auth"]


def _why(name: str, chosen: str) -> str:
    if name == "audience":
        return f"the source `{chosen}` has no token with an audience; remove it"
    source = next(row.name for row in google.SOURCES if row.field == name)
    return (
        f"is for the source `{source}`, and the source is `{chosen}`; remove it, or change `auth`"
    )
