"""
The data key: what master keys have encrypted, and what has encrypted the values.

Who can decrypt with a master key is the caller's: a `KeyService` for each that is permitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.material import Material
from injector.sops import shamir
from injector.sops.errors import SopsError
from injector.sops.master_keys import UnsupportedKey, describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.sops.master_keys import MasterKey
    from injector.sops.metadata import Metadata

DATA_KEY_SIZE: Final = 32
"""Bytes: AES-256."""
_PART_SIZE: Final = DATA_KEY_SIZE + 1
_MIN_PARTS: Final = 2
_FIRST: Final = {"age": 0, "pgp": 1}
"""Kinds that SOPS tries first, since they need no call: `DefaultDecryptionOrder`."""


class KeyService(Protocol):
    """Something that decrypts with a master key: an API, or an identity of age."""

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt the data key, or a group's part of it.

        Raises:
            InjectorError: with why not; its text names no value.
        """
        ...


class _Attempts:
    """What was tried, to be told when nothing helps."""

    def __init__(self) -> None:
        self._tried: list[str] = []
        self._errors: list[InjectorError] = []

    def note(self, key: MasterKey, cause: str) -> None:
        self._tried.append(f"{describe(key)}: {cause}")

    def failed(self, key: MasterKey, error: InjectorError) -> None:
        self._errors.append(error)
        self.note(key, str(error))

    def failure(self, metadata: Metadata, found: int) -> SopsError:
        """Sum up; what may go away by itself decides about the reason."""
        told = "; ".join(self._tried)
        if len(metadata.groups) > 1:
            needed = max(metadata.threshold, _MIN_PARTS)
            told = f"{found} of {needed} key groups gave their part; {told}"
        ranked = sorted(self._errors, key=lambda error: not error.retryable)
        reason = ranked[0].reason if ranked else Reason.ACCESS_DENIED
        error = SopsError(reason, f"the data key cannot be decrypted: {told}")
        error.pause = max((each.pause for each in self._errors), default=0.0)
        return error


def data_key(metadata: Metadata, service_for: Callable[[MasterKey], KeyService | None]) -> Material:
    """
    Decrypt the data key.

    With one group any of its keys will do. With more, parts are collected up to the threshold,
    or from all groups if the document does not say how many it needs.

    Args:
        metadata: of the document.
        service_for: gives what may decrypt with a key, or `None`; called once a key.

    Returns:
        32 bytes.

    Raises:
        SopsError: naming every key that was tried, each with its own cause.
    """
    attempts = _Attempts()
    if len(metadata.groups) == 1:
        whole = _part(metadata.groups[0], DATA_KEY_SIZE, service_for, attempts)
        if whole is None:
            raise attempts.failure(metadata, 0)
        return whole
    needed = max(metadata.threshold or len(metadata.groups), _MIN_PARTS)
    parts: list[Material] = []
    for group in metadata.groups:
        part = _part(group, _PART_SIZE, service_for, attempts)
        if part is not None:
            parts.append(part)
        if len(parts) == needed:
            break
    if len(parts) < max(metadata.threshold, _MIN_PARTS):
        raise attempts.failure(metadata, len(parts))
    return Material(shamir.combine([part.reveal() for part in parts]))


def _part(
    group: tuple[MasterKey, ...],
    size: int,
    service_for: Callable[[MasterKey], KeyService | None],
    attempts: _Attempts,
) -> Material | None:
    """Ask one key after the other; `None` when none of them gives a part of this size."""
    for key in sorted(group, key=lambda key: _FIRST.get(key.kind, len(_FIRST))):
        if isinstance(key, UnsupportedKey):
            attempts.note(key, "keys of this kind are not supported")
            continue
        service = service_for(key)
        if service is None:
            attempts.note(key, "nothing here may decrypt with it")
            continue
        try:
            part = service.decrypt(key)
        except InjectorError as exc:
            attempts.failed(key, exc)
            continue
        if len(part) == size:
            return part
        attempts.note(key, f"gave {len(part)} bytes, and {size} are expected")
    return None
