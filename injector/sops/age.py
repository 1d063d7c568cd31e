"""
age as a key service: identities from a mounted Secret decrypt what was encrypted to them.

The format is age's (C2SP `age.md`), read by pyrage, which wraps the Rust implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyrage

from injector.contract.reasons import Reason
from injector.material import Material
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from injector.sops.master_keys import MasterKey

_MAX_IDENTITIES: Final = 64
_SSH: Final = b"-----BEGIN "
_NATIVE: Final = "AGE-SECRET-KEY-1"
_POST_QUANTUM: Final = "AGE-SECRET-KEY-PQ-"
_PLUGIN: Final = "AGE-PLUGIN-"
_NOT_SUPPORTED: Final = {
    _POST_QUANTUM: "a post-quantum identity, which is not supported",
    _PLUGIN: "a plugin's identity; plugins are not supported",
}


class AgeKeyService:
    """
    Decrypts with identities.

    Args:
        identities: texts, each either lines of `AGE-SECRET-KEY-1…` with comments, or one private
            key of SSH (ed25519 or RSA, without a passphrase).

    Raises:
        SopsError: for a text that is neither; it says which line is wrong, not what it holds.
    """

    def __init__(self, identities: Iterable[Material]) -> None:
        self._identities: list[pyrage.x25519.Identity | pyrage.ssh.Identity] = []
        for text in identities:
            self._identities += _identities(text.reveal())
        if not self._identities:
            msg = "there is no identity of age"
            raise _unusable(msg)
        if len(self._identities) > _MAX_IDENTITIES:
            msg = f"there are more than {_MAX_IDENTITIES} identities of age"
            raise _unusable(msg)

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key.

        Raises:
            SopsError: when it is not for any of the identities, or no file of age.
        """
        if not isinstance(key, AgeKey):
            msg = f"age cannot decrypt with a key of {key.kind}"
            raise SopsError(Reason.INVALID_REQUEST, msg)
        try:
            return Material(pyrage.decrypt(key.enc.encode(), self._identities))
        except pyrage.DecryptError as exc:
            raise _refused(str(exc)) from None


def _refused(cause: str) -> SopsError:
    if "No matching keys" in cause:
        msg = "none of our age identities is the recipient's"
        return SopsError(Reason.ACCESS_DENIED, msg)
    msg = "the data key is no file of age, or was changed"
    return SopsError(Reason.INVALID_DOCUMENT, msg)


def _identities(text: bytes) -> list[pyrage.x25519.Identity | pyrage.ssh.Identity]:
    if text.lstrip().startswith(_SSH):
        try:
            return [pyrage.ssh.Identity.from_buffer(text.strip() + b"\n")]
        except pyrage.IdentityError:
            msg = "a private key of SSH is neither ed25519 nor RSA, or has a passphrase"
            raise _unusable(msg) from None
    lines = text.decode("utf-8", "replace").splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            found.append(_native(stripped, number))
    return found


def _native(line: str, number: int) -> pyrage.x25519.Identity:
    for prefix, what in _NOT_SUPPORTED.items():
        if line.upper().startswith(prefix):
            msg = f"line {number} of an identity file is {what}"
            raise _unusable(msg)
    try:
        return pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError:
        msg = f"line {number} of an identity file is no `{_NATIVE}…`"
        raise _unusable(msg) from None


def _unusable(message: str) -> SopsError:
    return SopsError(Reason.INVALID_SETTINGS, message)
