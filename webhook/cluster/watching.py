"""
A cache of one kind of object, kept fresh by a watch.

List in pages, then watch with bookmarks from where the list ended; after a disconnect go on from
the last resourceVersion, after a 410 (Gone) list again. What was known stays served meanwhile, and
its age is a metric.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from webhook.cluster.api import Api, ApiError
from webhook.cluster.objects import Event, Object, ObjectList, Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

T = TypeVar("T")

WATCH_SECONDS: Final = 290.0
"""Of one watch request; client-go asks for 5 to 10 minutes."""
GRACE_SECONDS: Final = 30.0
"""How long after that a connection is given up as dead."""
BACK_OFF: Final = 0.5, 30.0
"""Seconds of the first pause after a failure and of the longest."""

_event = msgspec.json.Decoder(Event).decode
_object = msgspec.json.Decoder(Object).decode
_page = msgspec.json.Decoder(ObjectList).decode
_status = msgspec.json.Decoder(Status).decode


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """What is watched, and what of each object is kept."""

    path: str
    accept: str
    accept_list: str
    keep: Callable[[Object], T | None]
    """None leaves an object out."""


class Watched(Generic[T]):
    """
    The objects of one resource in the whole cluster, by namespace and name.

    Args:
        api: to the API server.
        resource: which.
        failed: told of each failure that is more than the end of a watch.
        clock: monotonic seconds.
        sleep: for back-off.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource[T],
        *,
        failed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._resource = resource
        self._failed = failed
        self._clock = clock
        self._sleep = sleep
        self._objects: dict[str, dict[str, T]] = {}
        self._version = ""
        self._heard = clock()
        self.synced = asyncio.Event()

    @property
    def age(self) -> float:
        """Seconds since the API server last said anything about these objects."""
        return self._clock() - self._heard

    def get(self, namespace: str, name: str) -> T | None:
        """One object, None when it is not known."""
        return self._objects.get(namespace, {}).get(name)

    def all(self, namespace: str) -> Mapping[str, T]:
        """Every object of a namespace, by name."""
        return self._objects.get(namespace, {})

    def note(self, found: Object) -> T | None:
        """Take in one object that was read directly, unless a watch has brought it meanwhile."""
        known = self.get(found.metadata.namespace, found.metadata.name)
        return known if known is not None else self._put(self._objects, found)

    def forget(self, namespace: str, name: str) -> None:
        """Drop one object, so that it is read directly when it is next wanted."""
        self._objects.get(namespace, {}).pop(name, None)

    async def run(self) -> None:
        """List and watch for ever."""
        failures = 0
        while True:
            began = self._heard
            try:
                await self._follow()
                if self._heard > began:
                    failures = 0
                    continue
                # Ended before it said anything: whoever asks again at once would do nothing else.
            except ApiError as exc:
                if exc.gone:
                    self._version = ""
                self._failed(str(exc))
            except (msgspec.DecodeError, RecursionError) as exc:
                self._version = ""
                self._failed(f"{self._resource.path}: unreadable ({type(exc).__name__})")
            failures = 1 if self._heard > began else failures + 1
            await self._sleep(_back_off(failures))

    async def _follow(self) -> None:
        """List if there is nothing to go on from, then watch until the server ends it."""
        if not self._version:
            await self._list()
            self.synced.set()
        await self._watch()

    async def _list(self) -> None:
        resource, version = self._resource, ""
        objects: dict[str, dict[str, T]] = {}
        async for data in self._api.pages(resource.path, resource.accept_list):
            page = _page(data)
            for item in page.items:
                self._put(objects, item)
            version = page.metadata.resource_version
        # At once, so that nobody sees half a list.
        self._objects, self._version = objects, version
        self._heard = self._clock()

    async def _watch(self) -> None:
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(int(WATCH_SECONDS)),
        }
        seconds = WATCH_SECONDS + GRACE_SECONDS
        lines = self._api.lines(self._resource.path, query, self._resource.accept, seconds=seconds)
        async for line in lines:
            self._take(_event(line))
            self._heard = self._clock()

    def _take(self, event: Event) -> None:
        if event.type == "ERROR":
            code = _status(event.object).code
            msg = f"watch of {self._resource.path}: the API server ended it with {code}"
            raise ApiError(msg, code)
        found = _object(event.object)
        self._version = found.metadata.resource_version or self._version
        if event.type == "DELETED":
            self.forget(found.metadata.namespace, found.metadata.name)
        elif event.type in {"ADDED", "MODIFIED"}:
            self._put(self._objects, found)

    def _put(self, objects: dict[str, dict[str, T]], found: Object) -> T | None:
        metadata, value = found.metadata, self._resource.keep(found)
        if value is None:
            objects.get(metadata.namespace, {}).pop(metadata.name, None)
        else:
            objects.setdefault(metadata.namespace, {})[metadata.name] = value
        return value


def _back_off(failures: int) -> float:
    """Full jitter, so that replicas do not come back together."""
    base, cap = BACK_OFF
    return random.uniform(base / 2, min(cap, base * 2.0 ** min(failures, 16)))  # noqa: S311 - spreads load, guards nothing
