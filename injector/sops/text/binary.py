"""Binary files: the text below the key `data`, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from injector.sops.text import golang
from injector.sops.text.capacity import only_document, refuse, scalar_at
from injector.sops.text.output import Output
from injector.sops.tree import Entry

if TYPE_CHECKING:
    from injector.sops.tree import Documents

_KEY: Final = "data"


def emit(documents: Documents) -> bytes:
    """
    Give the file that was encrypted.

    Raises:
        SopsTextError: several documents, no `data`, something else than a text below it, a text
            that is too large.
    """
    for item in only_document(documents).items:
        if isinstance(item, Entry) and item.key == _KEY:
            value = scalar_at(item.value, (_KEY,), "a binary file").value
            if not isinstance(value, str | bytes):
                raise refuse((_KEY,), "is no text, and a binary file is nothing else")
            output = Output()
            output.add(golang.string(value))
            return output.encoded()
    raise refuse((_KEY,), "is missing, and a binary file is nothing else")
