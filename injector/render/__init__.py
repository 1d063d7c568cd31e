"""
From fetched bytes to the bytes of files: selectors, formats, templates. Pure.

Errors name keys, variables and lines, never values.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from injector.material import RenderedFile
from injector.render.interface import MAX_OUTPUT, Rendered, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from injector.contract.plan import Secret
    from injector.contract.references import Reference
    from injector.material import Material

__all__ = ["MAX_OUTPUT", "Rendered", "RenderedFile", "Value", "env_file", "render"]


def render(
    secret: Secret,
    values: Mapping[Reference, Value],
    *,
    delimiters: tuple[str, str] = ("{{", "}}"),
    clock: Callable[[], float] = time.monotonic,
) -> Rendered:
    """
    Make of fetched values what one secret of the plan asks for.

    Args:
        secret: sources with their selectors, and the target.
        values: what each read gave, by `Reference.read` (the reference without selector); every
            source of the secret must be there. The caller leaves out optional secrets that are
            absent.
        delimiters: of template variables (`Plan.delimiters`).
        clock: monotonic seconds, for the time that a template may take.

    Raises:
        RenderError: for a selector that finds nothing, keys asked of a plain value, a wrong
            encoding, a template that fails, a variable or file name that cannot be.
    """
    raise NotImplementedError


def env_file(variables: Sequence[tuple[str, Material]]) -> Material:
    """
    Write an EnvFile as the kubelet reads it: `NAME='value'` lines, each name once.

    Raises:
        RenderError: `unsafe-variable` for what it cannot carry, with the variable's name;
            `name-collision` for a name that comes twice.
    """
    raise NotImplementedError
