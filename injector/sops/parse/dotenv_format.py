r"""
SOPS documents as lines of `KEY=value`, taken verbatim: no quotes, no blanks are touched.

Source: getsops/sops `stores/dotenv/store.go`. `\n` stands for a line break, always.
"""

from __future__ import annotations

from typing import Final

from injector.sops.errors import invalid
from injector.sops.limits import Budget
from injector.sops.metadata import read_metadata
from injector.sops.parse.encrypted import Encrypted
from injector.sops.parse.flattened import unflatten
from injector.sops.tree import Branch, Comment, Entry, Scalar

_PREFIX: Final = "sops_"


def read(data: bytes) -> Encrypted:
    """
    Read the lines.

    Raises:
        SopsError: for a line that is neither a comment nor has a `=`, and for keys that are not
            UTF-8.
    """
    budget = Budget()
    items: list[Entry | Comment] = []
    metadata: list[tuple[str, str]] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line:
            continue
        budget.spend(1, len(line))
        if line.startswith(b"#"):
            items.append(Comment(line[1:].decode("utf-8", "surrogateescape")))
            continue
        name, equals, text = line.partition(b"=")
        if not equals:
            msg = "the line has no `=` and is no comment"
            raise invalid(msg, line=number)
        key = _key(name, number)
        if key.startswith(_PREFIX):
            metadata.append((key.removeprefix(_PREFIX), text.decode("utf-8", "replace")))
        else:
            items.append(Entry(key, Scalar(_value(text.replace(b"\\n", b"\n")))))
    read_in = read_metadata(unflatten(metadata) if metadata else None)
    return Encrypted((Branch(tuple(items)),), read_in)


def _key(name: bytes, number: int) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        msg = "the key is not UTF-8"
        raise invalid(msg, line=number) from None


def _value(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text
