"""A pod and the replies of Google's APIs as a test scripts them, for what no world would say."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import google_crc32c

from injector import logins
from injector.contract import google, names, references
from injector.contract.plan import Proxy
from injector.contract.stores import Store
from injector.identity.interface import Identity
from injector.providers import PROVIDERS
from injector.providers.interface import Read
from injector.retry import Retry
from injector.transport import Transport
from tests.injector.cycle.pod import Time
from worlds.server import Response, Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from injector.providers.interface import Fetched
    from injector.sessions import SessionCache
    from worlds.server import Request

PROVIDER = "projects/123456789/locations/global/workloadIdentityPools/acme/providers/prod"
CLUSTER = "projects/acme-shop/locations/europe-west3/clusters/prod"
ACCOUNT = "reader@acme-shop.iam.gserviceaccount.com"
TOKEN = "eyJ.projected.token"
CANARY = "canary-9f2c"
"""Stands in every scripted text of Google's: it must never come out."""


def reply(document: object, status: int = 200, **headers: str) -> Response:
    """Answer with JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status, json.dumps(document).encode(), {"Content-Type": "application/json", **named}
    )


def issued(token: str, life: object = 3599) -> Response:
    """Answer a login at STS, OAuth or the metadata server."""
    return reply({"access_token": token, "expires_in": life, "token_type": "Bearer"})


def oauth(code: str, text: str, status: int = 400) -> Response:
    """Refuse as a token endpoint does."""
    return reply({"error": code, "error_description": f"{text} {CANARY}"}, status)


def refused(status: int, code: str, text: str = "", reason: str = "", **metadata: str) -> Response:
    """Refuse as an API does."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "metadata": metadata,
    }
    error = {"code": status, "status": code, "message": f"{text} {CANARY}", "details": [info]}
    return reply({"error": error}, status)


def version(value: bytes, number: int = 1, *, secret: str = "db", **payload: Any) -> Response:  # noqa: ANN401 - of JSON
    """Answer a read."""
    fields = {
        "data": base64.b64encode(value).decode(),
        "dataCrc32c": str(google_crc32c.value(value)),
    }
    return reply(
        {
            "name": f"projects/123/secrets/{secret}/versions/{number}",
            "payload": {key: item for key, item in (fields | payload).items() if item is not None},
        }
    )


@dataclass(slots=True)
class Google:
    """
    Answers by the end of the path, each answer of a list once and its last one for ever.

    `requests` is its journal.
    """

    answers: dict[str, list[Response | Callable[[Request], Response]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    server: Server = field(init=False)

    def __enter__(self) -> Self:
        self.server = Server(self._handle)
        self.server.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        """Of every service."""
        return f"http://127.0.0.1:{self.server.port}"

    def say(self, end: str, *answers: Response | Callable[[Request], Response]) -> None:
        """Script what is answered at paths with this end."""
        self.answers[end] = list(answers)

    def asked(self, end: str) -> list[Request]:
        """Give the requests of paths with this end."""
        return [request for request in self.requests if request.path.endswith(end)]

    def _handle(self, request: Request) -> Response:
        self.requests.append(request)
        for end, answers in self.answers.items():
            if request.path.endswith(end):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return answer if isinstance(answer, Response) else answer(request)
        return Response(404)


def form_of(request: Request) -> dict[str, str]:
    """Read a form."""
    return dict(parse_qsl(request.body.decode()))


class GooglePod:
    """The pod `shop/web` with one store of Secret Manager at an address; time is virtual."""

    def __init__(self, url: str, root: Path, time: Time | None = None) -> None:
        self.url = url
        self.root = root
        self.time = time or Time(1_700_000_000.0)
        self.transport = Transport(proxy=Proxy(), clock=self.time)
        self.retry = Retry(clock=self.time, sleep=self.time.sleep, jitter=lambda: 0.5)
        self.identity = Identity("shop", "web", "web-1", str(root))
        self.sessions: SessionCache = logins.sessions_over(
            self.transport, self.identity, retry=self.retry, clock=self.time
        )

    def store(self, **settings: Any) -> Store:  # noqa: ANN401 - of a store
        """Make a store whose endpoints are the scripted ones."""
        services = ("iamcredentials", "metadata", "oauth2", "secretmanager", "sts")
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        endpoints = tuple((name, self.url) for name in services)
        return Store(
            "google",
            "gcp-secretmanager",
            {"endpoints": endpoints, "project": "acme-shop", **given},
        )

    def federated(self, **settings: Any) -> Store:  # noqa: ANN401 - of a store
        """Make a store of workload identity federation, and project its token."""
        store = self.store(workload_identity_provider=PROVIDER, **settings)
        self.project(TOKEN, google.audience_of(store))
        return store

    def project(self, token: str, audience: str) -> None:
        """Write a token where the kubelet does."""
        path = self.root / f"{names.TOKEN_DIRECTORY}/{names.token_file(audience)}"[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(token + "\n")

    def mount(self, name_and_key: str, value: str) -> None:
        """Write a Secret's key where the kubelet mounts it."""
        path = self.root / names.secret_file(name_and_key)[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)

    def read(self, store: Store, *texts: str, known: str = "") -> list[Fetched]:
        """Read references of the store."""
        reads = [Read(references.parse(f"google:{text}").read, known) for text in texts]
        return PROVIDERS["gcp-secretmanager"].fetch(reads, store, self.sessions)

    def value(self, store: Store, text: str) -> bytes:
        """Read one value, which must be there."""
        (found,) = self.read(store, text)
        assert found.error is None, found.error
        assert found.material is not None
        return found.material.reveal()
