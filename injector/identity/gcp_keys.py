"""From a Google store and a pod to a session key: pure, with every input of the login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.contract import google, names
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.interface import Identity, SessionKey

if TYPE_CHECKING:
    from injector.contract.stores import Store

ACCESS_TOKEN: Final = "gcp-access-token"  # noqa: S105 - a method's name
FEDERATION: Final = "gcp-federation"
GKE: Final = "gcp-gke"
CREDENTIALS: Final = "gcp-credentials"
METADATA: Final = "gcp-metadata"
IMPERSONATION: Final = "gcp-impersonation"

CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"
IAM_SCOPE: Final = "https://www.googleapis.com/auth/iam"
"""All that a federated token needs which only impersonates."""
# The service of each source that is asked; a mounted access token asks none.
_ENDPOINTS: Final = {
    "access-token": "",
    "federation": "sts",
    "gke": "sts",
    "credentials": "oauth2",
    "metadata": "metadata",
}


def gcp_key(store: Store, identity: Identity) -> SessionKey:
    """
    Name the login that the reads of a Google store need; what only reads differ in is not in it.

    Args:
        store: a Google store, as admission left it.
        identity: the pod.

    Raises:
        InjectorError: for a source without what it needs, and delegates without an account.
    """
    account = store.text("service-account")
    delegates = store.names("delegates")
    if delegates and not account:
        msg = f"store `{store.name}`: `delegates` lead to a `service-account`, which is not given"
        raise InjectorError(Reason.INVALID_STORE, msg)
    base = _base(store, identity, impersonating=bool(account))
    if not account:
        return base
    inputs = _owner(store, identity) | {
        "google-account": account,
        "delegates": ",".join(delegates),
        "scope": CLOUD_PLATFORM,
        "endpoint.iamcredentials": dict(store.pairs("endpoints")).get("iamcredentials", ""),
    }
    return SessionKey.of("gcp", IMPERSONATION, inputs, base)


def federated_principal(key: SessionKey) -> str:
    """
    Write the pod as IAM knows it after an exchange.

    Of a provider it is so where `google.subject` is mapped from the token's `sub`, as usual.
    """
    namespace, account = key.input("namespace"), key.input("service-account")
    if key.method == GKE:
        return f"serviceAccount:{google.identity_pool(key.input('cluster'))}[{namespace}/{account}]"
    pool = key.input("provider").partition("/providers/")[0]
    return (
        f"principal://iam.googleapis.com/{pool}/subject/system:serviceaccount:{namespace}:{account}"
    )


def _base(store: Store, identity: Identity, *, impersonating: bool) -> SessionKey:
    chosen = google.source_of(store)
    row = google.source(chosen)
    given = store.text(row.field) if row.field else ""
    if row.field and not given:
        msg = f"store `{store.name}`: `auth: {chosen}` needs `{row.field}`"
        raise InjectorError(Reason.INVALID_STORE, msg)
    inputs = _owner(store, identity) | {"scope": CLOUD_PLATFORM}
    service = _ENDPOINTS[chosen]
    inputs[f"endpoint.{service}"] = dict(store.pairs("endpoints")).get(service, "")
    audience = google.audience_of(store)
    if audience:
        inputs["audience"] = audience
        inputs["token-file"] = f"{names.TOKEN_DIRECTORY}/{names.token_file(audience)}"
    if chosen == "federation":
        inputs |= {
            "provider": given,
            "sts-audience": f"//iam.googleapis.com/{given}",
            "expected-audience": f"{google.IAM}/{given}",
            "scope": IAM_SCOPE if impersonating else CLOUD_PLATFORM,
        }
    elif chosen == "gke":
        pool = google.identity_pool(given)
        cluster = f"https://container.googleapis.com/v1/{given}"
        inputs |= {
            "cluster": given,
            "sts-audience": f"identitynamespace:{pool}:{cluster}",
            "expected-audience": pool,
        }
    elif given:
        inputs |= {"secret": given}
    return SessionKey.of("gcp", f"gcp-{chosen}", inputs)


def _owner(store: Store, identity: Identity) -> dict[str, str]:
    return {
        "namespace": identity.namespace,
        "service-account": identity.service_account,
        "ca-bundle": store.text("ca-bundle"),
    }
