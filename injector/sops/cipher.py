"""
One encrypted value: AES-256-GCM, bound to the keys that lead to it.

Source: getsops/sops `aes/cipher.go`. The IV has 32 bytes as a rule; its length is taken from the
text, as SOPS does.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from injector.sops.errors import invalid, untrusted
from injector.sops.tree import Comment, Scalar
from injector.sops.values import read_bool, read_float, read_int, read_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.material import Material

_ENCRYPTED = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+)"
    r",type:([a-z]+)\]\s*",
    re.ASCII,
)
_AND_MORE = re.compile(_ENCRYPTED.pattern.removesuffix(r"\s*") + r"(?![^\n]*\])", re.ASCII)
_TAG_SIZE: Final = 16
_IV_SIZES: Final = range(8, 129)
"""Bytes that the library takes; SOPS writes 32."""


def without_more(comment: str) -> str:
    """
    Cut off what was written behind an encrypted comment, on its line or the next ones.

    SOPS looks at the beginning of a text only. Of values, we take nothing but the whole.
    """
    match = _AND_MORE.match(comment)
    return match[0] if match else comment


class Cipher:
    """Decrypts with one data key."""

    def __init__(self, key: Material) -> None:
        self._aead = AESGCM(key.reveal())

    def decrypt(self, text: str, path: Sequence[str]) -> Scalar | Comment:
        """
        Decrypt a value or a comment that stands under these keys.

        An empty text is its own encryption.

        Raises:
            SopsError: when it is not encrypted, not for this place, or not of the type it says.
        """
        if not text:
            return Scalar("")
        return _typed(*self.open(text, f"{':'.join(path)}:", path), path)

    def open(self, text: str, bound_to: str, path: Sequence[str]) -> tuple[bytes, str]:
        """
        Decrypt to bytes and the name of their type.

        Args:
            text: `ENC[AES256_GCM,…]`.
            bound_to: the additional data.
            path: for messages.

        Raises:
            SopsError: as `decrypt`.
        """
        match = _ENCRYPTED.fullmatch(text)
        if match is None:
            msg = "an encrypted value is expected here (`ENC[AES256_GCM,…]`), and this is none"
            raise invalid(msg, path=path)
        try:
            data, iv, tag = (base64.b64decode(match[part], validate=True) for part in (1, 2, 3))
        except (binascii.Error, ValueError):
            msg = "an encrypted value is no base64"
            raise invalid(msg, path=path) from None
        if len(tag) != _TAG_SIZE or len(iv) not in _IV_SIZES:
            msg = "an encrypted value's IV or tag has a wrong length"
            raise invalid(msg, path=path)
        try:
            plain = self._aead.decrypt(iv, data + tag, bound_to.encode())
        except InvalidTag:
            msg = (
                "the value was changed, moved from another key, or encrypted with another data key"
            )
            raise untrusted(msg, path=path) from None
        return plain, match[4]


def _typed(plain: bytes, kind: str, path: Sequence[str]) -> Scalar | Comment:
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        if kind in {"str", "bytes"}:
            return Scalar(plain)
        text = plain.decode("utf-8", "surrogateescape")
    if kind == "comment":
        return Comment(text)
    if kind in {"str", "bytes"}:
        return Scalar(text)
    reader = _READERS.get(kind)
    value = reader(text) if reader else None
    if value is None:
        msg = "a value's type is unknown, or the value is not of it"
        raise invalid(msg, path=path)
    return Scalar(value)


_READERS: Final = {"int": read_int, "float": read_float, "bool": read_bool, "time": read_time}
