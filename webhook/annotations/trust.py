"""
What only the operator may say: where logins go, whose certificates count, which audiences exist.

Whoever may edit a service account could otherwise send its pods' tokens elsewhere or feed them
false secrets. Addresses of others must be https and in `allowed-addresses`; audiences must be the
provider's usual one, one of the operator's defaults or stores, or in `allowed-audiences`. The API
server's own audience is refused whoever gives it: such a token would be the pod's cluster
credential.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from injector.contract import azure, google
from injector.contract.reasons import Reason
from injector.contract.stores import PROVIDERS
from webhook.annotations import vault
from webhook.annotations.identity import POD_IDENTITY_AUDIENCE, WEB_IDENTITY_AUDIENCE
from webhook.annotations.intent import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from injector.contract.stores import Store
    from webhook.annotations.intent import ConfiguredStore
    from webhook.errors import Problems
    from webhook.settings import Settings

AUDIENCES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "aws": frozenset({WEB_IDENTITY_AUDIENCE, "sts.amazonaws.com.cn", POD_IDENTITY_AUDIENCE}),
        "vault": frozenset({vault.AUDIENCE}),
        "azure": frozenset(cloud.audience for cloud in azure.CLOUDS.values()),
    }
)
"""
Audiences that the providers' own documents name, by family: everybody may use them there, and there
only, since a token of AWS's audience that is sent to a Vault would be the pod's role in its hands.
"""
# Issuers of managed clusters, which are their API servers' audiences too.
_ISSUERS: Final = ("https://oidc.eks.", "https://container.googleapis.com/v1/projects/")
_ISSUER_HOSTS: Final = (".oic.prod-aks.azure.com", ".azmk8s.io")
_HTTPS_PORT: Final = 443


def check(configured: ConfiguredStore, settings: Settings, problems: Problems) -> None:
    """Note the fields of a store that its scope may not give so."""
    for row_name, scope in configured.field_scopes.items():
        wrong = _field_problem(configured, row_name, scope, settings)
        if wrong is not None:
            reason, message = wrong
            configured.refuse(row_name, message, problems, reason)


def _field_problem(
    configured: ConfiguredStore, name: str, scope: Scope, settings: Settings
) -> tuple[Reason, str] | None:
    store = configured.store
    if name == "audience":
        return _audience_problem(store, scope, settings)
    if scope is Scope.OPERATOR:
        return None
    # Trust goes with an address of the store's own, which is checked under `address`.
    own_address = configured.field_scopes.get("address", Scope.OPERATOR) is not Scope.OPERATOR
    if name == "ca-bundle" and not own_address:
        return Reason.POLICY_DENIED, "certificates to trust are the operator's to give"
    if name == "allowed-keys":
        return Reason.POLICY_DENIED, "which keys documents may name is the operator's to say"
    given: tuple[str, ...] = ()
    if name == "address":
        given = (store.text(name),)
    elif name == "endpoints":
        given = tuple(url for _, url in store.pairs(name))
    for url in given:
        if not address_allowed(url, settings.allowed_addresses):
            message = (
                f"`{url[:80]}` is not in the operator's `allowed-addresses`; addresses are the "
                "operator's to give"
            )
            return Reason.POLICY_DENIED, message
    return None


def is_api_server(audience: str) -> bool:
    """Whether a token for this audience would be a credential of the cluster itself."""
    text = audience.strip().lower()
    host = text.removeprefix("https://").partition("/")[0].partition(":")[0]
    return (
        not text
        or host in {"kubernetes", "kubernetes.default", "k3s"}
        or host.startswith("kubernetes.default.svc")
        or text.startswith(_ISSUERS)
        or host.endswith(_ISSUER_HOSTS)
    )


def is_usual(store: Store) -> bool:
    """Whether the store's audience is one that its provider's own documents name."""
    audience = store.text("audience")
    if store.family == "gcp":
        # Each provider and each cluster has its own, which no other one takes.
        return bool(audience) and audience == google.usual_audience(store)
    return audience in AUDIENCES.get(store.family, ())


def _audience_problem(store: Store, scope: Scope, settings: Settings) -> tuple[Reason, str] | None:
    audience, family = store.text("audience"), store.family
    if is_api_server(audience):
        message = (
            f"`{audience[:80]}` is the API server's own audience; its tokens stay in the cluster"
        )
        return Reason.POLICY_DENIED, message
    if scope is Scope.OPERATOR or audience in settings.allowed_audiences:
        return None
    if is_usual(store) or settings.defaults.get(f"{family}.audience") == audience:
        return None
    if any(
        fields.get("audience") == audience and PROVIDERS[fields["provider"]].family == family
        for fields in settings.stores.values()
    ):
        return None
    message = f"the audience `{audience[:80]}` is not in the operator's `allowed-audiences`"
    return Reason.POLICY_DENIED, message


def address_allowed(url: str, allowed: Iterable[str]) -> bool:
    """Whether an https address is one of the allowed: same host and port, path below theirs."""
    target = _parts(url)
    return target is not None and any(_within(target, _parts(entry)) for entry in allowed)


def address(text: str) -> str:
    """
    Parse an entry of `allowed-addresses`: an https origin, with `*.` for one label in front.

    Raises:
        ValueError: for anything else.
    """
    parts = _parts(text)
    if parts is None or "*" in parts[0].removeprefix("*.") or "." not in parts[0]:
        msg = f"`{text[:80]}` is not an address such as https://vault.acme.io:8200"
        raise ValueError(msg)
    return text


def audience(text: str) -> str:
    """
    Parse an entry of `allowed-audiences`.

    Raises:
        ValueError: for the API server's own.
    """
    if is_api_server(text) or not text.isprintable():
        msg = f"`{text[:80]}` is the API server's own audience, or none"
        raise ValueError(msg)
    return text


def _parts(url: str) -> tuple[str, int, str] | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _HTTPS_PORT
    except ValueError:
        return None
    odd = parts.username is not None or parts.query or parts.fragment or "\\" in url
    # An escape or another script's dot may become a dot or a slash on its way.
    odd = odd or "%" in url or not url.isascii()
    if parts.scheme != "https" or not host or odd:
        return None
    return host, port, parts.path.rstrip("/") + "/"


def _within(target: tuple[str, int, str], entry: tuple[str, int, str] | None) -> bool:
    if entry is None or target[1] != entry[1] or not target[2].startswith(entry[2]):
        return False
    if {".", ".."} & set(target[2].split("/")):
        return False
    if entry[0].startswith("*."):
        label, dot, rest = target[0].partition(".")
        return bool(label and dot) and rest == entry[0][2:]
    return target[0] == entry[0]
