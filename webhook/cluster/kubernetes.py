"""
Facts from the Kubernetes API: watch caches, and one short GET where a cache has nothing.

Namespaces and service accounts come as metadata only, nodes as the table that `kubectl get`
prints, read again every minute. A fact that cannot be had is an error and the pod is denied:
nothing is guessed.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from webhook.cluster import server
from webhook.cluster.api import JSON, METADATA, METADATA_LIST, Api, ApiError
from webhook.cluster.objects import Object, kept, limit_range
from webhook.cluster.watching import Resource, Watched
from webhook.context import Context, LimitRange
from webhook.errors import ContextUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from webhook.log import Log
    from webhook.metrics import Metrics

NODES_SECONDS: Final = 60.0
"""Between two looks at nodes and version: a node takes about that long to join."""
RETRY_SECONDS: Final = 5.0
MISS_SECONDS: Final = 1.0
"""Deadline of one direct read: two of them and the decision fit into `timeoutSeconds`."""
FRESH_SECONDS: Final = 1.0
"""For how long a direct read of an account without annotations is enough; watches lag less."""
MOST_KEPT: Final = 8 << 10
"""
Bytes of one object's labels and annotations that a cache holds. Larger ones are read for each pod
that needs them: memory is not for whoever writes thousands of them.
"""
_REMEMBERED: Final = 1024
MAX_AGE: Final = 180.0
"""Bookmarks come every minute; a busy API server leaves one out (118 s of silence were seen)."""
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""RFC 1123 subdomain; nothing else becomes part of a path."""


@dataclass(frozen=True, slots=True)
class _Named:
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def _metadata(found: Object) -> _Named:
    return _Named(found.metadata.labels, kept(found.metadata.annotations))


def _if_small(found: Object) -> _Named | None:
    named = _metadata(found)
    texts = (*named.labels.items(), *named.annotations.items())
    return named if sum(len(key) + len(value) for key, value in texts) <= MOST_KEPT else None


NAMESPACES: Final = Resource("/api/v1/namespaces", METADATA, METADATA_LIST, _if_small)
SERVICE_ACCOUNTS: Final = Resource("/api/v1/serviceaccounts", METADATA, METADATA_LIST, _if_small)
LIMIT_RANGES: Final[Resource[LimitRange]] = Resource(
    "/api/v1/limitranges", JSON, JSON, lambda o: limit_range(o.spec)
)
RESOURCE_QUOTAS: Final[Resource[frozenset[str]]] = Resource(
    "/api/v1/resourcequotas",
    JSON,
    JSON,
    lambda found: frozenset(found.spec.hard),
)


class KubernetesCluster:
    """
    Facts of the cluster that the client talks to.

    Args:
        api: to the API server.
        metrics: shows the ages of the caches.
        log: told of failures, once each until they change.
        max_age: seconds of silence after which a cache is not believed.
        sleep: between two looks at the nodes.
    """

    def __init__(
        self,
        api: Api,
        *,
        metrics: Metrics,
        log: Log,
        max_age: float = MAX_AGE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._log = log
        self._max_age = max_age
        self._sleep = sleep
        self._complaints: dict[str, str] = {}
        self._server: server.Server | None = None
        self._read_at: dict[tuple[str, str], float] = {}

        def failed(what: str) -> Callable[[str], None]:
            return lambda problem: self._complain(what, problem)

        self.namespaces = Watched(api, NAMESPACES, failed=failed("namespaces"))
        self.service_accounts = Watched(api, SERVICE_ACCOUNTS, failed=failed("serviceaccounts"))
        self.limit_ranges = Watched(api, LIMIT_RANGES, failed=failed("limitranges"))
        self.quotas = Watched(api, RESOURCE_QUOTAS, failed=failed("resourcequotas"))
        self._caches = (self.namespaces, self.service_accounts, self.limit_ranges, self.quotas)
        metrics.watch(
            "cluster_facts_age_seconds",
            lambda: max(cache.age for cache in self._caches),
        )

    @property
    def ready(self) -> bool:
        """Whether every fact has been read once."""
        return self._server is not None and all(cache.synced.is_set() for cache in self._caches)

    async def run(self) -> None:
        """Keep the facts fresh for ever."""
        async with asyncio.TaskGroup() as group:
            for cache in self._caches:
                group.create_task(cache.run())
            group.create_task(self._look())

    async def context(self, namespace: str, service_account: str) -> Context:
        """
        Give what is known of one pod's surroundings.

        Raises:
            ContextUnavailableError: if something is not known and cannot be read in time.
        """
        known = self._server
        if known is None or not self.ready:
            msg = "the facts of the cluster are not read yet"
            raise ContextUnavailableError(msg)
        home = await self._find(self.namespaces, "", namespace, "namespace")
        account = await self._find(
            self.service_accounts, namespace, service_account, "service account"
        )
        if not account.annotations:
            account = await self._read_again(namespace, service_account) or account
        return Context(
            namespace=namespace,
            namespace_labels=home.labels,
            namespace_annotations=home.annotations,
            service_account=service_account,
            service_account_annotations=account.annotations,
            server_version=known.version,
            oldest_kubelet=known.oldest_kubelet,
            limit_ranges=tuple(self.limit_ranges.all(namespace).values()),
            quota_resources=frozenset().union(*self.quotas.all(namespace).values()),
            openshift=known.openshift,
        )

    async def _find(self, cache: Watched[_Named], namespace: str, name: str, what: str) -> _Named:
        believed = cache.age <= self._max_age
        known = cache.get(namespace, name) if believed else None
        if known is not None:
            return known
        shown = f"{namespace}/{name}" if namespace else name
        if not _NAME.fullmatch(name) or (namespace and not _NAME.fullmatch(namespace)):
            msg = f"{what} `{shown[:80]}` cannot exist"
            raise ContextUnavailableError(msg)
        path = (
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
            if namespace
            else f"/api/v1/namespaces/{name}"
        )
        self._note_read(namespace, name)
        try:
            data = await self._api.get(path, METADATA, seconds=MISS_SECONDS)
            read = msgspec.json.decode(data, type=Object)
        except ApiError as exc:
            if exc.absent:
                msg = f"{what} `{shown}` is not known"
            else:
                self._complain(what, str(exc))
                msg = f"{what} `{shown}` cannot be looked up just now"
            raise ContextUnavailableError(msg) from None
        except msgspec.DecodeError:
            msg = f"{what} `{shown}` cannot be read"
            raise ContextUnavailableError(msg) from None
        # A silent watch is behind what was just read, however much it knows.
        taken_in = cache.note(read) if believed else None
        return taken_in or _metadata(read)

    async def _read_again(self, namespace: str, name: str) -> _Named | None:
        """
        Read a service account that has no role as far as the watch has told; None if that fails.

        One that gets its role a moment before its pod would otherwise get a plan without it, and
        the pod keeps its plan for ever.
        """
        last = self._read_at.get((namespace, name))
        if last is not None and time.monotonic() - last < FRESH_SECONDS:
            return None
        self._note_read(namespace, name)
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
        try:
            data = await self._api.get(path, METADATA, seconds=MISS_SECONDS)
            return _metadata(msgspec.json.decode(data, type=Object))
        except (ApiError, msgspec.DecodeError):
            return None

    def _note_read(self, namespace: str, name: str) -> None:
        if len(self._read_at) >= _REMEMBERED:
            self._read_at.clear()
        self._read_at[namespace, name] = time.monotonic()

    async def _look(self) -> None:
        """Look at version, groups and nodes again and again."""
        while True:
            try:
                self._server = await server.read(self._api)
                pause = NODES_SECONDS
            except (ApiError, msgspec.DecodeError, ValueError) as exc:
                self._complain("nodes", str(exc) if isinstance(exc, ApiError) else "unreadable")
                pause = RETRY_SECONDS
            await self._sleep(pause)

    def _complain(self, what: str, problem: str) -> None:
        if self._complaints.get(what) != problem:
            self._complaints[what] = problem
            self._log.event("warning", "cluster facts", of=what, problem=problem)
