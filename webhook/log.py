"""
Structured logs: one JSON line and one write an event, which never blocks the server.

Takes names and counts only: no pod, no annotation's value, no request body. Of an exception it
says the type and the place, since its text may quote input. Lines that a stuck reader of the
pipe does not take are dropped and counted.
"""

from __future__ import annotations

import logging
import os
import select
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.decisions import Decision

_ATOMIC: Final = select.PIPE_BUF
"""A pipe that polls writable takes this many bytes without blocking (pipe(7))."""
_DEEPEST: Final = 8

_encode = msgspec.json.Encoder().encode


class Log:
    """
    Writes lines to a descriptor.

    Args:
        descriptor: where to write; 1 is standard output.
        clock: seconds since the epoch.
    """

    def __init__(self, descriptor: int = 1, *, clock: Callable[[], float] = time.time) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._clock = clock
        self._rest = b""
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def decided(self, decision: Decision, seconds: float) -> None:
        """Note one decision, which took `seconds` from the request's last byte."""
        line: dict[str, object] = {
            "time": self._now(),
            "level": "info",
            "message": "decided",
            "verdict": decision.verdict,
            "reason": decision.reason,
            "uid": decision.uid,
            "namespace": decision.namespace,
            "pod": decision.pod,
            "owner_kind": decision.owner_kind,
            "service_account": decision.service_account,
            "secrets": decision.secrets,
            "providers": decision.providers,
            "warnings": decision.warnings,
            "duration_ms": round(seconds * 1000, 3),
        }
        if decision.violations:
            line["policy_warnings"] = decision.violations
        if decision.references:
            line["references"] = decision.references
        if decision.dry_run:
            line["dry_run"] = True
        self._write(_encode(line) + b"\n")

    def event(self, level: str, message: str, **fields: str | float | None) -> None:
        """Note something that happened to the server itself."""
        line = {"time": self._now(), "level": level, "message": message, **fields}
        self._write(_encode(line) + b"\n")

    def failure(self, message: str, error: BaseException, **fields: str | float | None) -> None:
        """Note a defect: the type and the innermost places, never the exception's text."""
        frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
        self.event(
            "error",
            message,
            error=type(error).__name__,
            where=" < ".join(
                f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
                for frame in reversed(frames)
            ),
            **fields,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _write(self, line: bytes) -> None:
        if self._rest and not self._flush():
            self.dropped += 1
            return
        self._rest = line
        self._flush()

    def _flush(self) -> bool:
        """Write what is left of a line; False when the reader does not take it now."""
        while self._rest:
            if not self._poll.poll(0):
                return False
            try:
                written = os.write(self._descriptor, self._rest[:_ATOMIC])
            except OSError:  # the reader is gone; serving goes on without it
                self.dropped += 1
                self._rest = b""
                return True
            self._rest = self._rest[written:]
        return True


def standard_output() -> int:
    """
    Give the descriptor of standard output, 1.

    A process that was started without one gets the null device: the next thing that is opened, such
    as a client's connection, would have that number and be sent our lines.
    """
    try:
        os.fstat(1)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


class LibraryHandler(logging.Handler):
    """Passes what libraries log on as our lines: their constant message, no arguments."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        level = record.levelname.lower()
        if record.exc_info and record.exc_info[1] is not None:
            self._log.failure("a library reports", record.exc_info[1], logger=record.name)
        else:
            self._log.event(level, "a library reports", logger=record.name, text=str(record.msg))
