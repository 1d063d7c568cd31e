"""Near misses: "did you mean", for everything that has a closed list."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def near(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or nothing; starts with `; `."""
    found = get_close_matches(word[:80], list(known), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""
