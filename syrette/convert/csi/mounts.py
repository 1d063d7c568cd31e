"""Volumes of the driver in a pod's spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syrette.convert.podspec import listed, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIVER: Final = "secrets-store.csi.k8s.io"
DRIVERS: Final = (DRIVER, "secrets-store-gke.csi.k8s.io")
"""
The second is that of GKE's managed add-on
(https://cloud.google.com/secret-manager/docs/secret-manager-managed-csi-component).
"""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the driver."""

    name: str
    kind: str
    """Name of its SecretProviderClass."""
    credentials: str
    """Name of the Secret that the provider gets (`nodePublishSecretRef`), empty for none."""


def volumes(spec: Mapping[str, Any]) -> list[Volume]:
    """Those of a pod."""
    return [
        Volume(
            str(volume.get("name")),
            str(mapping(csi, "volumeAttributes").get("secretProviderClass") or ""),
            str(mapping(csi, "nodePublishSecretRef").get("name") or ""),
        )
        for volume in listed(spec, "volumes")
        for csi in [mapping(volume, "csi")]
        if csi.get("driver") in DRIVERS
    ]
