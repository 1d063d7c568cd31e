"""
Where a pod's Google token comes from: the order, the rule of `auto`, and what each source needs.

The webhook projects tokens and mounts Secrets by it, the injector logs in by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from injector.contract.stores import Store

IAM: Final = "https://iam.googleapis.com"
"""In front of a provider's name it is the audience that the provider takes by default."""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """One way to a Google token."""

    name: str
    """As in the field `auth`."""
    field: str
    """Field of the store that gives it; empty for what is always there."""
    doc: str
    """What the login does."""
    secret: bool = False
    """Whether the field names a Kubernetes Secret that must be mounted."""


SOURCES: Final = (
    TokenSource(
        "access-token",
        "access-token-secret",
        "shows the access token of a mounted Secret, which somebody else keeps fresh",
        secret=True,
    ),
    TokenSource(
        "federation",
        "workload-identity-provider",
        "exchanges the projected token at Google's STS by workload identity federation",
    ),
    TokenSource(
        "gke",
        "gke-cluster",
        "exchanges the projected token at Google's STS by the GKE cluster's workload identity",
    ),
    TokenSource(
        "credentials",
        "credentials-secret",
        "logs in with the service account's key or the user's credentials of a mounted Secret",
        secret=True,
    ),
    TokenSource("metadata", "", "asks the metadata server of the node"),
)
"""In the order in which `auto` looks for them."""


def source_of(store: Store) -> str:
    """Name the source of a Google store's token: what `auth` says, else the first that is given."""
    chosen = store.text("auth", "auto")
    if chosen != "auto":
        return chosen
    return next(row.name for row in SOURCES if not row.field or store.text(row.field))


def source(name: str) -> TokenSource:
    """
    Give the row of a source.

    Raises:
        KeyError: if there is none of that name.
    """
    for row in SOURCES:
        if row.name == name:
            return row
    raise KeyError(name)


def audience_of(store: Store) -> str:
    """Audience of the projected token that the login needs; empty where it needs none."""
    name = source_of(store)
    if name == "federation":
        return store.text("audience", f"{IAM}/{store.text('workload-identity-provider')}")
    if name == "gke":
        return store.text("audience", identity_pool(store.text("gke-cluster")))
    return ""


def secret_of(store: Store) -> str:
    """Kubernetes Secret that the login needs, `<name>/<key>`; empty where it needs none."""
    row = source(source_of(store))
    return store.text(row.field) if row.secret else ""


def identity_pool(cluster: str) -> str:
    """Workload identity pool of a GKE cluster (`projects/<project>/locations/…/clusters/…`)."""
    return f"{cluster.split('/')[1]}.svc.id.goog" if "/" in cluster else ""
