"""What a format cannot hold, said with the path of the key and never with its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.sops.errors import SopsError

if TYPE_CHECKING:
    from injector.contract.reasons import Reason


class SopsTextError(SopsError):
    """
    A decrypted tree that cannot be written in its format.

    Args:
        reason: `decode-failed` for what the format cannot hold, `output-too-large` for more than
            the limits of size and depth, `not-a-mapping` where a mapping or a value must stand.
        where: the path of the key, as `key_path` writes it.
        problem: what is wrong with it, continuing the sentence "The value at `where` ...".
    """

    def __init__(self, reason: Reason, where: str, problem: str) -> None:
        super().__init__(reason, f"{where} {problem}")
        self.where = where


def key_path(steps: tuple[str | int, ...]) -> str:
    """Write keys and indexes as `app.ports[2]`, cut and escaped: keys come from the document."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    shown = text.removeprefix(".").encode("unicode_escape").decode()
    if len(shown) > _LONGEST:
        shown = shown[:_LONGEST] + "…"
    return f"the key {shown}" if steps else "the document"


_LONGEST = 200
