"""
The MAC: SHA-512 over every value in order, stored encrypted and bound to the time of the change.

It covers neither keys nor comments, nulls, empty texts, the shape, nor the metadata; encrypted
values are bound to their keys by the cipher. Source: getsops/sops `sops.go` (Encrypt, ToBytes).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from injector.sops.errors import SopsError, untrusted
from injector.sops.tree import Time
from injector.sops.values import write_bool, write_float

if TYPE_CHECKING:
    from injector.sops.cipher import Cipher
    from injector.sops.metadata import Metadata
    from injector.sops.tree import Scalar

_PATH: Final = ("sops", "mac")
_ONLY_ENCRYPTED: Final = hashlib.sha256(b"sops").digest()
"""What the hash begins with under `mac_only_encrypted`, so that it is never that of all values."""


def canonical(scalar: Scalar) -> bytes:
    """Write a value as it is hashed; null is nothing."""
    value = scalar.value
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return write_bool(value).encode()
    if isinstance(value, Time):
        return value.text.encode()
    return (str(value) if isinstance(value, int) else write_float(value)).encode()


class Mac:
    """Counts the values of a document as they are decrypted."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._hash = hashlib.sha512(_ONLY_ENCRYPTED if metadata.mac_only_encrypted else b"")

    def add(self, scalar: Scalar, *, encrypted: bool) -> None:
        """Count a value, decrypted, and whether it was encrypted in the file."""
        if encrypted or not self._metadata.mac_only_encrypted:
            self._hash.update(canonical(scalar))

    def verify(self, cipher: Cipher) -> None:
        """
        Compare with what the document says, in constant time.

        Raises:
            SopsError: when the MAC is missing, not for this document, or another one.
        """
        if not self._metadata.mac:
            msg = "the document has no MAC, so nothing shows that it was not changed"
            raise untrusted(msg, path=_PATH)
        try:
            stored, kind = cipher.open(self._metadata.mac, self._metadata.last_modified, _PATH)
        except SopsError:
            msg = "the MAC or the time of the last change was altered"
            raise untrusted(msg, path=_PATH) from None
        computed = self._hash.hexdigest().upper().encode()
        if kind != "str" or not hmac.compare_digest(stored, computed):
            msg = "values were changed, added, removed or put in another order since encryption"
            raise untrusted(msg, path=_PATH)
