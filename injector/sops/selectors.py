"""
Which values of a document are encrypted: six rules, over keys or over comments.

A rule holds for everything below a key, or below what a comment stands before. Patterns come
with the document: RE2 matches in time linear to its text, and in bounded memory. Source:
getsops/sops `sops.go`, shouldBeEncrypted, with the fix of issue 2281 for comments in sequences.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from injector.sops.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.sops.metadata import Rule

_NO_TEXT: Final = re.compile("[\ud800-\udfff]")
_MAX_MEMORY: Final = 2 * 1024 * 1024
"""Bytes for a pattern and its automaton."""


class Selection:
    """One document's rule, ready to be asked."""

    def __init__(self, rule: Rule) -> None:
        self._unless = rule.kind.startswith("unencrypted_")
        self._of_comments = rule.kind.endswith("comment_regex")
        self._matches = _suffix(rule) if rule.kind.endswith("_suffix") else _pattern(rule)

    def top(self) -> Level:
        """Begin at a document's root."""
        return Level(self, hit=False)

    def encrypted(self, *, hit: bool) -> bool:
        """Say whether a value is encrypted that the rule hits or does not."""
        return hit != self._unless

    def key_hits(self, key: str) -> bool:
        """Say whether the rule is about this key."""
        return not self._of_comments and self._matches(key)

    def comment_hits(self, text: str) -> bool:
        """Say whether the rule is about what this comment stands before."""
        return self._of_comments and self._matches(text)

    @property
    def spares_its_comment(self) -> bool:
        """Whether the comment that asks for encryption stays readable itself."""
        return self._of_comments and not self._unless


class Level:
    """One mapping or sequence on the way: whether the rule holds here, and from here on."""

    __slots__ = ("_commented", "_hit", "_selection")

    def __init__(self, selection: Selection, *, hit: bool) -> None:
        self._selection = selection
        self._hit = hit
        self._commented = False

    def comment(self, text: str) -> bool:
        """Pass a comment, as it stands in the file; says whether it is encrypted itself."""
        before = self._hit or self._commented
        self._commented = self._commented or self._selection.comment_hits(text)
        after = self._hit or self._commented
        hit = before if self._selection.spares_its_comment else after
        return self._selection.encrypted(hit=hit)

    def below(self, key: str | None = None) -> Level:
        """Go down to a key's value, which may be an empty one's, or into an element."""
        hit = self._hit or self._commented
        hit = hit or (key is not None and self._selection.key_hits(key))
        return Level(self._selection, hit=hit)

    def passed(self) -> None:
        """Pass a value: comments before it are not about the next."""
        self._commented = False

    @property
    def encrypted(self) -> bool:
        """Whether a value that stands here is encrypted."""
        return self._selection.encrypted(hit=self._hit)


def _suffix(rule: Rule) -> Callable[[str], bool]:
    return lambda key: key.endswith(rule.text)


def _pattern(rule: Rule) -> Callable[[str], bool]:
    import re2  # noqa: PLC0415 - paid by documents with a pattern

    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        pattern = re2.compile(rule.text, options=options)
    except re2.error:
        msg = "the pattern is no regular expression of RE2, or too large"
        raise invalid(msg, path=("sops", rule.kind)) from None
    return lambda text: pattern.search(_valid(text)) is not None


def _valid(text: str) -> str:
    """Show the pattern U+FFFD for each byte that is no UTF-8, as Go does."""
    return _NO_TEXT.sub("\ufffd", text)
