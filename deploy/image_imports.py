"""
Tries, in the finished image, whether everything can be imported: `image_imports.py HOME NAME…`.

What the image leaves out is chosen by hand, and a library may import it all the same. Packages
below `HOME` are imported with all of their modules, other names as they are; programs
(`__main__`) are not run. Exit code 1 and one line for each name that cannot be imported.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def modules(home: str, names: list[str]) -> Iterator[str]:
    """Give the names, and those of all modules of packages below the directory."""
    for name in names:
        yield name
        folder = Path(home, name)
        for module in pkgutil.walk_packages([str(folder)], f"{name}.") if folder.is_dir() else ():
            if not module.name.endswith(".__main__"):
                yield module.name


def lacking(home: str, names: list[str]) -> list[str]:
    """Import everything; gives a line for each name that cannot be."""
    found = []
    for name in modules(home, names):
        try:
            importlib.import_module(name)
        except ImportError as exc:
            found.append(f"{name}: {exc}")
    return found


if __name__ == "__main__":
    said = lacking(sys.argv[1], sys.argv[2:])
    sys.exit("\n".join(said) or 0)
