"""The Kubernetes API world: what tests of the webhook's cluster facts start and change."""

from __future__ import annotations

import json
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs

from worlds.certificates import issue
from worlds.faults import Faults
from worlds.journal import OK, Entry, Journal
from worlds.kubernetes import kubeconfig
from worlds.kubernetes.access import Admission, Permissions, TokenDesk, admit_all
from worlds.kubernetes.authentication import REVIEWS, Authentication
from worlds.kubernetes.patching import patched
from worlds.kubernetes.representations import (
    answered,
    bookmark,
    line,
    refused,
    selected,
    shown,
    table,
)
from worlds.kubernetes.store import BOOKMARK, ApiStatusError, Key, Object, Store
from worlds.server import Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.tokens import Issuer

TOKEN: Final = "kubernetes-world"  # noqa: S105 - a made-up one
_PATH: Final = re.compile(
    r"(?P<base>/api/v1|/apis/[^/]+/[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z]+))?)?"
)
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_QUIET: Final = 0.05
"""Seconds after which a watch that hears nothing gets a bookmark; the real one takes a minute."""


class KubernetesWorld:
    """
    A simulated API server on loopback TLS, for clients with the right token.

    ```python
    with KubernetesWorld() as world:
        world.apply("namespaces", "shop", labels={"team": "web"})
        world.apply("serviceaccounts", "web", namespace="shop", annotations={…})
        world.kubeconfig                      # a file for clients
        world.compact()                       # 410 for everybody who is behind
        world.cut_watches()                   # every watch breaks off
        world.go_down(); world.come_back()
        world.permissions.deny("create", "serviceaccounts/token", namespace="shop")
        world.admission = refuse              # called for each pod that is to be created
        world.journal.count("watch namespaces")
        world.service_account("shop", "web")  # and its namespace
        world.reviewer()                      # a token that may create TokenReviews
        world.url, world.ca_pem               # for such clients
        world.sign_with(Issuer(world.url))    # so that its discovery document fits
    ```

    Args:
        version: `gitVersion` of the server.
        groups: API groups beside the core.
        issuer: signs the tokens of service accounts; without it there are none.
    """

    def __init__(
        self,
        version: str = "v1.37.1",
        groups: tuple[str, ...] = ("apps",),
        issuer: Issuer | None = None,
    ) -> None:
        self.version = version
        self.groups = groups
        self.permissions = Permissions()
        self.admission: Admission = admit_all
        """What looks at pods before they are created."""
        self.store = Store()
        self.authentication = Authentication(self.store, issuer)
        self.journal = Journal()
        self.faults = Faults()
        self._cut = 0
        self._certificates = issue("Kubernetes world")
        self._server = Server(self._handle, self._certificates.context())
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="kubernetes-world-")
        self._server.start()
        self.authentication.base = self.url
        kubeconfig.write(Path(self._folder.name), self.url, self.ca_pem, TOKEN)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.cut_watches()
        self._server.stop()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig for this world, while it runs."""
        if self._folder is None:
            msg = "the world is not started"
            raise RuntimeError(msg)
        return Path(self._folder.name, "kubeconfig")

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return f"https://127.0.0.1:{self._server.port}"

    @property
    def ca_pem(self) -> str:
        """Certificate of the authority that signed the server's."""
        return self._certificates.ca

    def sign_with(self, issuer: Issuer) -> None:
        """Take another issuer for the tokens of service accounts."""
        self.authentication.issuer = issuer

    def service_account(self, namespace: str, name: str) -> None:
        """Make a service account, and its namespace."""
        self.apply("namespaces", namespace)
        self.apply("serviceaccounts", name, namespace=namespace)

    def reviewer(self, namespace: str = "vault", name: str = "vault") -> str:
        """Make a service account that may create TokenReviews; gives a token of it."""
        issuer = self.authentication.issuer
        if issuer is None:
            msg = "this world has no issuer"
            raise RuntimeError(msg)
        self.service_account(namespace, name)
        self.authentication.permit_reviews(namespace, name)
        return issuer.mint(namespace, name, issuer.url, lifetime=24 * 3600)

    def apply(
        self,
        plural: str,
        name: str,
        *,
        namespace: str = "",
        base: str = "/api/v1",
        metadata: dict[str, Any] | None = None,
        **fields: Any,  # noqa: ANN401 - of any object
    ) -> Object:
        """Create or replace one object."""
        found = {"metadata": metadata or {}, **fields}
        return self.store.put((f"{base}/{plural}", namespace, name), found)

    def delete(self, plural: str, name: str, *, namespace: str = "", base: str = "/api/v1") -> None:
        """Remove one object."""
        self.store.delete((f"{base}/{plural}", namespace, name))

    def node(self, name: str, kubelet: str) -> None:
        """Make or change a node."""
        self.apply("nodes", name, status={"nodeInfo": {"kubeletVersion": kubelet}})

    def compact(self) -> None:
        """Forget the history: whoever goes on from an old version gets 410."""
        self.store.compact()

    def cut_watches(self) -> None:
        """End every watch that is open, in the middle of a chunk."""
        self._cut += 1
        self.store.wake()

    def go_down(self) -> None:
        """Refuse connections."""
        self._stopping.set()
        self.cut_watches()
        self._server.stop()

    def come_back(self) -> None:
        """Serve again, on the same port."""
        self._stopping.clear()
        self._server.start()

    def _handle(self, request: Request) -> Response:
        action = self._action(request)
        fault = self.faults.take("kubernetes", action, "")
        try:
            if fault is not None and fault.answers:
                return Response(fault.status, fault.body or b"", fault.headers, reset=fault.reset)
            if fault is not None and fault.before is not None:
                fault.before()
            response = self._answer(request)
            if fault is not None and fault.after is not None:
                fault.after()
        except ApiStatusError as exc:
            response = refused(exc)
        self._note(action, response.status)
        return response if fault is None else fault.spoil(response)

    def _action(self, request: Request) -> str:
        match = _PATH.fullmatch(request.path)
        if match is None:
            return f"{request.method} {request.path}"
        watch = "watch=1" in request.query
        verb = {"GET": "watch" if watch else "get" if match["name"] else "list"}
        return f"{verb.get(request.method, request.method.lower())} {_resource(match)}"

    def _note(self, action: str, status: int) -> None:
        outcome = OK if status < 400 else str(status)
        self.journal.add(Entry(time.time(), "kubernetes", action, "", outcome, status))

    def _answer(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if authorization != f"Bearer {TOKEN}":
            return self._answer_account(request, authorization)
        if request.path in {"/version", "/apis"}:
            return answered(self._described(request.path))
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise ApiStatusError(404, "NotFound", "the server could not find it")
        key = (f"{match['base']}/{match['plural']}", match["namespace"] or "", match["name"] or "")
        verb = _VERBS.get(request.method) or self._action(request).partition(" ")[0]
        self.permissions.check(verb, _resource(match), key)
        if match["part"]:
            return answered(self._make_token(request, match["part"], key))
        if request.method == "GET":
            return self._read(request, key)
        if (request.method, key) == ("POST", (REVIEWS, "", "")):
            return answered(self.authentication.review(json.loads(request.body)), 201)
        return answered(self._write(request, key))

    def _described(self, path: str) -> Object:
        if path == "/version":
            return {"gitVersion": self.version}
        return {"groups": [{"name": name} for name in self.groups]}

    def _answer_account(self, request: Request, authorization: str) -> Response:
        """Answer somebody else than the one user who may do everything."""
        found = self.authentication.answer(
            request.method, request.path, authorization, request.body
        )
        if found is None:
            raise ApiStatusError(403, "Forbidden", "this world knows no rights of service accounts")
        return answered(found, 201 if request.method == "POST" else 200)

    def _make_token(self, request: Request, part: str, key: Key) -> Object:
        issuer = self.authentication.issuer
        if part != "token" or request.method != "POST" or issuer is None:
            raise ApiStatusError(404, "NotFound", "the server could not find it")
        uid = self.store.get(key)["metadata"]["uid"]
        return TokenDesk(issuer).answer(json.loads(request.body), key, uid)

    def _read(self, request: Request, key: Key) -> Response:
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        accept = request.headers.get("accept", "")
        if key[2]:
            return answered(shown(self.store.get(key), accept))
        if query.get("watch") == "1":
            return self._watch(key[0], query, accept)
        return self._list(key, query, accept)

    def _list(self, key: Key, query: dict[str, str], accept: str) -> Response:
        objects, version = self.store.list(key[0])
        objects = [found for found in objects if selected(found, key[1], query)]
        start, since = 0, version
        if "continue" in query:
            start, since = (int(part) for part in query["continue"].split("-"))
            if since < self.store.compacted:
                raise ApiStatusError(410, "Expired", "the continue token is too old")
        limit = int(query.get("limit", 0)) or len(objects)
        page = objects[start : start + limit]
        metadata = {"resourceVersion": str(since)}
        if start + limit < len(objects):
            metadata["continue"] = f"{start + limit}-{since}"
        if "as=Table" in accept:
            return answered({"kind": "Table", "metadata": metadata, **table(page)})
        return answered({"metadata": metadata, "items": [shown(found, accept) for found in page]})

    def _watch(self, collection: str, query: dict[str, str], accept: str) -> Response:
        since = int(query.get("resourceVersion", 0))
        if since < self.store.compacted:
            raise ApiStatusError(410, "Expired", "too old resource version")
        end = time.monotonic() + float(query.get("timeoutSeconds", 300))
        return Response(200, stream=self._lines(collection, since, end, accept))

    def _lines(self, collection: str, since: int, end: float, accept: str) -> Iterator[bytes]:
        cut = self._cut
        changes = self.store.follow(
            collection,
            since,
            lambda: cut == self._cut and time.monotonic() < end,
            _QUIET,
        )
        try:
            for change in changes:
                if change.type == BOOKMARK:
                    yield line(BOOKMARK, bookmark(collection, change.version))
                else:
                    yield line(change.type, shown(change.object, accept))
        except ApiStatusError as exc:
            yield line("ERROR", {"kind": "Status", "code": exc.code, "reason": exc.reason})
        if cut != self._cut:
            raise ConnectionAbortedError

    def _write(self, request: Request, key: Key) -> Object:
        body: Any = json.loads(request.body)
        if request.method == "PATCH":
            old = self.store.get(key)
            kind = request.headers.get("content-type", "")
            return self.store.put(
                key, patched(old, body, kind), expected=old["metadata"]["resourceVersion"]
            )
        if request.method == "POST":
            created = (key[0], key[1], body["metadata"]["name"])
            if key[0] == "/api/v1/pods":
                body = self.admission(body, key[1])
            if "dryRun=All" in request.query:
                dry: Object = body
                return dry
            try:
                self.store.get(created)
            except ApiStatusError:
                return self.store.put(created, body)
            raise ApiStatusError(409, "AlreadyExists", "the object exists")
        self.store.get(key)
        return self.store.put(
            key, body, expected=body.get("metadata", {}).get("resourceVersion", "")
        )


def _resource(match: re.Match[str]) -> str:
    """Name a resource as rules of RBAC do, `serviceaccounts/token`."""
    return f"{match['plural']}/{match['part']}" if match["part"] else str(match["plural"])
