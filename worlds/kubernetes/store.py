"""
Objects with resourceVersions, and the history that watches read, as etcd keeps them.

One counter for everything. A history that was compacted answers 410 to whoever is behind it.
"""

from __future__ import annotations

import copy
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Collection (`/api/v1/namespaces`, `/apis/coordination.k8s.io/v1/leases`), namespace, name."""


class ApiStatusError(Exception):
    """What the API server answers with a Status object."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


BOOKMARK: Final = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history."""

    version: int
    type: str
    """`ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK`."""
    collection: str
    object: Object


class Store:
    """Everything that the API server has."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.version = 1
        self.compacted = 0
        """Watches and continued lists from before this version are gone."""
        self._objects: dict[Key, Object] = {}
        self._names: set[Key] = set()
        """Of everything that there ever was."""
        self._history: list[Change] = []

    def get(self, key: Key) -> Object:
        """Give a copy of one object, or raise 404."""
        with self.changed:
            if key not in self._objects:
                raise ApiStatusError(404, "NotFound", f'"{key[2]}" not found')
            return copy.deepcopy(self._objects[key])

    def has(self, key: Key) -> bool:
        """Whether an object is there."""
        with self.changed:
            return key in self._objects

    def had(self, key: Key) -> bool:
        """Whether it is there or was."""
        with self.changed:
            return key in self._names

    def put(self, key: Key, found: Object, *, expected: str = "") -> Object:
        """
        Create or replace one object.

        Args:
            key: which.
            found: its new content.
            expected: the resourceVersion that it must still have; 409 if it has not.
        """
        with self.changed:
            old = self._objects.get(key)
            if expected and (old is None or old["metadata"]["resourceVersion"] != expected):
                raise ApiStatusError(409, "Conflict", "the object has been modified")
            self.version += 1
            new = copy.deepcopy(found)
            metadata = new.setdefault("metadata", {})
            metadata.update(name=key[2], resourceVersion=str(self.version))
            metadata["uid"] = old["metadata"]["uid"] if old else self._uid(key, metadata)
            if key[1]:
                metadata["namespace"] = key[1]
            self._objects[key] = new
            self._note("ADDED" if old is None else "MODIFIED", key[0], new)
            return copy.deepcopy(new)

    def delete(self, key: Key) -> None:
        """Remove one object."""
        with self.changed:
            old = self._objects.pop(key)
            self.version += 1
            gone = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self.version)}}
            self._note("DELETED", key[0], gone)

    def compact(self) -> None:
        """Forget the history so far."""
        with self.changed:
            self.version += 1
            self.compacted = self.version
            self._history.clear()
            self.changed.notify_all()

    def wake(self) -> None:
        """Let every watch look whether it should go on."""
        with self.changed:
            self.changed.notify_all()

    def list(self, collection: str) -> tuple[list[Object], int]:
        """Give copies of a collection's objects, in the order of their names, and the version."""
        with self.changed:
            keys = sorted(key for key in self._objects if key[0] == collection)
            return [copy.deepcopy(self._objects[key]) for key in keys], self.version

    def follow(
        self, collection: str, since: int, go_on: Callable[[], bool], seconds: float
    ) -> Iterator[Change]:
        """Give the changes after `since` as they come; a BOOKMARK when it was quiet for a while."""
        seen = since
        while go_on():
            with self.changed:
                if seen < self.compacted:
                    raise ApiStatusError(410, "Expired", "too old resource version")
                fresh = [change for change in self._history if change.version > seen]
                if not fresh:
                    # Of this moment: a bookmark must not stand for a change that was not sent.
                    fresh = [Change(self.version, BOOKMARK, collection, {})]
                    self.changed.wait(seconds)
            for change in fresh:
                seen = change.version
                if change.collection == collection:
                    yield change

    def _uid(self, key: Key, metadata: Object) -> str:
        """
        Give a new object its uid: at first the one that the issuer's tokens say, then another.

        A token outlives its account: one of the account of before must not fit the one of now.
        """
        first = key not in self._names
        self._names.add(key)
        given = metadata.get("uid") or (tokens.uid(key[1], key[2]) if first else "")
        return str(given or uuid.uuid4())

    def _note(self, kind: str, collection: str, found: Object) -> None:
        self._history.append(Change(self.version, kind, collection, copy.deepcopy(found)))
        self.changed.notify_all()
