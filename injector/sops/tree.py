"""
What a SOPS document is, whatever its format: branches, listings, scalars and comments.

The shapes are SOPS' own (getsops/sops `sops.go`: TreeBranch, TreeItem, Comment): order is kept,
comments are items, keys are texts. Everything is frozen: decrypting makes another tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, without the mark that its format puts in front."""

    text: str = field(repr=False)
    """Each byte that is no UTF-8 is a lone surrogate (PEP 383)."""


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time as Go's RFC3339Nano text, which is how SOPS types it."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scalar:
    """
    One value. An `int` is a Go int, a `float` a Go float64, `bytes` a Go string that is no UTF-8.
    """

    value: str | bytes | bool | int | float | Time | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, and what stands under it."""

    key: str
    value: Node


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping, in order, with the comments between its keys."""

    items: tuple[Entry | Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence, in order, with the comments between its elements."""

    items: tuple[Node | Comment, ...] = ()


Node = Branch | Listing | Scalar

Documents = tuple[Branch, ...]
"""A file: YAML may have several documents, every other format has one."""

Format = Literal["yaml", "json", "dotenv", "ini", "binary"]
"""What a file is written as, by the names that `sops --input-type` takes."""
