"""
Patterns of what is permitted: `*` stops at `/`, `**` does not, everything else is literal.

The webhook compares paths, roles and names with them, the injector the keys of SOPS documents.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns matches the whole text; none matches if there are none."""
    return any(matches(pattern, text) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """
    Translate a pattern.

    What stands between two wildcards is matched once, at its first place (atomic groups): as a
    wildcard takes whatever follows, a later place could not match more, and no text can make the
    search explode.
    """
    first, *rest = pattern.split("**")
    text = _segment(first)
    for index, segment in enumerate(rest):
        inner = _segment(segment)
        last = index == len(rest) - 1
        text += f".*{inner}" if last else f"(?>.*?{inner})"
    return re.compile(text, re.DOTALL)


def _segment(segment: str) -> str:
    first, *rest = (re.escape(part) for part in segment.split("*"))
    text = first
    for index, part in enumerate(rest):
        last = index == len(rest) - 1
        text += f"[^/]*{part}" if last else f"(?>[^/]*?{part})"
    return text
