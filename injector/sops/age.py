"""
age as a key service: identities from a mounted Secret decrypt what was encrypted to them.

The format is age's (C2SP `age.md`), read by pyrage, which wraps the Rust implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import pyrage
from cryptography.exceptions import UnsupportedAlgorithm

from injector.contract.reasons import Reason
from injector.material import Material
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        permitted: whether the identity with this recipient may be used; what a document says is
            its recipient is not asked, for nothing ties it to the wrapped key.

    Raises:
        SopsError: for a text that is neither; it says which line is wrong, not what it holds.
    """

    def __init__(
        self, identities: Iterable[Material], permitted: Callable[[str], bool] | None = None
    ) -> None:
        found = [identity for text in identities for identity in _identities(text.reveal())]
        if not found:
            msg = "there is no identity of age"
            raise _unusable(msg)
        if len(found) > _MAX_IDENTITIES:
            msg = f"there are more than {_MAX_IDENTITIES} identities of age"
            raise _unusable(msg)
        self._identities = [
            each.opens for each in found if permitted is None or permitted(each.recipient())
        ]
        if not self._identities:
            msg = "the recipient of no mounted identity of age is one of the allowed keys"
            raise SopsError(Reason.POLICY_DENIED, msg)

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


@dataclass(frozen=True, slots=True)
class _Identity:
    """One identity, and whom it stands for."""

    opens: pyrage.x25519.Identity | pyrage.ssh.Identity
    recipient: Callable[[], str]


def _identities(text: bytes) -> list[_Identity]:
    if text.lstrip().startswith(_SSH):
        key = text.strip() + b"\n"
        try:
            return [_Identity(pyrage.ssh.Identity.from_buffer(key), partial(_of_ssh, key))]
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


def _of_ssh(key: bytes) -> str:
    """Recipient of a private key of SSH: its public key without a comment."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - paid by use
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415 - paid by use

    try:
        if b"OPENSSH" in key.partition(b"\n")[0]:
            private: object = serialization.load_ssh_private_key(key, None)
        else:
            private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        msg = "the public key of a private key of SSH cannot be told, and only some are allowed"
        raise _unusable(msg) from None
    if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        msg = "a private key of SSH is neither ed25519 nor RSA"
        raise _unusable(msg)
    form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return private.public_key().public_bytes(*form).decode()


def _native(line: str, number: int) -> _Identity:
    for prefix, what in _NOT_SUPPORTED.items():
        if line.upper().startswith(prefix):
            msg = f"line {number} of an identity file is {what}"
            raise _unusable(msg)
    try:
        identity = pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError:
        msg = f"line {number} of an identity file is no `{_NATIVE}…`"
        raise _unusable(msg) from None
    return _Identity(identity, lambda: str(identity.to_public()))


def _unusable(message: str) -> SopsError:
    return SopsError(Reason.INVALID_SETTINGS, message)
