"""The AWS world: one object that tests, the demo and the benchmarks start and configure."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict, Unpack

from worlds import faults as fault_kinds
from worlds.aws import pod_identity
from worlds.aws.inventory import REGION, Inventory
from worlds.aws.key_management import KeyManagement
from worlds.aws.secretsmanager import SecretsManager
from worlds.aws.service import Agent, Desk, Services
from worlds.aws.ssm import ParameterStore
from worlds.aws.sts import Sts
from worlds.certificates import issue
from worlds.clock import WorldClock
from worlds.faults import Fault, Faults, Order
from worlds.journal import Journal
from worlds.server import Server
from worlds.tokens import DEFAULT_ISSUER, Issuer, PublishedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SERVICES: Final = ("sts", "secretsmanager", "ssm", "kms")


class WorldOptions(TypedDict, total=False):
    """What a world may differ in."""

    partition: str
    """`aws` when absent."""
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
    """Address, HTTPS port and the agent's HTTP port; free ports of 127.0.0.1 when absent."""


class AwsWorld(Inventory):
    """
    A simulated AWS with one HTTPS listener and, in plain HTTP, a Pod Identity agent.

    ```python
    with AwsWorld() as world:                              # account 111122223333, eu-west-1
        account = world.account()
        account.trust_issuer(world.issuer)                 # the OIDC provider in IAM
        role = account.web_identity_role("web", world.issuer, "shop", "web", permissions)
        world.put_secret("prod/db", "s3cret")
        token = world.issuer.mint("shop", "web", "sts.amazonaws.com", lifetime=3600)
        world.endpoints                                    # {"sts": "https://127.0.0.1:…", …}
        world.ca_path                                      # for `verify=`; `ca_pem` is the text
        ...
        world.journal.principals("AssumeRole")             # who asked
        world.faults.add(faults.throttled(), on="secretsmanager.GetSecretValue", times=2)
    ```

    Making things: `account(number)` with `.role(name, trust, *policies)`,
    `.web_identity_role(…)`, `.user(name, *policies)`, `.trust_issuer(issuer)`; then
    `access_key(user_or_role)`, `associate(namespace, service_account, role, target=…)`,
    `kms_key(policy, account=…)` (used by secrets, parameters and the API of KMS; `kms_alias`),
    `put_secret(name, value, account=…, region=…, kms_key=…, policy=…,
    tags=…, suffix=…, replicas=…)`, `put_parameter(name, value, kind=…, …)`. Policies are AWS's own
    JSON, as text or parsed; one that IAM would not take raises `MalformedPolicyError`.

    Changing things: `rotate`, `move_stage`, `delete`, `restore`, `set_secret_policy`,
    `label_parameter`, `delete_parameter`, `role.allow`, `role.set_policies`, `role.set_trust`,
    `key.set_policy`, `key.enabled`, `key.pending_deletion`, `issuer.reachable`.

    Time: `advance(seconds)` ends what should end. Signatures are still checked against the
    machine's clock; `skew` puts the services' clock ahead for those.

    Misbehaving: `faults.add(fault, on=…, region=…, times=…, skip=…)` with the faults of
    `worlds.faults`; `expire_credentials()`; `go_down(service=…, region=…)` and `come_back()`.

    Seeing: `journal` (every request, who asked, what came of it), `connections`,
    `principal_of(access_key_id)`.

    Regions: signed requests say theirs. An unsigned one to `endpoints["sts"]` is of the world's
    region; `endpoint("sts", "eu-central-1")` is the endpoint of another region and refuses
    signatures for any other.

    Args:
        region: of unsigned requests that name none.
        options: see `WorldOptions`.
    """

    def __init__(self, region: str = REGION, **options: Unpack[WorldOptions]) -> None:
        clock = WorldClock(options.get("clock", time.time))
        url = options.get("issuer", DEFAULT_ISSUER)
        issuer = (
            PublishedIssuer(url, options["key_set"])
            if "key_set" in options
            else Issuer(url, algorithm=options.get("algorithm", "ES256"), clock=clock.now)
        )
        super().__init__(clock, issuer, options.get("partition", "aws"))
        self.region = region
        self.journal = Journal()
        self.faults = Faults()
        self.certificates = issue("AWS world", hosts=options.get("hosts", ()))
        address, https, http = options.get("listen", ("127.0.0.1", 0, 0))
        desk = Desk(clock, self.journal, self.faults, self.lock)
        self._services = Services(desk, self._handlers(), self.keys, default_region=region)
        self._agent = Agent(desk, self.pod_identity, region)
        self._https = Server(self._services.handle, self.certificates.context(), (address, https))
        self._http = Server(self._agent.handle, address=(address, http))
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._down: list[Order] = []

    def _handlers(self) -> dict[tuple[str, str], Any]:
        sts = Sts(self.accounts, self.keys)
        secrets = SecretsManager(self.secrets, self.partition)
        ssm = ParameterStore(self.parameters, self.partition)
        kms = KeyManagement(self.kms)
        return {
            ("sts", "AssumeRole"): sts.assume_role,
            ("sts", "AssumeRoleWithWebIdentity"): sts.assume_role_with_web_identity,
            ("sts", "GetCallerIdentity"): sts.get_caller_identity,
            ("secretsmanager", "GetSecretValue"): secrets.get_secret_value,
            ("secretsmanager", "BatchGetSecretValue"): secrets.batch_get_secret_value,
            ("secretsmanager", "DescribeSecret"): secrets.describe_secret,
            ("ssm", "GetParameters"): ssm.get_parameters,
            ("ssm", "GetParametersByPath"): ssm.get_parameters_by_path,
            ("kms", "Encrypt"): kms.encrypt,
            ("kms", "Decrypt"): kms.decrypt,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on free ports of 127.0.0.1."""
        self._folder = tempfile.TemporaryDirectory(prefix="aws-world-")
        self.ca_path.write_text(self.ca_pem)
        self._https.start()
        self._http.start()

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
        """Base URLs by service, with `pod-identity`; they serve every region."""
        found = {name: self.endpoint(name) for name in SERVICES}
        return {**found, pod_identity.SERVICE: f"http://127.0.0.1:{self._http.port}"}

    def endpoint(self, service: str, region: str = "") -> str:
        """Give a service's endpoint; with a region, one that serves only that region."""
        if service == pod_identity.SERVICE:
            return self.endpoints[service]
        base = f"https://127.0.0.1:{self._https.port}"
        return f"{base}/{region}" if region else base

    @property
    def connections(self) -> int:
        """TLS connections so far."""
        return self._https.connections

    @property
    def failed_handshakes(self) -> int:
        """Connections that ended before TLS stood, for distrust of the CA say."""
        return self._https.failed_handshakes

    @property
    def skew(self) -> float:
        """Seconds by which the services' clock is ahead when they look at signatures."""
        return self._services.skew

    @skew.setter
    def skew(self, seconds: float) -> None:
        self._services.skew = seconds

    def advance(self, seconds: float) -> None:
        """Let time pass: credentials and tokens end, signatures stay good."""
        self.clock.advance(seconds)

    def go_down(self, *, service: str = "", region: str = "", fault: Fault | None = None) -> None:
        """
        Stop serving.

        Args:
            service: only this one (`sts`, `secretsmanager`, `ssm`, `kms`,
                `pod-identity`).
            region: only there.
            fault: how requests end; a reset when absent. With nothing given, the whole world
                refuses connections.
        """
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
