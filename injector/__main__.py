"""
The injector's programs: `init`, `worker`, `revoke`, and `sidecar`, which becomes the supervisor.

Whatever goes wrong becomes an exit code and, for init, the termination message; a traceback never
leaves the process, since an exception's text may quote what it choked on.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector import diagnostics, init, settings, worker
from injector.diagnostics import Log
from injector.edges import Machine
from injector.errors import InjectorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.settings import Settings

USAGE: Final = "usage: python -m injector init | worker [now] | revoke | sidecar"
_USAGE_CODE: Final = 2
_TERMINATED: Final = 128 + signal.SIGTERM
_NO_CORE: Final = 1
"""
Bytes of RLIMIT_CORE: too few for any core file, and what tells Linux not to start the program of
`kernel.core_pattern` either, which it does at 0 (core(5), fs/coredump.c).
"""


def main(arguments: list[str]) -> int:
    """Run one program; the exit code."""
    # A process of half a second: collecting garbage would only cost a tenth of it.
    gc.disable()
    _forbid_core()
    match arguments:
        case ["init"]:
            # As process 1 of its container it would otherwise ignore the kubelet's SIGTERM.
            signal.signal(signal.SIGTERM, _leave)
            try:
                return _guarded(_init, last_words=_write_termination_message)
            except SystemExit:
                return _TERMINATED
        case ["worker"] | ["worker", "now"]:
            return _guarded(lambda pod, log: _worker(pod, log, everything="now" in arguments))
        case ["revoke"]:
            return _guarded(_revoke)
        case ["sidecar", *command]:
            script = str(Path(__file__).with_name("supervisor.py"))
            os.execv(sys.executable, [sys.executable, "-I", "-S", script, *command])  # noqa: S606 - ourselves, without a shell
        case _:
            os.write(2, f"{USAGE}\n".encode())
    return _USAGE_CODE


def _forbid_core() -> None:
    """Keep a crash from writing this process's memory, secrets and all, to the node's disk."""
    with suppress(OSError, ValueError):  # a limit of 0 cannot be raised, and need not be
        resource.setrlimit(resource.RLIMIT_CORE, (_NO_CORE, _NO_CORE))


def _leave(*_: object) -> None:
    """End init from where it is, so that it gives back what it holds; a second wish ends it now."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(_TERMINATED))
    raise SystemExit


def _init(pod: Settings, log: Log) -> int:
    outcome = init.run(pod, log, Machine())
    if outcome.message:
        _write_termination_message(outcome.message)
    return outcome.exit_code


def _worker(pod: Settings, log: Log, *, everything: bool) -> int:
    line = worker.run(pod, log, Machine(), everything=everything)
    os.write(1, line.encode())
    return 0


def _revoke(pod: Settings, log: Log) -> int:
    worker.revoke(pod, log, Machine())
    return 0


def _guarded(
    program: Callable[[Settings, Log], int], last_words: Callable[[str], None] | None = None
) -> int:
    """Run a program; every exception becomes an exit code and one line of the log."""
    log = Log()
    try:
        pod = settings.load()
        log = Log(pod.plan.log_level)
        return program(pod, log)
    except InjectorError as exc:
        error = exc
    except Exception as exc:  # noqa: BLE001 - the last line of defence
        error = diagnostics.defect(exc)
    log.problem("the injector failed", error)
    if last_words is not None:
        last_words(diagnostics.message([], [error]))
    return diagnostics.exit_code([error])


def _write_termination_message(text: str) -> None:
    # The kubelet has made the file and mounted it: it is written in place, never replaced.
    with suppress(OSError):
        settings.termination_message().write_text(text)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to clean up, and taking modules apart costs 20 ms.
    os._exit(code)
