"""What goes into rendering and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from injector.material import Material, RenderedFile

MAX_OUTPUT: Final = 1024 * 1024
"""Bytes that a format or a template may produce: what one Kubernetes Secret may hold."""


@dataclass(frozen=True, slots=True)
class Value:
    """What one read gave: the whole secret, before any selector."""

    material: Material
    mapping: bool = False
    """The backend itself speaks of keys: `material` is a JSON object."""
    text: Material | None = None
    """The document itself, where it is no JSON: a file of its format gets it as it is."""
    form: str = ""
    """
    Format of `text`, as `Secret.format` would say it, or another that is none of those. Without a
    `text`: of a document whose keys cannot be told, such as several in one file.
    """


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one secret of the plan became."""

    files: tuple[RenderedFile, ...] = ()
    """For `file` and `dir`; paths are relative to the volume, directory included."""
    variables: tuple[tuple[str, Material], ...] = ()
    """For `env`: names and values, not yet in the format of an EnvFile."""
