"""
A whole SOPS document, from its bytes to its decrypted tree.

Source: getsops/sops `sops.go` (Decrypt, walkBranch, walkSlice).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector.contract.reasons import Reason
from injector.sops import parse
from injector.sops.cipher import Cipher, without_more
from injector.sops.datakey import data_key
from injector.sops.errors import SopsError, invalid, untrusted
from injector.sops.limits import MAX_PATH
from injector.sops.mac import Mac
from injector.sops.selectors import Level, Selection
from injector.sops.tree import Branch, Comment, Documents, Entry, Listing, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.sops.datakey import KeyService
    from injector.sops.master_keys import MasterKey
    from injector.sops.parse.encrypted import Encrypted
    from injector.sops.tree import Format


@dataclass(frozen=True, slots=True)
class Decrypted:
    """A document's content; every scalar in it may be a secret."""

    documents: Documents
    format: Format
    """What it was read as."""
    last_modified: str
    """As the MAC is bound to it: RFC 3339, whole seconds."""


def decrypt(
    data: bytes,
    format: str,  # noqa: A002 - what the document's format is called everywhere
    service_for: Callable[[MasterKey], KeyService | None],
    *,
    verify_mac: bool = True,
) -> Decrypted:
    """
    Decrypt a document.

    Args:
        data: the file.
        format: one of `parse.READERS`.
        service_for: gives what may decrypt with a master key, or `None`.
        verify_mac: whether a document without its right MAC is refused; values are authentic
            in their places without it, but may be missing or old.

    Raises:
        SopsError: when the document cannot be read, decrypted or trusted.
    """
    known = parse.format_named(format)
    encrypted = parse.read(data, known)
    cipher = Cipher(data_key(encrypted.metadata, service_for))
    try:
        documents = _decrypt(encrypted, cipher, verify_mac=verify_mac)
    except SopsError as exc:
        if format != "json" or exc.reason is not Reason.INTEGRITY_FAILED:
            raise
        from injector.sops.parse import json_format  # noqa: PLC0415 - only JSON pays for it

        if not json_format.beyond_floats(data):
            raise
        # SOPS before 3.13.2 read every number of JSON as a float64, and hashed it as such.
        older = json_format.read(data, floats=True)
        documents = _decrypt(older, cipher, verify_mac=verify_mac)
    return Decrypted(documents, known, encrypted.metadata.last_modified)


def _decrypt(encrypted: Encrypted, cipher: Cipher, *, verify_mac: bool) -> Documents:
    walk = _Walk(cipher, Mac(encrypted.metadata))
    selection = Selection(encrypted.metadata.rule)
    documents = tuple(
        walk.branch(document, (), selection.top()) for document in encrypted.documents
    )
    if verify_mac:
        walk.mac.verify(cipher)
    return documents


class _Walk:
    """Goes through a tree in order; recursion is bounded by the readers."""

    def __init__(self, cipher: Cipher, mac: Mac) -> None:
        self._cipher = cipher
        self.mac = mac

    def branch(self, branch: Branch, path: tuple[str, ...], level: Level) -> Branch:
        items: list[Entry | Comment] = []
        for item in branch.items:
            if isinstance(item, Comment):
                encrypted = level.comment(item.text)
                items.append(self._comment(item, path, encrypted=encrypted))
                continue
            inner = (*path, item.key)
            if sum(len(key) + 1 for key in inner) > MAX_PATH:
                msg = f"the keys that lead here have more than {MAX_PATH} characters"
                raise invalid(msg, path=inner)
            node = self._node(item.value, inner, level.below(item.key))
            if isinstance(node, Comment):
                msg = "a comment stands in a value's place"
                raise untrusted(msg, path=inner)
            items.append(Entry(item.key, node))
            level.passed()
        return Branch(tuple(items))

    def _listing(self, listing: Listing, path: tuple[str, ...], level: Level) -> Listing:
        items: list[Node | Comment] = []
        for item in listing.items:
            if isinstance(item, Comment):
                encrypted = level.comment(item.text)
                # SOPS decrypts an empty comment between elements to an empty text.
                lost = encrypted and not item.text
                items.append(Scalar("") if lost else self._comment(item, path, encrypted=encrypted))
                continue
            node = self._node(item, path, level.below())
            items.append(node)
            # Comments between elements are written as elements; they are comments all the same.
            if not isinstance(node, Comment):
                level.passed()
        return Listing(tuple(items))

    def _node(self, node: Node, path: tuple[str, ...], level: Level) -> Node | Comment:
        if isinstance(node, Branch):
            return self.branch(node, path, level)
        if isinstance(node, Listing):
            return self._listing(node, path, level)
        if node.value is None:
            return node
        if not level.encrypted:
            self.mac.add(node, encrypted=False)
            return node
        if not isinstance(node.value, str):
            msg = "an encrypted value is expected here, and this is no text"
            raise invalid(msg, path=path)
        plain = self._cipher.decrypt(node.value, path)
        if isinstance(plain, Scalar):
            self.mac.add(plain, encrypted=True)
        return plain

    def _comment(self, comment: Comment, path: tuple[str, ...], *, encrypted: bool) -> Comment:
        if not encrypted or not comment.text:
            return comment
        try:
            plain = self._cipher.decrypt(without_more(comment.text), path)
        except SopsError:
            # It was added by hand, or by a SOPS which did not encrypt comments.
            return comment
        if isinstance(plain, Comment):
            return plain
        msg = "a value stands in a comment's place"
        raise untrusted(msg, path=path)
