"""
The resident process of the sidecar, started by absolute path under `-I -S`.

As short as can be: a script is compiled at each start, and what that takes stays in memory (1.2 MB
for the whole supervisor), while `supervision` comes from byte code. It imports nothing but that and
built-in modules (docs/adr/0007).
"""

# Without `from __future__ import annotations`: that is a module, too.
import os
import sys

if not __package__:
    # Under -I -S nothing of ours would be found otherwise.
    sys.path.append(__file__.rsplit("/", 2)[0])

from injector.supervision import Supervisor

SESSION_DIRECTORY = "/run/syrette/session"  # as in the contract; a test compares them
PASSED_ON = ("SYRETTE_", "AWS_")
"""Prefixes of the variables that a worker gets; AWS_ is for `ambient` stores, nobody else looks."""


def main(command: list[str]) -> int:
    """
    Supervise; the exit code.

    Args:
        command: in place of the injector as the worker, for tests.
    """
    root = os.environ.get("SYRETTE_ROOT", "").rstrip("/")
    environment = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)}
    worker = command or [sys.executable, "-I", "-m", "injector"]
    return Supervisor(worker, environment, root + SESSION_DIRECTORY).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
