"""The Azure world: one object that tests, the demo and the benchmarks start and configure."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack

from worlds import faults as fault_kinds
from worlds.azure.clouds import HOSTS
from worlds.azure.inventory import Inventory
from worlds.azure.login import Login
from worlds.azure.service import Desk, Services
from worlds.certificates import issue
from worlds.clock import WorldClock
from worlds.faults import Fault, Faults, Order
from worlds.journal import Journal
from worlds.server import Server
from worlds.tokens import DEFAULT_ISSUER, Issuer, PublishedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worlds.azure.vaults import Vault


class WorldOptions(TypedDict, total=False):
    """What a world may differ in."""

    issuer: str
    """URL of the cluster's issuer."""
    algorithm: Literal["ES256", "RS256"]
    """Of the cluster's tokens; ES256 when absent, whose keys are made in no time."""
    clock: Callable[[], float]
    """Seconds since the epoch; the machine's when absent."""
    key_set: Mapping[str, Any]
    """JWK set of a real cluster's issuer, which then alone makes tokens."""
    hosts: Sequence[str]
    """Further names in the certificate."""
    listen: tuple[str, int]
    """Address and HTTPS port; a free port of 127.0.0.1 when absent."""


class AzureWorld(Inventory):
    """
    A simulated Azure with one HTTPS listener: Entra's token endpoint and Key Vault, in every cloud.

    ```python
    with AzureWorld() as world:                            # tenant "acme" of the public cloud
        web = world.tenant().identity("web")               # an application or managed identity
        web.federate(world.issuer, "system:serviceaccount:shop:web")
        vault = world.vault("acme-kv")                     # of that tenant, with Azure RBAC
        vault.grant(web, "secrets/get")
        world.put_secret(vault, "db", "s3cret")
        token = world.issuer.mint("shop", "web", "api://AzureADTokenExchange")
        web.client_id, web.tenant.id, vault.url            # https://acme-kv.vault.azure.net
        world.ca_path                                      # for `verify=`; `ca_pem` is the text
        with Egress(world.routes) as egress:               # true host names, through a proxy …
            egress.url
        world.endpoint(vault), world.endpoint()            # … or loopback URLs: vault, login
        world.journal.principals("GetSecret")              # client ids; `base` is the pod's subject
        world.faults.add(faults.status(429, retry_after=1), on="keyvault.GetSecret", times=2)
    ```

    Making things: `tenant(name, cloud=…)` with `.identity(name, client_id)`, whose
    `.federate(issuer, subject, audience, unseen=N)` trusts a service account (`unseen` tries get
    AADSTS70021 first); `workload(name, namespace, service_account)` is both at once;
    `vault(name, tenant, model="rbac"|"policy")` with `.grant(identity, "secrets/get",
    "certificates/get", "keys/get", "keys/decrypt", "keys/encrypt", only=name)` and
    `.firewalled`; `put_secret(vault, name, value, content_type)`, `put_key(vault, name, size=…,
    operations=…)`, `put_certificate(vault, name, content_type, exportable=…)`, all with
    `enabled=`, `nbf=`, `exp=`, `tags=`. Making a thing again makes its next version; what is given
    back has the `id` of the version, and its attributes may be set.

    Changing things: `delete_secret`, `recover_secret`, `delete_key`, `vault.revoke(identity)`,
    `vault.firewalled`, `identity.credentials`, `identity.enabled`, `issuer.reachable`.

    Time: `advance(seconds)` ends what should end; `tokens.lifetime` is that of new access tokens.

    Misbehaving: `faults.add(fault, on=…, region=…, times=…, skip=…)` with the faults of
    `worlds.faults`; actions are `login.Token` (`login.Discover`, `login.DiscoverInstance`),
    `keyvault.GetSecret`, `GetCertificate`, `GetKey`, `Decrypt`, `Encrypt`; `region` is the host
    that was asked, `acme-kv.vault.azure.net`. `faults.error("Throttled", status=429)` speaks the
    service's own JSON, `faults.error("AADSTS90033", status=503)` Entra's. `expire_tokens()`;
    `go_down(service=…, host=…)` and `come_back()`.

    Seeing: `journal` (every request, who asked, what came of it: `ok`, or the code that tells most,
    such as `AADSTS700213` or `ForbiddenByRbac`), `connections`.

    Nothing answers for a vault that was never made: the connection is reset, where in earnest the
    name would not resolve.

    Args:
        cloud: of tenants that name none: `public`, `china` or `us-government`; all are served.
        options: see `WorldOptions`.
    """

    def __init__(self, cloud: str = "public", **options: Unpack[WorldOptions]) -> None:
        clock = WorldClock(options.get("clock", time.time))
        url = options.get("issuer", DEFAULT_ISSUER)
        issuer = (
            PublishedIssuer(url, options["key_set"])
            if "key_set" in options
            else Issuer(url, algorithm=options.get("algorithm", "ES256"), clock=clock.now)
        )
        super().__init__(clock, issuer, cloud)
        self.journal = Journal()
        self.faults = Faults()
        self.certificates = issue("Azure world", hosts=(*HOSTS, *options.get("hosts", ())))
        desk = Desk(clock, self.journal, self.faults, self.lock)
        login = Login(self.tenants, self.tokens, clock)
        self._services = Services(desk, login, self.vaults, self.tokens)
        address = options.get("listen", ("127.0.0.1", 0))
        self._https = Server(self._services.handle, self.certificates.context(), address)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._down: list[Order] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        self._folder = tempfile.TemporaryDirectory(prefix="azure-world-")
        self.ca_path.write_text(self.ca_pem)
        self._https.start()

    def stop(self) -> None:
        """End all connections and take the CA's file away."""
        self._https.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def ca_pem(self) -> str:
        """Certificate of the world's authority."""
        return self.certificates.ca

    @property
    def ca_path(self) -> Path:
        """A file with it, for clients that take only files; while the world runs."""
        if self._folder is None:
            msg = "the world is not started"
            raise RuntimeError(msg)
        return Path(self._folder.name, "ca.pem")

    @property
    def port(self) -> int:
        """Of the listener."""
        return self._https.port

    @property
    def routes(self) -> dict[str, tuple[str, int]]:
        """Routes for `worlds.egress.Egress`: every true host, to this world."""
        return {f"{host}:443": ("127.0.0.1", self.port) for host in HOSTS}

    def endpoint(self, vault: Vault | None = None) -> str:
        """Give a loopback URL: of a vault, else of the token endpoint of the world's cloud."""
        host = vault.host if vault else self.cloud.logins[0]
        return f"https://127.0.0.1:{self.port}/{host}"

    @property
    def connections(self) -> int:
        """TLS connections so far."""
        return self._https.connections

    @property
    def failed_handshakes(self) -> int:
        """Connections that ended before TLS stood, for distrust of the CA say."""
        return self._https.failed_handshakes

    def advance(self, seconds: float) -> None:
        """Let time pass: tokens of both kinds end."""
        self.clock.advance(seconds)

    def go_down(self, *, service: str = "", host: str = "", fault: Fault | None = None) -> None:
        """
        Stop serving.

        Args:
            service: only this one (`login`, `keyvault`).
            host: only there.
            fault: how requests end; a reset when absent. With nothing given, the whole world
                refuses connections.
        """
        if service or host or fault:
            hit = fault or fault_kinds.reset()
            self._down.append(self.faults.add(hit, on=service, region=host))
            return
        self._https.stop()

    def come_back(self) -> None:
        """Serve again, on the same port, after every `go_down`."""
        for order in self._down:
            self.faults.cancel(order)
        self._down.clear()
        if not self._https.listening:
            self._https.start()
