"""
A SOPS document as a provider serves it: opened once, then its text or its data is asked for.

The text is what `sops --decrypt` prints, byte for byte. Pure; the data key's services are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from injector.material import Material
from injector.sops import plain
from injector.sops.decrypt import decrypt
from injector.sops.text import emit
from injector.sops.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.sops.datakey import KeyService
    from injector.sops.decrypt import Decrypted
    from injector.sops.master_keys import MasterKey
    from injector.sops.plain import Json


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was decrypted and, unless that was not wanted, found to be unchanged."""

    version: str
    """Of the encrypted file, 64 hexadecimal digits: another content has another version."""
    last_modified: str
    """What the document says of itself, RFC 3339; bound to the content by the MAC."""
    verified: bool
    """Whether the MAC was looked at."""
    _decrypted: Decrypted

    @property
    def format(self) -> str:
        """What it was read as."""
        return self._decrypted.format

    def text(self) -> Material:
        """
        Give the whole file as `sops --decrypt` prints it, in the format that it came in.

        Raises:
            SopsError: for what the format cannot hold, or more than 1 MiB.
        """
        return Material(emit(self._decrypted.documents, self._decrypted.format))

    def mapping(self) -> dict[str, Json]:
        """
        Give the content as data, for selectors.

        Raises:
            SopsError: for several YAML documents, a binary file, or a text that is not UTF-8.
        """
        return plain.mapping(self._decrypted)


def open_document(
    data: bytes,
    format: str,  # noqa: A002 - what the document's format is called everywhere
    service_for: Callable[[MasterKey], KeyService | None],
    *,
    verify_mac: bool = True,
) -> Document:
    """
    Read, decrypt and verify a document.

    Args:
        data: the encrypted file.
        format: what it is read and written as, one of `parse.READERS`.
        service_for: gives what may decrypt with a master key, or `None`; called once a key.
        verify_mac: whether a document without its right MAC is refused.

    Raises:
        SopsError: when the document cannot be read, decrypted or trusted.
    """
    decrypted = decrypt(data, format, service_for, verify_mac=verify_mac)
    return Document(version_of(data), decrypted.last_modified, verify_mac, decrypted)
