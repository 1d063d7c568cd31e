"""
Leaves out of botocore the programs that write its manual.

botocore makes a docstring for every method of a client, and imports seventeen modules for it: a
tenth of what an init container takes of the CPU, and 1 MB. Nobody reads docstrings here. Should a
version of botocore want more of that package than this knows, it gets the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Final

PACKAGE: Final = "botocore.docs"
MODULE: Final = "botocore.docs.docstring"
NAMES: Final = ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring")
"""What botocore imports of it, to call it and to assign what comes back to a `__doc__`."""


def import_without() -> None:
    """Import what takes long of botocore, without what nobody reads."""
    _leave_out()
    try:
        import botocore.session  # noqa: PLC0415 - only AWS pays for botocore
    except ImportError:
        for name in (PACKAGE, MODULE):
            sys.modules.pop(name, None)
        import botocore.session  # noqa: F401, PLC0415 - only AWS pays for botocore


def _leave_out() -> None:
    """Put a package in place that finds its other modules, and a module that writes nothing."""
    import botocore  # noqa: PLC0415 - only AWS pays for botocore

    if PACKAGE in sys.modules:
        return
    package = ModuleType(PACKAGE)
    package.__path__ = [str(Path(botocore.__file__).parent / "docs")]
    module = ModuleType(MODULE)
    for name in NAMES:
        setattr(module, name, _write_nothing)
    sys.modules[PACKAGE] = package
    sys.modules[MODULE] = module


def _write_nothing(*_arguments: object, **_options: object) -> None:
    return None
