"""Why a SOPS document is refused: line and key path, and never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.errors import InjectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_KEYS: Final = 8
_SHOWN_CHARACTERS: Final = 40


class SopsError(InjectorError):
    """A document that cannot be read, decrypted or trusted."""


def invalid(message: str, *, path: Sequence[str] = (), line: int = 0) -> SopsError:
    """
    Say that the document cannot be read.

    Args:
        message: what is wrong and what was expected; no value.
        path: the keys that lead there.
        line: counted from 1; 0 when it is not known.
    """
    return SopsError(Reason.INVALID_DOCUMENT, _located(message, path, line))


def untrusted(message: str, *, path: Sequence[str] = ()) -> SopsError:
    """Say that the content is not what was encrypted."""
    return SopsError(Reason.INTEGRITY_FAILED, _located(message, path, 0))


def printable(text: str, limit: int = _SHOWN_CHARACTERS) -> str:
    """Show a name that the document's author chose: short and without control characters."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else "?" for char in shown)


def _located(message: str, path: Sequence[str], line: int) -> str:
    where = f"line {line}: " if line else ""
    if path:
        keys = [printable(key) for key in path[:_SHOWN_KEYS]]
        where += f"`{'.'.join(keys)}{'.…' if len(path) > _SHOWN_KEYS else ''}`: "
    return where + message
