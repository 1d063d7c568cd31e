"""
Component-wise checks of the paths of files, used at admission and again before writing.

The rules are those of a Linux file name (path_resolution(7)) plus the names that a publication
itself uses.
"""

from __future__ import annotations

import re
from typing import Final

MAX_COMPONENT: Final = 255  # bytes, NAME_MAX of every Linux file system
MAX_PATH: Final = 1024  # bytes; below PATH_MAX (4096) with any mount path in front

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def problem(path: str) -> str | None:
    """Say what is wrong with a relative path, or None when it may be written."""
    if not path:
        return "the path is empty"
    if path.startswith("/"):
        return "the path must be relative to the mount (`mount` sets another directory)"
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        return f"the path is longer than {MAX_PATH} bytes"
    for component in path.split("/"):
        wrong = component_problem(component)
        if wrong is not None:
            return wrong
    if path.startswith(".."):
        return "a first component that starts with `..` is reserved for publication"
    return None


def component_problem(component: str) -> str | None:
    """Say what is wrong with one component of a path, or None."""
    if not component:
        return "the path has an empty component"
    if component in {".", ".."}:
        return f"the path has a `{component}` component"
    if _CONTROL.search(component):
        return "the path has a control character"
    try:
        size = len(component.encode())
    except UnicodeEncodeError:
        return "the path is not valid Unicode"
    if size > MAX_COMPONENT:
        return f"`{component[:20]}…` is longer than {MAX_COMPONENT} bytes"
    return None
