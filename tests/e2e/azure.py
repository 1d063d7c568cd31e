"""The Azure world as a pod of the cluster, and before it the egress proxy that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.e2e import worlds
from tests.e2e.worlds import Control

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

NAMESPACE: Final = "azure-world"
SERVICE: Final = "azure"
PROXY: Final = f"http://{SERVICE}.{NAMESPACE}.svc:3128"
"""Nothing but Azure's own host names leads anywhere from there."""
VAULT: Final = "acme-kv"
_CONTROL: Final = Control(NAMESPACE, SERVICE)


@dataclass(frozen=True, slots=True)
class Azure:
    """The running world."""

    ca: str

    def call(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - JSON
        """Change the world."""
        return _CONTROL.call(name, *args, **kwargs)

    def put_secret(self, name: str, value: str) -> None:
        """Write a secret of the vault, or its next version."""
        self.call("put_secret", VAULT, name, value)

    def login(self, place: Place) -> dict[str, str]:
        """Let the service account of a place read the vault; gives its pods' annotations."""
        made = self.call("workload", place.namespace, place.namespace, "web")
        self.call("grant", VAULT, place.namespace, "secrets/get")
        return {"azure.client-id": made["client_id"], "azure.tenant-id": made["tenant_id"]}

    def asked(self) -> set[str]:
        """Hosts and ports that the proxy was asked for."""
        return set(_CONTROL.read("/egress"))


def start(image: str) -> Azure:
    """Start both, with the cluster's own issuer."""
    ports = {"https": 8443, "egress": 3128}
    return Azure(worlds.start(_CONTROL, image, "worlds.azure.serving", ports))
