"""Documents that a stranger wrote, and key services that give any data key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from injector.material import Material
from injector.sops.decrypt import decrypt
from injector.sops.errors import SopsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.sops.master_keys import MasterKey

METADATA = {
    "age": [{"recipient": "age1x", "enc": "x"}],
    "lastmodified": "2026-01-02T03:04:05Z",
    "mac": "ENC[x]",
    "version": "3.11.0",
}


class Fixed:
    """A key service that gives the same bytes for every key."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def decrypt(self, key: MasterKey) -> Material:
        """Give them."""
        del key
        return Material(self._data)


def fixed(data: bytes) -> Callable[[MasterKey], Fixed]:
    """Give the service for any key."""
    return lambda _: Fixed(data)


def document(**metadata: object) -> bytes:
    """Write a document with this metadata, which JSON and YAML both read."""
    return json.dumps({"a": "b", "sops": METADATA | metadata}).encode()


def refusal(data: bytes, name: str = "yaml", key: bytes = bytes(32)) -> SopsError:
    """Decrypt what cannot be."""
    with pytest.raises(SopsError) as refused:
        decrypt(data, name, fixed(key))
    return refused.value
