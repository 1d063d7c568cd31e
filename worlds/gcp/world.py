"""The Google Cloud world: one object that tests and benchmarks start and configure."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict, Unpack

from worlds import faults as fault_kinds
from worlds.certificates import issue
from worlds.clock import WorldClock
from worlds.faults import Fault, Faults, Order
from worlds.gcp import metadata
from worlds.gcp.bearers import Bearers
from worlds.gcp.impersonation import IamCredentials
from worlds.gcp.inventory import Inventory
from worlds.gcp.kms import Kms
from worlds.gcp.metadata import Attached, Metadata, Pod
from worlds.gcp.oauth2 import OAuth2
from worlds.gcp.secretmanager import SecretManager
from worlds.gcp.service import Desk, Node, Services
from worlds.gcp.sts import Sts
from worlds.gcp.wire import HOSTS
from worlds.journal import Journal
from worlds.server import Server
from worlds.tokens import Issuer, PublishedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worlds.gcp.federation import Cluster
    from worlds.gcp.identities import ServiceAccount

SERVICES: Final = ("sts", "iamcredentials", "secretmanager", "cloudkms", "oauth2")
ISSUER: Final = "https://kubernetes.example.org"
LOCATIONS: Final = ("europe-west1", "europe-west3", "us-central1")
"""Whose regional hosts of Secret Manager stand in the certificate."""


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
    listen: tuple[str, int, int]
    """Address, HTTPS port and the metadata server's HTTP port; free ports of 127.0.0.1 else."""


class GcpWorld(Inventory):
    """
    A simulated Google Cloud with one HTTPS listener and, in plain HTTP, a metadata server.

    ```python
    with GcpWorld() as world:                            # project shop-prod, 123456789012
        provider = world.provider()                      # pool `kubernetes`, trusts world.issuer
        web = world.service_account("web")               # web@shop-prod.iam.gserviceaccount.com
        pod = provider.member("shop", "web")             # principal://…/subject/system:…:shop:web
        world.grant(pod, "roles/iam.workloadIdentityUser", web)
        secret = world.put_secret("db", "s3cret")        # version 1
        world.grant(web, "roles/secretmanager.secretAccessor", secret)
        token = world.issuer.mint("shop", "web", provider.audience)
        world.endpoints                                  # {"sts": "https://127.0.0.1:…", …}
        world.ca_path                                    # a file for clients; `ca_pem` is the text
        ...
        world.journal.principals("AccessSecretVersion")  # who asked
        world.faults.add(wrong_checksum(), on="secretmanager.AccessSecretVersion", times=1)
    ```

    Services and actions, as the journal and faults call them: `sts.ExchangeToken`,
    `iamcredentials.GenerateAccessToken`, `oauth2.Token`, `secretmanager.AccessSecretVersion` and
    `.GetSecretVersion`, `cloudkms.Encrypt` and `.Decrypt`, `metadata.GetToken` and
    `.GetMetadata`. A request is routed by its Host where that is one of Google's names (the
    certificate has them, with `hosts` for more), else by its path alone.

    Making things: `project(id)`, `service_account(name)`, `user(email)`, `pool(id)`,
    `provider(id, pool=…, issuer=…, allowed_audiences=…, mapping=…, condition=…)`,
    `gke_cluster(name)`, `put_secret(name, value, location=…)`, `crypto_key(name)`. Members:
    `account.member`, `user.member`, `provider.member(namespace, service_account)`,
    `pool.everybody()`, `pool.having("attribute.namespace", "shop")`,
    `cluster.member(namespace, service_account)`. Roles: `grant(member, role, on)`; `revoke`. A
    binding on a project counts for all within; a role that this world does not know is a
    ValueError. `iam.ROLES` has them all.

    Logging in: `key_file(account)` and `user.credentials()` are the JSON files of a service
    account and of a user; `access_token(who, scopes=…)` is a token without any login.

    The metadata server has no identity at first: `attach(account)` makes it a VM's,
    `run_pod(cluster, namespace, service_account, account=…)` makes it GKE's.
    `metadata_not_ready(requests)` lets it answer 404 so often first, or reset connections.

    Changing things: `rotate(secret, value)`, `set_version_state(secret, number, state)`,
    `set_alias`, `delete_secret`, `key.rotate()`, `key.set_state(number, state)`,
    `disable_api(service)`, `account.disabled`, `account.keys`, `account.long_lived`,
    `user.revoked`, `pool.disabled`, `provider.disabled`, `issuer.reachable`.

    Time: `advance(seconds)` ends what should end: access tokens and the cluster's tokens.
    Assertions that a service account's key signed are checked by the machine's clock.

    Misbehaving: `faults.add(fault, on=…, region=…, times=…, skip=…)` with the faults of
    `worlds.faults` and `wrong_checksum()`, `quota_exceeded()`, `unavailable()` of this package;
    the region is the resource's location, or `global`. `expire_tokens()`;
    `go_down(service=…, region=…)` and `come_back()`. Rotation between two reads:
    `faults.add(faults.before(lambda: world.rotate(secret, "two")), on=…, skip=1, times=1)`.

    Seeing: `journal` (every request, who asked, for whom at the `base` of a chain, what came of
    it; an outcome is `ok`, Google's status or OAuth's error), `connections`.

    Args:
        options: see `WorldOptions`.
    """

    def __init__(self, **options: Unpack[WorldOptions]) -> None:
        clock = WorldClock(options.get("clock", time.time))
        url = options.get("issuer", ISSUER)
        issuer = (
            PublishedIssuer(url, options["key_set"])
            if "key_set" in options
            else Issuer(url, algorithm=options.get("algorithm", "ES256"), clock=clock.now)
        )
        super().__init__(clock, issuer)
        self.journal = Journal()
        self.faults = Faults()
        regional = [f"secretmanager.{place}.rep.googleapis.com" for place in LOCATIONS]
        names = [*HOSTS, *regional, *options.get("hosts", ())]
        self.certificates = issue("Google Cloud world", hosts=names)
        address, https, http = options.get("listen", ("127.0.0.1", 0, 0))
        desk = Desk(clock, self.journal, self.faults, self.lock)
        self._oauth2 = OAuth2(self.accounts, self.users, self.tokens)
        self._iam = IamCredentials(self.accounts, self.bindings, self.tokens)
        self.metadata = Metadata(self.project(), self.tokens, self._iam)
        bearers = Bearers(self.projects, self.bindings, self.tokens, self._oauth2)
        services = Services(desk, self._handlers(), bearers)
        self._https = Server(services.handle, self.certificates.context(), (address, https))
        self._http = Server(Node(desk, self.metadata).handle, address=(address, http))
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._down: list[Order] = []

    def _handlers(self) -> dict[tuple[str, str], Any]:
        secrets = SecretManager(self.projects, self.secrets, self.bindings)
        kms = Kms(self.projects, self.crypto_keys, self.bindings)
        sts = Sts(self.pools, self.clusters, self.tokens)
        return {
            ("sts", "ExchangeToken"): sts.exchange,
            ("iamcredentials", "GenerateAccessToken"): self._iam.generate_access_token,
            ("oauth2", "Token"): self._oauth2.token,
            ("secretmanager", "AccessSecretVersion"): secrets.access_secret_version,
            ("secretmanager", "GetSecretVersion"): secrets.get_secret_version,
            ("cloudkms", "Encrypt"): kms.encrypt,
            ("cloudkms", "Decrypt"): kms.decrypt,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on free ports of 127.0.0.1, or where it was told."""
        self._folder = tempfile.TemporaryDirectory(prefix="gcp-world-")
        self.ca_path.write_text(self.ca_pem)
        self._https.start()
        self._http.start()
        self._oauth2.audiences.append(self.token_uri)

    def stop(self) -> None:
        """End all connections and take the CA's file away."""
        self._https.stop()
        self._http.stop()
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
    def endpoints(self) -> dict[str, str]:
        """Base URLs by service, with `metadata`."""
        base = f"https://127.0.0.1:{self._https.port}"
        found = dict.fromkeys(SERVICES, base)
        return {**found, metadata.SERVICE: f"http://127.0.0.1:{self._http.port}"}

    @property
    def token_uri(self) -> str:
        """Where key files say to log in; an assertion may be made for it."""
        return f"{self.endpoints['oauth2']}/token"

    @property
    def connections(self) -> int:
        """TLS connections so far."""
        return self._https.connections

    @property
    def failed_handshakes(self) -> int:
        """Connections that ended before TLS stood, for distrust of the CA say."""
        return self._https.failed_handshakes

    def key_file(self, account: ServiceAccount, *, token_uri: str = "") -> dict[str, Any]:
        """Make a key of a service account and give its JSON file, parsed."""
        with self.lock:
            return account.new_key(token_uri or self.token_uri)

    def attach(self, account: ServiceAccount) -> None:
        """Let the metadata server be a VM's with this service account."""
        with self.lock:
            self.metadata.identity = Attached(account)

    def run_pod(
        self,
        cluster: Cluster,
        namespace: str,
        service_account: str,
        *,
        account: ServiceAccount | None = None,
    ) -> None:
        """
        Let the metadata server be GKE's, as a pod sees it.

        Args:
            cluster: that the pod is in.
            namespace: of the pod.
            service_account: of Kubernetes.
            account: that `iam.gke.io/gcp-service-account` names.
        """
        with self.lock:
            self.metadata.identity = Pod(cluster, namespace, service_account, account)
            self.metadata.attributes |= {
                "cluster-name": cluster.name,
                "cluster-location": cluster.location,
            }

    def metadata_not_ready(self, requests: int, *, fault: Fault | None = None) -> None:
        """Let the metadata server fail so many requests, by a 404 unless another fault is given."""
        hit = fault or fault_kinds.status(404, body=b"not found\n")
        self.faults.add(hit, on=metadata.SERVICE, times=requests)

    def advance(self, seconds: float) -> None:
        """Let time pass: access tokens and projected tokens end."""
        self.clock.advance(seconds)

    def go_down(self, *, service: str = "", region: str = "", fault: Fault | None = None) -> None:
        """
        Stop serving.

        Args:
            service: only this one (`sts`, `secretmanager`, …); `metadata` refuses connections.
            region: only there.
            fault: how requests end; a reset when absent. With nothing given, the whole world
                refuses connections.
        """
        if service == metadata.SERVICE and fault is None:
            self._http.stop()
            return
        if service or region or fault:
            hit = fault or fault_kinds.reset()
            self._down.append(self.faults.add(hit, on=service, region=region))
            return
        self._https.stop()
        self._http.stop()

    def come_back(self) -> None:
        """Serve again, on the same ports, after every `go_down`."""
        for order in self._down:
            self.faults.cancel(order)
        self._down.clear()
        for server in (self._https, self._http):
            if not server.listening:
                server.start()
