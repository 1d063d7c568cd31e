"""The project's own files, as the house tests read them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGES: Final = ("webhook", "injector", "syrette", "worlds")


def modules(*packages: str) -> list[Path]:
    """Every module of the packages, relative to the root."""
    found = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found)


def tree(module: Path) -> ast.Module:
    """Parse one module."""
    return ast.parse((ROOT / module).read_text())


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
