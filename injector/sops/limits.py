"""
How much a document may ask for, and the account of what it has asked for.

A real document of 1 MiB has fewer than 10,000 values, since the shortest encrypted value takes
110 bytes. What is larger or deeper is an attack on the sidecar's memory.
"""

from __future__ import annotations

from typing import Final

from injector.sops.errors import invalid

MAX_DOCUMENT: Final = 1024 * 1024
"""Bytes; a ConfigMap holds no more."""
MAX_DEPTH: Final = 64
"""Levels of mappings and sequences."""
MAX_NODES: Final = 50_000
"""Values, keys and comments of all documents of a file, with every alias expanded."""
MAX_TEXT: Final = 4 * MAX_DOCUMENT
"""Characters of all scalars and comments, with every alias expanded."""
MAX_PATH: Final = 4096
"""Characters of all keys that lead to a value: each value's cipher is fed with them."""
MAX_GROUPS: Final = 32
MAX_MASTER_KEYS: Final = 64
"""In all groups; each may cost a call of a provider."""
MAX_PATTERN: Final = 1024
"""Characters of a rule's regular expression or suffix."""
MAX_IDENTIFIER: Final = 2048
"""Characters of a key's ARN, resource, address or recipient."""
MAX_WRAPPED_KEY: Final = 16 * 1024
"""Characters of a data key as one master key has encrypted it."""


class Budget:
    """What is left for the document that is being read."""

    __slots__ = ("nodes", "text")

    def __init__(self) -> None:
        self.nodes = 0
        self.text = 0

    def spend(self, nodes: int, text: int) -> None:
        """
        Take nodes and characters.

        Raises:
            SopsError: when the document has had its share.
        """
        self.nodes += nodes
        self.text += text
        if self.nodes > MAX_NODES:
            msg = f"more than {MAX_NODES} values, keys and comments, aliases expanded"
            raise invalid(msg)
        if self.text > MAX_TEXT:
            msg = f"more than {MAX_TEXT} characters, aliases expanded"
            raise invalid(msg)


def check_size(data: bytes) -> None:
    """
    Look at a document's size before anything reads it.

    Raises:
        SopsError: when it is too large.
    """
    if len(data) > MAX_DOCUMENT:
        msg = f"the document has {len(data)} bytes; at most {MAX_DOCUMENT} are read"
        raise invalid(msg)


def check_depth(depth: int, line: int = 0) -> None:
    """
    Look at how deep a mapping or sequence stands.

    Raises:
        SopsError: when it is too deep.
    """
    if depth > MAX_DEPTH:
        msg = f"mappings and sequences are nested deeper than {MAX_DEPTH} levels"
        raise invalid(msg, line=line)
