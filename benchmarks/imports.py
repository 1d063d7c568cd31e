"""Which modules one of the injector's programs has imported when it ends."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from benchmarks.servers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The program ends by `os._exit`, before which it is asked; what the interpreter had loaded by
# itself is not counted.
_SCRIPT: Final = f"""
import os, runpy, sys
sys.path.append({str(ROOT)!r})
before, end = set(sys.modules), os._exit
def told(code):
    print(*sorted(set(sys.modules) - before), flush=True)
    end(code)
os._exit = told
runpy.run_module("injector", run_name="__main__", alter_sys=True)
"""


def imported(environment: Mapping[str, str], *words: str) -> frozenset[str]:
    """
    Run a program of the injector to its end; gives the names of its modules.

    Args:
        environment: of its container.
        words: which program, such as `init`.

    Raises:
        RuntimeError: if it does not end with 0.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", _SCRIPT, *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        msg = f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-600:]}"
        raise RuntimeError(msg)
    return frozenset(done.stdout.splitlines()[-1].split())


def packages(modules: Iterable[str]) -> list[str]:
    """Name the packages among modules that are neither ours nor the standard library's."""
    found = {name.partition(".")[0] for name in modules}
    # Parts of packages stand outside of them as `_yaml` and `_cffi_backend` do, and Cython makes
    # a module of no file.
    ours = sys.stdlib_module_names | {"injector", "cython_runtime"}
    return sorted(name for name in found - ours if not name.startswith("_"))
