"""
What both programs know of Google: where a pod's token comes from, and how a secret is named.

The webhook projects tokens and mounts Secrets by the order of the sources, the injector logs in by
it. What becomes part of a host name is the location of a regional secret, and has a DNS label's
shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.contract.field import DNS_LABEL

if TYPE_CHECKING:
    from injector.contract.stores import Store

IAM: Final = "https://iam.googleapis.com"
"""In front of a provider's name it is the audience that the provider takes by default."""
AUTO: Final = "auto"
METADATA: Final = "metadata"
"""The one source that is there without being given: the node's own, or GKE's for the pod."""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """One way to a Google token."""

    name: str
    """As in the field `auth`."""
    field: str
    """Field of the store that gives it; empty for what is always there."""
    doc: str
    """What the login does."""


SOURCES: Final = (
    TokenSource(
        "access-token",
        "access-token-secret",
        "shows the access token of a mounted Secret, which somebody else keeps fresh",
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
    ),
    TokenSource(METADATA, "", "asks the metadata server of the node"),
)
"""In the order in which `auto` looks for them."""


SOURCE_FIELDS: Final = tuple(row.field for row in SOURCES if row.field)
"""Fields of a store that give a source."""


def source_of(store: Store) -> str:
    """Name the source of a Google store's token: what `auth` says, else the first that is given."""
    chosen = store.text("auth", AUTO)
    if chosen != AUTO:
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
    usual = usual_audience(store)
    return store.text("audience", usual) if usual else ""


def usual_audience(store: Store) -> str:
    """
    Audience that Google expects where nobody says another; empty where the login needs none.

    https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
    """
    name = source_of(store)
    if name == "federation":
        return f"{IAM}/{store.text('workload-identity-provider')}"
    return identity_pool(store.text("gke-cluster")) if name == "gke" else ""


def identity_pool(cluster: str) -> str:
    """Workload identity pool of a GKE cluster (`projects/<project>/locations/…/clusters/…`)."""
    return f"{cluster.split('/')[1]}.svc.id.goog" if "/" in cluster else ""


# https://cloud.google.com/resource-manager/docs/creating-managing-projects: an id or a number; old
# ids have a domain in front.
_PROJECT: Final = r"[a-z0-9][-a-z0-9:.]{0,62}"
# https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
_SECRET: Final = r"[A-Za-z0-9_-]{1,255}"  # noqa: S105 - a pattern
_NAME: Final = re.compile(
    rf"projects/(?P<project>{_PROJECT})(/locations/(?P<location>{DNS_LABEL}))?"
    rf"/secrets/(?P<secret>{_SECRET})"
)
_BARE: Final = re.compile(_SECRET)
VERSION: Final = r"[1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62}"
"""A number, `latest` or an alias (Secret Manager API, `Secret.versionAliases`)."""
_WRITE: Final = "write `projects/<project>/secrets/<id>`, or its id and give `gcp.project`"


class InvalidPathError(ValueError):
    """A path that names no secret; the text says what to write."""


@dataclass(frozen=True, slots=True)
class SecretName:
    """What a path names."""

    project: str
    location: str
    """Of a regional secret, else empty."""
    secret: str

    def __str__(self) -> str:
        """As in the API: `projects/<project>[/locations/<location>]/secrets/<id>`."""
        where = f"/locations/{self.location}" if self.location else ""
        return f"projects/{self.project}{where}/secrets/{self.secret}"


def parse_path(path: str, project: str, region: str) -> SecretName:
    """
    Find which secret a path means.

    Args:
        path: a full name, or a secret's id.
        project: of an id; may be empty.
        region: of a regional secret, where the path does not say it; may be empty.

    Raises:
        InvalidPathError: for what is no name of a secret or a region.
    """
    match = _NAME.fullmatch(path)
    if "/versions/" in path:
        version = path.rpartition("/")[2]
        msg = f"`{path[:120]}` has a version at its end: write `?version={version[:63]}`"
        raise InvalidPathError(msg)
    if match is None and not _BARE.fullmatch(path):
        msg = f"`{path[:120]}` is no secret: {_WRITE}"
        raise InvalidPathError(msg)
    if match is None and not re.fullmatch(_PROJECT, project):
        msg = f"`{path}` has no project, and the store gives none in `project`: {_WRITE}"
        raise InvalidPathError(msg)
    if region and not re.fullmatch(DNS_LABEL, region):
        msg = "the option `region` is no location such as europe-west3"
        raise InvalidPathError(msg)
    if "global" in (region, match["location"] if match else ""):
        msg = "secrets that are in no region have no location: leave out `global`"
        raise InvalidPathError(msg)
    if match is None:
        return SecretName(project, region, path)
    if region and match["location"] not in {None, region}:
        msg = f"`{path}` is in another region than the option `region`"
        raise InvalidPathError(msg)
    return SecretName(match["project"], region or match["location"] or "", match["secret"])
