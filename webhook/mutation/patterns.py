"""Patterns of the policy against what a pod asks for, with placeholders filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.patterns import matches
from webhook.annotations import placeholders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webhook.annotations.placeholders import Facts


def matches_any(patterns: Iterable[str], text: str, facts: Facts) -> bool:
    """Whether one of the patterns matches the whole text; none matches if there are none."""
    filled = (placeholders.filled(pattern, facts) for pattern in patterns)
    return any(pattern is not None and matches(pattern, text) for pattern in filled)
