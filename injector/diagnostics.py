"""
How the injector says what went wrong: exit code, termination message, JSON lines.

Everything comes from our own errors, whose text holds no value, token or body. The message names
for each secret the reference, the target, the provider, the region, the step, the cause, the
provider's code and request id, and what to do; causes that are alike are told once.
"""

from __future__ import annotations

import json
import os
import select
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import CONSEQUENCES, Reason
from injector.errors import InjectorError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from injector.contents import Failure

MAX_MESSAGE: Final = 4096
"""Bytes that the kubelet keeps of one container's termination message."""
PATIENCE: Final = 1000
"""Milliseconds for a reader of the log that is behind; then lines are dropped until it reads."""
_MAX_LINE: Final = 1500  # bytes; more than one failing secret is always named
_MAX_NAME: Final = 160  # characters, four bytes each at most, of a reference or a target
_LEVELS: Final = ("debug", "info", "warning", "error")
_REPORT_DEFECT: Final = "this is a defect of Syrette: please report it with this line"


class Log:
    """
    JSON lines on a descriptor.

    Args:
        level: the lowest that is written: `debug`, `info`, `warning` or `error`.
        descriptor: 2 is standard error.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        level: str = "info",
        descriptor: int = 2,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._least = _LEVELS.index(level) if level in _LEVELS else _LEVELS.index("info")
        self._descriptor = descriptor
        self._clock = clock
        self._patience = PATIENCE
        self._end = b""  # of a line that was cut

    def write(self, level: str, message: str, **fields: str | float | Sequence[str]) -> None:
        """Write one line; empty fields are left out."""
        if _LEVELS.index(level) < self._least:
            return
        line: dict[str, object] = {"time": stamp(self._clock()), "level": level, "message": message}
        line |= {name: value for name, value in fields.items() if value not in ("", (), [])}
        with suppress(OSError):  # a log that nobody reads any more must not end a cycle
            self._put(json.dumps(line).encode() + b"\n")

    def failure(self, failure: Failure) -> None:
        """Write what went wrong with one secret."""
        error = failure.error
        self.write(
            "warning" if failure.served else "error",
            "a secret keeps its last good content" if failure.served else "a secret failed",
            reference=str(failure.source.reference),
            target=failure.secret.target,
            provider=failure.provider,
            reason=error.reason,
            cause=str(error),
            **_marks(error),
        )

    def problem(self, message: str, error: InjectorError, **fields: str) -> None:
        """Write what went wrong with more than one secret."""
        marks = {"reason": error.reason, "cause": str(error), **_marks(error)}
        self.write("error", message, **fields, **marks)

    def _put(self, data: bytes) -> None:
        """Write while there is room: a reader that is stuck is waited for once, and not again."""
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        rest = self._end + data
        while rest and ready.poll(self._patience):
            rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
            self._end = b"\n" if rest else b""
        self._patience = 0 if rest else PATIENCE


def _marks(error: InjectorError) -> dict[str, str]:
    if not isinstance(error, ProviderError):
        return {}
    return {
        "step": error.step,
        "region": error.region,
        "code": error.code,
        "request_id": error.request_id,
        "remedy": error.remedy,
    }


def stamp(moment: float) -> str:
    """Write a moment (seconds since the epoch) as RFC 3339 does, in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def exit_code(errors: Sequence[InjectorError]) -> int:
    """Choose the code of the first cause: a definite no before what may pass."""
    return CONSEQUENCES[ordered(errors)[0].reason].exit_code


def ordered(errors: Sequence[InjectorError]) -> list[InjectorError]:
    """Sort errors so that what has to be changed comes before what may pass."""
    return sorted(errors, key=lambda error: error.retryable)


def defect(exc: BaseException) -> InjectorError:
    """Describe an exception that should not have been, by type and place; its text may quote."""
    frames = traceback.extract_tb(exc.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return InjectorError(Reason.INTERNAL, f"{type(exc).__name__}{where}; {_REPORT_DEFECT}")


def message(failures: Sequence[Failure], others: Sequence[InjectorError], lead: str = "") -> str:
    """
    Write the termination message, cause first.

    Args:
        failures: by secret.
        others: what concerns all of the pod.
        lead: how it came to an end, such as `gave up after 120 s`.
    """
    lines = [_plain(f"{error.reason}: {cause(error)}") for error in ordered(others)]
    told: dict[str, str] = {}
    for failure in sorted(failures, key=lambda item: item.error.retryable):
        name = f"{_cut(str(failure.source.reference))} -> {_cut(failure.secret.target)}"
        text = cause(failure.error)
        if text in told:
            lines.append(_plain(f"{failure.error.reason}: {name}: as {told[text]}"))
            continue
        told[text] = _cut(str(failure.source.reference))
        lines.append(_plain(f"{failure.error.reason}: {name} ({failure.provider}): {text}"))
    if lead and lines:
        lines[0] = _plain(f"{lead}: {lines[0]}")
    return _fitting(lines)


def _cut(name: str) -> str:
    """Leave room for the cause; a reference may have 2048 characters and a path 1024."""
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME // 2]}…{name[-_MAX_NAME // 2 :]}"


def cause(error: InjectorError) -> str:
    """Say what happened, where, with the provider's code and request id, and what to do."""
    if not isinstance(error, ProviderError):
        return str(error)
    where = " ".join(
        word for word in (error.step, f"in {error.region}" if error.region else "") if word
    )
    ids = ", ".join(
        word
        for word in (error.code, f"request {error.request_id}" if error.request_id else "")
        if word
    )
    text = f"{where}: {error}" if where else str(error)
    text += f" [{ids}]" if ids else ""
    return f"{text}; to do: {error.remedy}" if error.remedy else text


def _plain(line: str) -> str:
    """One line without control characters, of bounded length."""
    line = "".join(c if c.isprintable() else " " for c in line)
    data = line.encode("utf-8", "replace")
    return line if len(data) <= _MAX_LINE else data[:_MAX_LINE].decode("utf-8", "ignore") + "…"


def _fitting(lines: list[str]) -> str:
    """As many lines as the kubelet keeps, and how many there would be more."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        rest = len(lines) - number
        more = f"… and {rest} more"
        text = "\n".join([*kept, line]) + "\n"
        room = MAX_MESSAGE - (len(more.encode()) + 1 if rest > 1 else 0)
        if len(text.encode()) > room:
            return "\n".join([*kept, more]) + "\n"
        kept.append(line)
    return "\n".join(kept) + "\n"
