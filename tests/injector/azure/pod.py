"""A pod whose secrets are in the Azure world: it asks the cloud's own names through a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from injector.contract import names
from injector.contract.plan import Plan, Proxy
from injector.contract.stores import Store
from tests.injector.cycle.pod import NAME, NAMESPACE, SERVICE_ACCOUNT, Pod, Time

if TYPE_CHECKING:
    from pathlib import Path

    from injector.contract.plan import Secret
    from worlds.azure import AzureWorld
    from worlds.egress import Egress


class AzurePod(Pod):
    """
    The pod `shop/web`, which logs in as the identity `web` of the world's usual tenant.

    Args:
        azure: the world.
        egress: leads the cloud's names there.
        root: a folder for its volumes.
        secrets: of its plan.
        settings: of its store, spelled with `_`.
    """

    def __init__(
        self,
        azure: AzureWorld,
        egress: Egress,
        root: Path,
        *secrets: Secret,
        **settings: Any,  # noqa: ANN401 - of a store
    ) -> None:
        self.azure = azure
        self.root = root
        self.time = Time(azure.clock.now())
        ours = {
            "tenant-id": azure.tenant().id,
            "client-id": azure.tenant().identity("web").client_id,
            "cloud": azure.cloud.name,
            "audience": azure.cloud.audience,
        }
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        self.plan = Plan(
            secrets=secrets,
            stores=(Store("azure-keyvault", "azure-keyvault", ours | given),),
            volumes=tuple(sorted({volume for secret in secrets for volume in secret.volumes})),
            ca_bundle=azure.ca_pem,
            proxy=Proxy(https=egress.url),
        )
        self.prepare()

    def rotate_token(self) -> None:
        """Project a new token, as the kubelet does."""
        audience = self.plan.stores[0].text("audience")
        self.project(self.azure.issuer.mint(NAMESPACE, SERVICE_ACCOUNT, audience, pod=NAME))

    def project(self, token: str) -> None:
        """Write a token where the kubelet does."""
        audience = self.plan.stores[0].text("audience")
        folder = self.root / names.TOKEN_DIRECTORY[1:]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / names.token_file(audience)).write_text(token + "\n")

    def work_after(self, seconds: float) -> Any:  # noqa: ANN401 - as the base has it
        """Run one worker later, in the world, too."""
        self.azure.advance(seconds)
        return super().work_after(seconds)
