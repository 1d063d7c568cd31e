"""The Google Cloud world as a pod of the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.e2e import worlds
from tests.e2e.worlds import Control

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

NAMESPACE: Final = "gcp-world"
SERVICE: Final = "gcp"
URL: Final = f"https://{SERVICE}.{NAMESPACE}.svc:8443"
PROJECT: Final = "shop-prod"
_CONTROL: Final = Control(NAMESPACE, SERVICE)
_ACCESSOR: Final = "roles/secretmanager.secretAccessor"


@dataclass(frozen=True, slots=True)
class Gcp:
    """The running world, whose provider of workload identities trusts the cluster."""

    ca: str

    def call(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - JSON
        """Change the world."""
        return _CONTROL.call(name, *args, **kwargs)

    def put_secret(self, place: Place, name: str, value: str) -> str:
        """Make a secret that the service account of a place may read; gives its full name."""
        secret: str = self.call("put_secret", name, value)
        self.call("grant", self.call("member", place.namespace, "web"), _ACCESSOR, secret)
        return secret

    @property
    def login(self) -> dict[str, str]:
        """Annotations of a pod that logs in by the cluster's federation."""
        audience: str = self.call("provider")
        return {
            "gcp.project": PROJECT,
            "gcp.workload-identity-provider": audience.removeprefix("//iam.googleapis.com/"),
        }

    @property
    def endpoints(self) -> dict[str, str]:
        """For the operator's configuration."""
        names = ("sts", "iamcredentials", "oauth2", "secretmanager")
        return {f"gcp.{name}": URL for name in names}


def start(image: str) -> Gcp:
    """Start it, with the cluster's own issuer."""
    return Gcp(worlds.start(_CONTROL, image, "worlds.gcp.serving", {"https": 8443}))
