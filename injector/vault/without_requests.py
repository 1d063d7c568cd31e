"""
Imports hvac without the HTTP library that it would send with, since `http` sends in its place.

hvac names `requests` in a type, and makes a session of it where nobody gives one. With what that
brings along it was a quarter of the CPU of an init container and a worker, and 8 MB. Whatever else
is asked of the stand-in, by this hvac or by another version, the real library answers.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import Any, Final

LIBRARY: Final = "requests"
MODULES: Final = (LIBRARY, f"{LIBRARY}.exceptions")
"""What hvac imports."""
_LOCK: Final = threading.Lock()


class StandIn(ModuleType):
    """One of the modules while hvac is imported, and what hvac's own modules keep of it."""

    class Response:
        """The type that hvac names; nothing is one."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of any module
        if name == "__path__":  # wanted for another module of it: `import_hvac` starts again
            raise AttributeError(name)
        _withdraw()
        return getattr(importlib.import_module(self.__name__), name)


def import_hvac() -> ModuleType:
    """Import hvac; afterwards `requests` is for everybody else what it was before."""
    with _LOCK:
        if LIBRARY not in sys.modules:
            sys.modules.update((name, StandIn(name)) for name in MODULES)
        try:
            import hvac  # noqa: PLC0415 - only Vault pays for hvac
        except ImportError:
            _withdraw()
            import hvac  # noqa: F401, PLC0415 - only Vault pays for hvac
        finally:
            _withdraw()
        return sys.modules["hvac"]


def _withdraw() -> None:
    for name in MODULES:
        if isinstance(sys.modules.get(name), StandIn):
            del sys.modules[name]
