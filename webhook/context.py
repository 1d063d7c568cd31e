"""Cluster facts that a decision needs, looked up before the pure room runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import total_ordering
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION = re.compile(r"v?(?P<major>[0-9]+)\.(?P<minor>[0-9]+)")


@total_ordering
@dataclass(frozen=True, slots=True)
class KubernetesVersion:
    """Major and minor of a server or kubelet; the patch level decides nothing here."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> KubernetesVersion:
        """
        Parse `v1.33.2-eks-1`, `1.37` and the like.

        Raises:
            ValueError: if `text` does not start like a version.
        """
        match = _VERSION.match(text)
        if match is None:
            msg = f"`{text[:40]}` is no Kubernetes version such as 1.33"
            raise ValueError(msg)
        return cls(int(match["major"]), int(match["minor"]))

    def __lt__(self, other: KubernetesVersion) -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


NEWEST: Final = KubernetesVersion(1, 37)
"""The newest Kubernetes that this version was tried on."""


@dataclass(frozen=True, slots=True)
class Kubelet:
    """The oldest kubelet of the cluster's nodes."""

    version: KubernetesVersion
    text: str
    """The version as the node reports it."""
    node: str


@dataclass(frozen=True, slots=True)
class LimitRange:
    """The `Container` item of one LimitRange, quantities as text by resource name."""

    minimum: Mapping[str, str] = field(default_factory=dict)
    maximum: Mapping[str, str] = field(default_factory=dict)
    max_ratio: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the cluster for one admission."""

    namespace: str
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    namespace_annotations: Mapping[str, str] = field(default_factory=dict)
    service_account: str = "default"
    service_account_annotations: Mapping[str, str] = field(default_factory=dict)
    server_version: KubernetesVersion = NEWEST
    oldest_kubelet: Kubelet | None = None
    """None when the nodes are not known; then the server version stands for them."""
    limit_ranges: tuple[LimitRange, ...] = ()
    quota_resources: frozenset[str] = frozenset()
    """Resource names that the namespace's ResourceQuotas limit, as `limits.cpu`."""
    openshift: bool = False
