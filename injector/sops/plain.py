"""
Decrypted documents as data: for selectors (`#db.password`), JSON and the files of a directory.

Comments fall away. A float without a fraction is an integer, since SOPS shows it as one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from injector.contract.reasons import Reason
from injector.material import Material
from injector.sops.errors import SopsError, invalid
from injector.sops.parse.encrypted import BINARY_KEY
from injector.sops.tree import Branch, Comment, Entry, Listing, Scalar, Time

if TYPE_CHECKING:
    from injector.sops.decrypt import Decrypted
    from injector.sops.tree import Node

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def mapping(decrypted: Decrypted) -> dict[str, Json]:
    """
    Give the one document of a file as a mapping.

    Raises:
        SopsError: for several documents, a binary file, keys that are there twice, or a text
            that is not UTF-8.
    """
    if decrypted.format == "binary":
        msg = "a binary file has no keys; take it as a whole"
        raise SopsError(Reason.NOT_A_MAPPING, msg)
    if len(decrypted.documents) != 1:
        count = len(decrypted.documents)
        msg = f"the file has {count} YAML documents, and keys are asked of one; take it as a whole"
        raise SopsError(Reason.NOT_A_MAPPING, msg)
    return _branch(decrypted.documents[0], ())


def binary(decrypted: Decrypted) -> Material:
    """
    Give the bytes of a binary file.

    Raises:
        SopsError: when it is none.
    """
    for item in decrypted.documents[0].items:
        match item:
            case Entry(key=key, value=Scalar(value=str() as text)) if key == BINARY_KEY:
                return Material(text.encode())
            case Entry(key=key, value=Scalar(value=bytes() as data)) if key == BINARY_KEY:
                return Material(data)
            case _:
                continue
    msg = f"the document has no text `{BINARY_KEY}`, so it is no binary file"
    raise SopsError(Reason.NOT_A_MAPPING, msg)


def _branch(branch: Branch, path: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for item in branch.items:
        if isinstance(item, Comment):
            continue
        # An INI file begins with an empty section DEFAULT, and may have another one.
        if found.get(item.key, {}) != {}:
            msg = "the key is there twice, so it is not clear which is meant"
            raise invalid(msg, path=(*path, item.key))
        found[item.key] = _value(item.value, (*path, item.key))
    return found


def _value(node: Node, path: tuple[str, ...]) -> Json:
    if isinstance(node, Branch):
        return _branch(node, path)
    if isinstance(node, Listing):
        return [_value(item, path) for item in node.items if not isinstance(item, Comment)]
    value = node.value
    if isinstance(value, Time):
        return value.text
    if isinstance(value, bytes):
        msg = "the text is not UTF-8, so it cannot be data; take the file as a whole"
        raise SopsError(Reason.DECODE_FAILED, msg)
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no such number; YAML 1.2 §10.2.1.4 writes it so.
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
