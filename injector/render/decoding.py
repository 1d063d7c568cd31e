"""
`decode: base64`: strict, in the standard or the URL-safe alphabet (RFC 4648 §4 and §5).

White space around the value and line breaks in it (RFC 2045 §6.8) are allowed, padding may be
left out. Two alphabets at once, other characters and left-over bits are errors.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from injector.contract.reasons import Reason
from injector.errors import RenderError
from injector.render import documents

_WHITE_SPACE: Final = b" \t\r\n"


def apply(data: object, where: str) -> Any:  # noqa: ANN401 - any JSON
    """
    Decode a value, or each value of a mapping.

    Returns:
        What `documents.parse` makes of the decoded bytes; in a mapping text where it is UTF-8.

    Raises:
        RenderError: names the key that is not in base64.
    """
    if isinstance(data, dict):
        return {
            key: _text_or_bytes(_decode(item, f"{where}.{documents.printable(key)}"))
            for key, item in data.items()
        }
    return documents.parse(_decode(data, where))


def _decode(data: object, where: str) -> bytes:
    if isinstance(data, str):
        data = data.encode(errors="replace")
    decoded = base64_bytes(data) if isinstance(data, bytes) else None
    if decoded is None:
        msg = f"{where}: the value is not base64"
        raise RenderError(Reason.DECODE_FAILED, msg)
    return decoded


def base64_bytes(data: bytes) -> bytes | None:
    """Decode strictly, or None: what encodes to other text was not the encoding of anything."""
    text = data.translate(None, _WHITE_SPACE)
    bare = text.rstrip(b"=")
    standard = bare.translate(bytes.maketrans(b"-_", b"+/"))
    padding = b"=" * (-len(bare) % 4)
    mixed = any(c in bare for c in b"-_") and any(c in bare for c in b"+/")
    if mixed or text not in {bare, bare + padding}:
        return None
    try:
        decoded = base64.b64decode(standard + padding, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded) == standard + padding else None


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
