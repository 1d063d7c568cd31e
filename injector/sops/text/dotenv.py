r"""
Dotenv as SOPS writes it: `KEY=value` verbatim, a new line in a value as `\n`, `#` and a comment.

A backslash is not escaped: a value with a backslash and an n reads back as a new line. SOPS has it
so, and whoever reads the decrypted file gets SOPS' bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.sops.text import golang
from injector.sops.text.capacity import only_document, refuse, scalar_at
from injector.sops.text.output import Output
from injector.sops.tree import Comment

if TYPE_CHECKING:
    from injector.sops.tree import Documents, Scalar


def emit(documents: Documents) -> bytes:
    """
    Write the one document.

    Raises:
        SopsTextError: several documents, a mapping or a list below a key, what would not stay on
            its line, a NUL, a text that grows too large.
    """
    output = Output()
    for item in only_document(documents).items:
        if isinstance(item, Comment):
            if "\n" in item.text or "\0" in item.text:
                raise refuse((), "has a comment with a new line or a NUL, which dotenv cannot hold")
            output.add(f"#{item.text}\n")
            continue
        steps = (item.key,)
        if "=" in item.key or "\n" in item.key or "\0" in item.key or item.key.startswith("#"):
            raise refuse(steps, "is no name that a line of dotenv can begin with")
        value = _value(scalar_at(item.value, steps, "dotenv"))
        if "\0" in value:
            raise refuse(steps, "holds a NUL, which dotenv cannot hold")
        output.add(f"{item.key}={value}\n")
    return output.encoded()


def _value(scalar: Scalar) -> str:
    value = scalar.value
    if isinstance(value, str | bytes):
        return golang.string(value).replace("\n", "\\n")
    return golang.plain(scalar)
