"""
What a world was asked, by whom, and how it ended. Values of secrets and tokens never enter it.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OK = "ok"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request."""

    at: float
    """World time, seconds since the epoch."""
    service: str
    action: str
    region: str
    outcome: str
    """`ok`, the error code that was answered, or `fault:…`."""
    status: int
    """HTTP status; 0 when nothing was answered."""
    principal: str = ""
    """Who asked: the ARN of the calling session, the subject of a token; empty if not known."""
    base: str = ""
    """The first session of the chain that `principal` stands in (itself, when not chained)."""
    access_key_id: str = ""
    resources: tuple[str, ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    """Of a batch: each resource with its own outcome."""
    detail: Mapping[str, str] = field(default_factory=dict)
    """Further facts of the request, such as a session name; never values."""
    connection: int = 0
    request_id: str = ""


class Journal:
    """All entries of one world, in the order of their ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Note one request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget what was."""
        with self._lock:
            self._entries.clear()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything so far."""
        with self._lock:
            return tuple(self._entries)

    def documents(self) -> list[dict[str, Any]]:
        """Everything so far as JSON, for the control port of a world that is a program."""
        found = (asdict(entry) for entry in self.entries)
        return [{**entry, "detail": dict(entry["detail"])} for entry in found]

    def calls(self, action: str = "", **equal: str | int) -> tuple[Entry, ...]:
        """
        Entries of an action, with further fields that must be equal.

        Example: `journal.calls("AssumeRole", region="eu-west-1", outcome="ok")`.
        """
        return tuple(
            entry
            for entry in self.entries
            if (not action or entry.action == action)
            and all(getattr(entry, name) == value for name, value in equal.items())
        )

    def count(self, action: str = "", **equal: str | int) -> int:
        """How many entries `calls` would give."""
        return len(self.calls(action, **equal))

    def actions(self) -> tuple[str, ...]:
        """Names of the actions asked for, in order."""
        return tuple(entry.action for entry in self.entries)

    def principals(self, action: str) -> tuple[str, ...]:
        """Who asked for an action, in order: the source principals of `AssumeRole`, say."""
        return tuple(entry.principal for entry in self.calls(action))
