"""The encrypted data key as a document holds it."""

from __future__ import annotations

import base64
import binascii

from injector.sops.errors import invalid


def wrapped(enc: str) -> bytes:
    """
    Decode the encrypted data key of a document (standard base64).

    Raises:
        SopsError: when it is not.
    """
    try:
        data = base64.b64decode("".join(enc.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        msg = "`enc` is no base64: the document was changed"
        raise invalid(msg)
    return data
