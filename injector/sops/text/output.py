"""What has been written so far, never more than the limit."""

from __future__ import annotations

from typing import Final

from injector.contract.reasons import Reason
from injector.render.interface import MAX_OUTPUT
from injector.sops.text import golang
from injector.sops.text.errors import SopsTextError

LIMIT: Final = MAX_OUTPUT
"""Bytes: indentation and escapes let a small document grow."""


class Output:
    """Collects pieces of a text and counts them, so that growth ends early."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """
        Append a piece.

        Raises:
            SopsTextError: `output-too-large`.
        """
        self._size += len(text)
        if self._size > LIMIT:
            raise _too_large()
        self._parts.append(text)

    def encoded(self) -> bytes:
        """
        Give all pieces as bytes.

        Raises:
            SopsTextError: `output-too-large`, counted in bytes.
        """
        data = golang.encoded("".join(self._parts))
        if len(data) > LIMIT:
            raise _too_large()
        return data


def _too_large() -> SopsTextError:
    problem = f"decrypts to more than {LIMIT} bytes; split it into several documents"
    return SopsTextError(Reason.OUTPUT_TOO_LARGE, "the document", problem)
