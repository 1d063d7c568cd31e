"""The Azure world: one object that tests and benchmarks start and configure."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack
from urllib.parse import parse_qs

from worlds.azure import keyvault
from worlds.azure.entra import AUDIENCE, Client, Entra, EntraError, Federated
from worlds.azure.keyvault import Vault, VaultError
from worlds.certificates import issue
from worlds.clock import WorldClock
from worlds.faults import Faults
from worlds.journal import OK, Entry, Journal
from worlds.server import Request, Response, Server
from worlds.tokens import DEFAULT_ISSUER, Issuer, PublishedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worlds.faults import Fault

TENANT: Final = "11111111-2222-3333-4444-555555555555"
CLIENT: Final = "66666666-7777-8888-9999-000000000000"
HOSTS: Final = {
    "public": ("login.microsoftonline.com", "vault.azure.net", AUDIENCE),
    "china": ("login.chinacloudapi.cn", "vault.azure.cn", f"{AUDIENCE}China"),
    "us-government": ("login.microsoftonline.us", "vault.usgovcloudapi.net", f"{AUDIENCE}USGov"),
}
"""
Host of logins, suffix of vaults and usual audience, by cloud; written down apart from the product's
table.
"""


class WorldOptions(TypedDict, total=False):
    """What a world may differ in."""

    cloud: str
    """`public` when absent."""
    issuer: str
    """URL of the cluster's issuer."""
    clock: Callable[[], float]
    """Seconds since the epoch; the machine's when absent."""
    key_set: Mapping[str, Any]
    """JWK set of a real cluster's issuer, which then alone makes tokens."""
    hosts: Sequence[str]
    """Further names in the certificate."""
    listen: tuple[str, int]
    """Address and port; a free port of 127.0.0.1 when absent."""


class AzureWorld:
    """
    A simulated Azure cloud with one HTTPS listener, which answers to the cloud's own host names.

    ```python
    with AzureWorld() as world, Egress(world.places) as egress:   # worlds.egress leads there
        client = world.client("shop", "web")               # federated with the service account
        vault = world.vault("acme-kv")
        vault.grant(client.client_id)
        vault.put("db-password", "s3cret")
        vault.put_certificate("web", content_type="application/x-pem-file")
        token = world.issuer.mint("shop", "web", "api://AzureADTokenExchange")
        ...
        world.journal.calls("GetSecret")                   # who asked, what came of it
        world.faults.add(faults.status(429, retry_after=1), on="keyvault.GetSecret", times=2)
    ```

    Changing things: `client.credentials`, `client.spreading` (logins that a new credential is not
    yet known at), `client.enabled`, `vault.secrets`, `vault.readers`, `vault.rbac`,
    `vault.firewall`, `entra.withdraw()`. Time: `advance(seconds)`. Faults are for the services
    `login` (`Token`) and `keyvault` (`GetSecret`, `GetCertificate`).

    Args:
        options: see `WorldOptions`.
    """

    def __init__(self, **options: Unpack[WorldOptions]) -> None:
        self.clock = WorldClock(options.get("clock", time.time))
        url = options.get("issuer", DEFAULT_ISSUER)
        self.issuer = (
            PublishedIssuer(url, options["key_set"])
            if "key_set" in options
            else Issuer(url, clock=self.clock.now)
        )
        self.login_host, self.suffix, self.audience = HOSTS[options.get("cloud", "public")]
        self.entra = Entra(self.issuer, f"https://{self.suffix}", self.clock.now)
        self.vaults: dict[str, Vault] = {}
        self.journal = Journal()
        self.faults = Faults()
        names = (self.login_host, f"*.{self.suffix}", *options.get("hosts", ()))
        self.certificates = issue("Azure world", hosts=names)
        address = options.get("listen", ("127.0.0.1", 0))
        self._server = Server(self._answer, self.certificates.context(), address)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def ca_pem(self) -> str:
        """Certificate of the world's authority."""
        return self.certificates.ca

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self._server.port

    @property
    def places(self) -> dict[str, tuple[str, int]]:
        """The cloud's host names, for an egress proxy."""
        return {self.login_host: self.address, f"*.{self.suffix}": self.address}

    @property
    def connections(self) -> int:
        """TLS connections so far."""
        return self._server.connections

    def advance(self, seconds: float) -> None:
        """Let time pass: tokens end."""
        self.clock.advance(seconds)

    def go_down(self) -> None:
        """Refuse connections."""
        self._server.stop()

    def come_back(self) -> None:
        """Take them again, on the same port."""
        self._server.start()

    def client(
        self, namespace: str, service_account: str, client_id: str = CLIENT, tenant: str = TENANT
    ) -> Client:
        """Make a managed identity that is federated with a service account."""
        made = self.entra.client(tenant, client_id)
        subject = f"system:serviceaccount:{namespace}:{service_account}"
        made.credentials.append(Federated(self.issuer.url, subject, self.audience))
        return made

    def vault(self, name: str, tenant: str = TENANT) -> Vault:
        """Make a vault."""
        return self.vaults.setdefault(name.lower(), Vault(name, tenant))

    def _answer(self, request: Request) -> Response:
        host = request.headers["host"].partition(":")[0].lower()
        login = host == self.login_host
        service = "login" if login else "keyvault"
        action = "Token" if login else keyvault.action_of(request.path)
        fault = self.faults.take(service, action, "")
        if fault is not None and fault.before is not None:
            fault.before()
        if fault is not None and fault.answers:
            self._note(request, service, action, f"fault:{fault.name}", "", fault.status)
            return _misbehaved(fault)
        handle = self._login if login else self._read
        response, principal, outcome = handle(request, host)
        self._note(request, service, action, outcome, principal, response.status)
        if fault is not None and fault.after is not None:
            fault.after()
        return response if fault is None else fault.spoil(response)

    def _login(self, request: Request, _host: str) -> tuple[Response, str, str]:
        tenant, _, rest = request.path.lstrip("/").partition("/")
        if request.method != "POST" or rest != "oauth2/v2.0/token":
            return _json(404, {}), "", "NotFound"
        try:
            reply, client = self.entra.token(tenant, request.body)
        except EntraError as exc:
            return _json(exc.status, exc.document(self.clock.now())), "", str(exc)
        return _json(200, reply), client, OK

    def _read(self, request: Request, host: str) -> tuple[Response, str, str]:
        vault = self.vaults.get(host.removesuffix(f".{self.suffix}"))
        if vault is None or not host.endswith(f".{self.suffix}"):
            return _json(404, {"error": {"code": "VaultNotFound"}}), "", "VaultNotFound"
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        granted = self.entra.granted(token) if scheme == "Bearer" else None
        if granted is None or granted.tenant != vault.tenant:
            return self._challenge(vault), "", "Unauthorized"
        version = parse_qs(request.query).get("api-version", [""])[0]
        try:
            if request.method != "GET":
                raise VaultError(405, "MethodNotAllowed", "Method not allowed.")  # noqa: TRY301 - one way out
            document = keyvault.get(vault, host, request.path, version, granted.client_id)
        except VaultError as exc:
            return _json(exc.status, exc.document()), granted.client_id, exc.inner or exc.code
        return _json(200, document), granted.client_id, OK

    def _challenge(self, vault: Vault) -> Response:
        place = f"https://{self.login_host}/{vault.tenant}"
        said = f'Bearer authorization="{place}", resource="https://{self.suffix}"'
        body = {"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a "
                          "Bearer or PoP token."}}  # fmt: skip
        return replace(_json(401, body), headers={"WWW-Authenticate": said})

    def _note(  # noqa: PLR0913, PLR0917 - the fields of an entry
        self, request: Request, service: str, action: str, outcome: str, who: str, status: int
    ) -> None:
        entry = Entry(
            at=self.clock.now(),
            service=service,
            action=action,
            region="",
            outcome=outcome,
            status=status,
            principal=who,
            resources=(request.path,),
            connection=request.connection,
        )
        self.journal.add(entry)


def _json(status: int, document: object) -> Response:
    body = json.dumps(document).encode()
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8"})


def _misbehaved(fault: Fault) -> Response:
    return Response(
        fault.status or 200, fault.body or b"", fault.headers, fault.delay, reset=fault.reset
    )
