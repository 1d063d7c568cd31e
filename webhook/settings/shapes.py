"""Settings and policy: what the operator said, validated and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.plan import Proxy


@dataclass(frozen=True, slots=True)
class NamespaceSelector:
    """Which namespaces a rule is for; both empty matches all."""

    names: tuple[str, ...] = ()
    """Names, with `*` as in patterns."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label patterns; every one must be there and match."""


@dataclass(frozen=True, slots=True)
class Allow:
    """What a rule permits. `*` stops at `/`, `**` does not; a field left out allows nothing."""

    stores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path patterns by store name (or `*`)."""
    roles: tuple[str, ...] = ()
    """Patterns of every AWS role, Google service account and Azure client id that is used."""
    vault_roles: tuple[str, ...] = ()
    vault_namespaces: tuple[str, ...] = ()
    """Patterns of the namespaces of reads and logins; none permits the root namespace only."""
    vault_auth_mounts: tuple[str, ...] = ()
    """Patterns of login mounts; none permits the operator's and the one called as its method."""
    on_change: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    ambient: bool = False
    http: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy rule; the first whose namespaces match decides."""

    name: str
    namespaces: NamespaceSelector
    allow: Allow
    enforce: str = "deny"
    """`deny`, or `warn`: admit, warn and count."""


@dataclass(frozen=True, slots=True)
class InjectorSettings:
    """How our containers look."""

    image: str = "syrette:dev"
    pull_policy: str = ""
    pull_secret: str = ""
    uid: int = 65532
    memory_limit: str = "128Mi"
    memory_request: str = "48Mi"
    cpu_limit: str = "500m"
    cpu_request: str = "10m"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the operator said, validated."""

    cluster: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Options without our domain, the farthest scope; placeholders not yet filled."""
    stores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Operator's stores as decoded YAML, checked for keys; placeholders not yet filled."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """By `<family>.<service>`, `aws.sts`."""
    ca_bundle: str = ""
    allowed_addresses: tuple[str, ...] = ()
    allowed_audiences: tuple[str, ...] = ()
    ignored_containers: tuple[str, ...] = ("istio-proxy", "linkerd-proxy")
    env_files: str = "auto"
    sops_keys: tuple[str, ...] = ()
    proxy: Proxy | None = None
    audit_references: bool = True
    injector: InjectorSettings = field(default_factory=InjectorSettings)
    policy: tuple[Rule, ...] = ()
    own_namespace: str = "syrette"
    system_namespaces: tuple[str, ...] = ("kube-system",)
