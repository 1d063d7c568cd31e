"""SOPS' envelope of any file: JSON with one text `data`, whose bytes are the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.sops.errors import invalid
from injector.sops.parse import json_format
from injector.sops.parse.encrypted import BINARY_KEY
from injector.sops.tree import Entry, Scalar

if TYPE_CHECKING:
    from injector.sops.parse.encrypted import Encrypted


def read(data: bytes) -> Encrypted:
    """
    Read the envelope.

    Raises:
        SopsError: when it holds anything but one text.
    """
    encrypted = json_format.read(data)
    match encrypted.documents[0].items:
        case (Entry(key="data", value=Scalar(value=str())),):
            return encrypted
        case _:
            msg = (
                f"a binary file's document holds `{BINARY_KEY}`, which is a text, and nothing else"
            )
            raise invalid(msg)
