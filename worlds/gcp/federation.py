"""
Workload identity pools with their providers, and the pools that GKE clusters have.

A provider trusts one issuer and turns a token's claims into attributes. Of CEL, the language of
mappings, it knows what clusters use: `assertion.a.b`, `assertion['a']`, text, and `+`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from worlds.gcp.iam import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worlds.gcp.identities import Project
    from worlds.tokens import Issuer

SUBJECT: Final = "google.subject"
_TERM: Final = re.compile(
    r"\s*(?:'([^']*)'|\"([^\"]*)\"|assertion((?:\.\w+|\[['\"][^'\"]+['\"]\])+))\s*"
)
_STEP: Final = re.compile(r"\.(\w+)|\[['\"]([^'\"]+)['\"]\]")


class MappingError(Exception):
    """An expression that the claims give no text for; the text says which attribute."""


@dataclass(slots=True, eq=False)
class Pool:
    """A workload identity pool."""

    id: str
    project: Project
    disabled: bool = False
    providers: dict[str, Provider] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource; pools are always global, and named by the project's number."""
        return f"projects/{self.project.number}/locations/global/workloadIdentityPools/{self.id}"

    def principal(self, subject: str) -> str:
        """Give the member for one subject."""
        return f"principal://iam.googleapis.com/{self.name}/subject/{subject}"

    def everybody(self) -> str:
        """Give the member for all of the pool."""
        return self.having("*")

    def having(self, attribute: str, value: str = "") -> str:
        """Give the member for all with an attribute, such as `attribute.namespace`, or `group`."""
        end = f"{attribute}/{value}" if value else attribute
        return f"principalSet://iam.googleapis.com/{self.name}/{end}"

    def caller(self, attributes: Mapping[str, str]) -> Principal:
        """Make the principal that has these attributes."""
        name = self.principal(attributes[SUBJECT])
        sets = {self.having(key, value) for key, value in attributes.items() if key != SUBJECT}
        return Principal(name, frozenset({name, self.everybody(), *sets}), self.project.number)


@dataclass(slots=True, eq=False)
class Provider:
    """An OIDC provider of a pool."""

    id: str
    pool: Pool
    issuer: Issuer
    allowed_audiences: Sequence[str] = ()
    """In the place of the two default audiences."""
    mapping: Mapping[str, str] = field(default_factory=lambda: {SUBJECT: "assertion.sub"})
    condition: Callable[[Mapping[str, Any]], bool] | None = None
    """Of the claims; CEL in the real one."""
    uploaded_keys: bool = False
    """Whether the issuer's keys were uploaded, so that it need not be reachable."""
    disabled: bool = False

    def __post_init__(self) -> None:
        """Read the mapping, so that a mistake in it is told at once, as a ValueError."""
        for attribute, expression in self.mapping.items():
            _parse(attribute, expression)

    @property
    def name(self) -> str:
        """The resource."""
        return f"{self.pool.name}/providers/{self.id}"

    @property
    def audience(self) -> str:
        """Of the exchange, and the default audience of subject tokens."""
        return f"//iam.googleapis.com/{self.name}"

    @property
    def audiences(self) -> tuple[str, ...]:
        """What a subject token may be made for."""
        return tuple(self.allowed_audiences) or (self.audience, f"https:{self.audience}")

    def member(self, namespace: str, service_account: str) -> str:
        """Give the member for a Kubernetes service account under the default mapping."""
        return self.pool.principal(f"system:serviceaccount:{namespace}:{service_account}")

    def attributes(self, claims: Mapping[str, Any]) -> dict[str, str]:
        """
        Map claims to attributes.

        Raises:
            MappingError: when an attribute has no text.
        """
        return {key: _evaluate(key, text, claims) for key, text in self.mapping.items()}


@dataclass(slots=True, eq=False)
class Cluster:
    """A GKE cluster with Workload Identity, whose pool is its project's."""

    name: str
    location: str
    project: Project
    issuer: Issuer

    @property
    def pool(self) -> str:
        """The pool, which is also the audience of subject tokens."""
        return f"{self.project.id}.svc.id.goog"

    @property
    def url(self) -> str:
        """The cluster as a provider."""
        place = f"projects/{self.project.id}/locations/{self.location}/clusters/{self.name}"
        return f"https://container.googleapis.com/v1/{place}"

    @property
    def audience(self) -> str:
        """Of the exchange."""
        return f"identitynamespace:{self.pool}:{self.url}"

    def member(self, namespace: str, service_account: str) -> str:
        """Give the member for a Kubernetes service account."""
        return f"serviceAccount:{self.pool}[{namespace}/{service_account}]"

    def principal(self, namespace: str, service_account: str) -> str:
        """Give the same as the newer form of member."""
        place = f"projects/{self.project.number}/locations/global/workloadIdentityPools/{self.pool}"
        subject = f"subject/ns/{namespace}/sa/{service_account}"
        return f"principal://iam.googleapis.com/{place}/{subject}"

    def caller(self, namespace: str, service_account: str) -> Principal:
        """Make the principal of a Kubernetes service account."""
        name = self.member(namespace, service_account)
        direct = self.principal(namespace, service_account)
        base = direct.partition("/subject/")[0].replace("principal:", "principalSet:")
        sets = (f"{base}/namespace/{namespace}", f"{base}/kubernetes.cluster/{self.url}")
        return Principal(name, frozenset({name, direct, *sets}), self.project.number)


def _parse(attribute: str, expression: str) -> list[tuple[str, str]]:
    """Read an expression as texts and paths of claims, of which each pair has one."""
    parts, at = [], 0
    while term := _TERM.match(expression, at):
        single, double, path = term.groups()
        parts.append((single or double or "", path or ""))
        at = term.end()
        if at == len(expression):
            return parts
        if expression[at] != "+":
            break
        at += 1
    msg = f"this world cannot read the mapping of {attribute}: {expression}"
    raise ValueError(msg)


def _evaluate(attribute: str, expression: str, claims: Mapping[str, Any]) -> str:
    parts = _parse(attribute, expression)
    return "".join(_claim(attribute, path, claims) if path else text for text, path in parts)


def _claim(attribute: str, path: str, claims: Mapping[str, Any]) -> str:
    value: Any = claims
    for dotted, quoted in _STEP.findall(path):
        value = value.get(dotted or quoted) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise MappingError(attribute)
    return value
