"""A Vault in front of an OpenBao: what OpenBao cannot do on its own."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from worlds.certificates import issue
from worlds.faults import Faults
from worlds.journal import OK, Entry, Journal
from worlds.server import Request, Response, Server
from worlds.tokens import Issuer
from worlds.vault.attempts import LoginRefusedError
from worlds.vault.aws import AwsMethod
from worlds.vault.passing import (
    Way,
    answered,
    below_v1,
    content,
    name,
    namespace,
    refused,
    rewritten,
)
from worlds.vault.sts import StsClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worlds.aws import Account
    from worlds.faults import Fault
    from worlds.openbao import Namespace, OpenBao
    from worlds.vault.passing import Named

_WRITES: Final = {"POST", "PUT"}
_MOUNTS: Final = re.compile(r"(?P<namespace>(?:.*/)?)sys/auth/(?P<mount>.+)")


class Aws(Protocol):
    """An AWS as the `aws` method asks it: an `AwsWorld`, or one in another process."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Where principals are looked up by name; none where they go by their ARN."""

    @property
    def ca_pem(self) -> str:
        """Certificate of the authority that signed its servers'."""

    def endpoint(self, service: str) -> str:
        """Base URL of a service."""


class VaultWorld:
    """
    The `aws` login method, misbehaviour and a journal, before a real OpenBao.

    ```python
    with OpenBao() as openbao, AwsWorld() as aws, VaultWorld(openbao, aws) as vault:
        vault.address, vault.ca_pem                   # in the place of the server's own
        front = vault.front_of(openbao.root)          # that namespace, asked through here
        front.login_method("aws", "aws")              # `vault auth enable aws`
        front.api.write("auth/aws/config/client", iam_server_id_header_value="vault.acme.io",
                        sts_endpoint="https://sts.eu-west-1.amazonaws.com", sts_region="eu-west-1")
        front.api.write("auth/aws/role/web", auth_type="iam", token_policies="shop",
                        bound_iam_principal_arn=role.arn, token_ttl="15m", token_max_ttl="1h")
        vault.journal.calls("Login", outcome="ok")    # who logged in: `principal` is the ARN
        vault.faults.add(faults.status(503, retry_after=1), on="secret.Read", times=2)
        vault.go_down(); vault.come_back()
    ```

    Every other request is passed on as it came, and so is its answer. Names for the journal and
    for `faults.add(on=…)`: the first segment of the path, or the mount of a login, and one of
    `Login`, `Read`, `Write`, `List`, `Delete`, `Mounts`, `RenewToken`, `RevokeToken`,
    `RenewLease`, `RevokeLease`: `aws.Login`, `secret.Read`, `sys.RenewLease`, `RevokeToken`.

    Args:
        openbao: the server behind.
        aws: whose STS verifies the signed requests; without it there is no `aws` method.
        hosts: further names in its certificate.
        listen: host and port; port 0 is a free one.
    """

    def __init__(
        self,
        openbao: OpenBao,
        aws: Aws | None = None,
        *,
        hosts: Sequence[str] = (),
        listen: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.journal = Journal()
        self.faults = Faults()
        self._aws = aws
        self._way = Way(openbao.address, openbao.ca_pem)
        self._issuer = Issuer("https://vault-world")
        self._methods: dict[str, AwsMethod] = {}
        """By whole path: `team/auth/aws`."""
        self._certificates = issue("Vault world", hosts=hosts)
        self._server = Server(self._handle, self._certificates.context(), listen)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def address(self) -> str:
        """Base URL."""
        return f"https://127.0.0.1:{self._server.port}"

    @property
    def ca_pem(self) -> str:
        """Certificate of the authority that signed this server's."""
        return self._certificates.ca

    def front_of(self, vault: Namespace) -> Namespace:
        """Give a namespace of the server behind, asked through here."""
        return vault.through(self.address, self.ca_pem)

    def go_down(self) -> None:
        """Refuse connections."""
        self._server.stop()

    def come_back(self) -> None:
        """Serve again, on the same port."""
        self._server.start()

    def _handle(self, request: Request) -> Response:
        called = name(request)
        fault = self.faults.take(called.mount, called.action, "")
        if fault is not None and fault.before is not None:
            fault.before()
        if fault is not None and fault.answers:
            self._note(request, called, f"fault:{fault.name}", fault.status)
            return _instead(fault)
        try:
            response = self._answer(request, called)
        except OSError:
            response = Response(502, reset=True)  # as a proxy whose server is gone
            self._note(request, called, "down", 0)
        if fault is None:
            return response
        if fault.after is not None:
            fault.after()
        return fault.spoil(response)

    def _answer(self, request: Request, called: Named) -> Response:
        full = "/".join(part for part in (namespace(request), below_v1(request)) if part)
        mounting = _MOUNTS.fullmatch(full)
        if mounting is not None and request.method in _WRITES:
            key = f"{mounting['namespace']}auth/{mounting['mount']}"
            return self._passed(request, called, self._enable(request, key))
        for key, method in self._methods.items():
            rest = full.removeprefix(f"{key}/")
            if rest == "login" and request.method in _WRITES:
                return self._log_in(request, called, method)
            if rest != full:
                return self._passed(request, called, self._configure(request, method, rest))
        return self._passed(request, called, self._way.send(request))

    def _enable(self, request: Request, key: str) -> Response:
        given = content(request)
        if given.get("type") != "aws" or self._aws is None:
            return self._way.send(request)
        response = self._way.send(rewritten(request, {**given, "type": "jwt"}))
        if response.status < 300:
            sts = StsClient(self._aws.endpoint("sts"), self._aws.ca_pem)
            method = AwsMethod(self._aws.accounts, sts, self._issuer)
            mount = key.rpartition("auth/")[2]
            path = below_v1(request).replace(f"sys/auth/{mount}", f"auth/{mount}/config")
            self._way.send(rewritten(request, method.behind(), path))
            self._methods[key] = method
        return response

    def _configure(self, request: Request, method: AwsMethod, rest: str) -> Response:
        kind, _, role = rest.partition("/")
        if rest == "config/client":
            return self._client_config(request, method)
        if kind == "role" and request.method in _WRITES:
            return self._write_role(request, method, role)
        response = self._way.send(request)
        if kind == "role" and response.status < 300:
            if request.method == "DELETE":
                method.roles.pop(role, None)
            elif request.method == "GET" and role in method.roles:
                return answered(200, {"data": dict(method.roles[role].content)})
        return response

    def _write_role(self, request: Request, method: AwsMethod, name: str) -> Response:
        try:
            role = method.role_of(content(request))
        except LoginRefusedError as exc:
            return refused(str(exc))
        response = self._way.send(rewritten(request, method.role_behind(name, role)))
        if response.status < 300:  # the server knows who may write
            method.roles[name] = role
        return response

    def _client_config(self, request: Request, method: AwsMethod) -> Response:
        """Keep or show the configuration, for whoever may write to the method behind."""
        path = below_v1(request).replace("config/client", "config")
        behind = method.behind() if request.method in _WRITES else {}
        response = self._way.send(rewritten(request, behind, path))
        if response.status >= 300:
            return response
        if request.method in _WRITES:
            method.config = {**method.config, **content(request)}
            return answered(204)
        shown = {key: value for key, value in method.config.items() if key != "secret_key"}
        return answered(200, {"data": shown})

    def _log_in(self, request: Request, called: Named, method: AwsMethod) -> Response:
        if self._way.is_sealed():  # then no method is asked
            return self._passed(request, called, self._way.send(request))
        try:
            attempt, admitted = method.admit(content(request))
        except LoginRefusedError as exc:
            self._note(request, called, str(exc).partition(": ")[0], 400)
            return refused(str(exc))
        login = {"role": admitted.role, "jwt": admitted.jwt}
        response = self._way.send(rewritten(request, login))
        outcome = OK if response.status < 300 else str(response.status)
        self._note(
            request,
            called,
            outcome,
            response.status,
            principal=admitted.caller.arn,
            region=attempt.region,
            detail={"role": admitted.role, "host": attempt.host},
        )
        return response

    def _passed(self, request: Request, called: Named, response: Response) -> Response:
        outcome = OK if response.status < 300 else str(response.status)
        self._note(request, called, outcome, response.status)
        return response

    def _note(
        self,
        request: Request,
        called: Named,
        outcome: str,
        status: int,
        **known: Any,  # noqa: ANN401 - further fields of an entry
    ) -> None:
        fields = {"region": "", "resources": (below_v1(request),), **known}
        detail = {"namespace": namespace(request), **fields.pop("detail", {})}
        self.journal.add(
            Entry(
                at=time.time(),
                service=called.mount,
                action=called.action,
                outcome=outcome,
                status=status,
                detail=detail,
                connection=request.connection,
                **fields,
            )
        )


def _instead(fault: Fault) -> Response:
    if fault.code:
        return refused(fault.message, fault.status)
    return Response(
        fault.status or 200, fault.body or b"", fault.headers, delay=fault.delay, reset=fault.reset
    )
