"""What a vault says of the decryption with a key: its general errors, in words for keys."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.azure.errors import vault_refused
from injector.contract.azure import VaultObject
from injector.contract.reasons import Reason
from injector.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.rest import Refusal

_BAD_REQUEST: Final = 400
_ROLE: Final = (
    "give the client the role `Key Vault Crypto User` on the key or on the vault {vault} "
    "(`az role assignment create`); in a vault with access policies, the permission `decrypt` of "
    "keys (`az keyvault set-policy --key-permissions decrypt`)"
)
_DENIALS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ForbiddenByRbac": ("no role permits it", _ROLE),
        "ForbiddenByPolicy": ("no access policy permits it", _ROLE),
        "AccessDenied": ("the vault denies it", _ROLE),
        "KeyDisabled": ("the key or its version is disabled", "enable it"),
        "KeyOperationForbidden": (
            "the key is not for decryption",
            "add `decrypt` to the operations of the key (`az keyvault key set-attributes --ops`)",
        ),
        "KeyExpired": ("the key has expired", "encrypt the document with a new version"),
        "KeyNotYetValid": ("the key is not yet valid", "look at its activation date in {vault}"),
    }
)


def key_refused(vault: str, name: str, refusal: Refusal) -> ProviderError:
    """
    Translate what a vault answers.

    Args:
        vault: its name.
        name: of the key.
        refusal: the reply.
    """
    error = vault_refused(VaultObject(vault, "keys", name), refusal)
    key = f"the key `{name}` of the vault {vault}"
    if refusal.status == _BAD_REQUEST:
        # The call is always of one form: what is wrong is the ciphertext, or the key's type.
        said = f"the data key is not what {key} has encrypted, or was changed"
        remedy = "encrypt the document anew (`sops updatekeys`); the key must be of RSA"
        return _changed(error, Reason.INVALID_DOCUMENT, said, remedy)
    if error.code in _DENIALS:
        why, remedy = _DENIALS[error.code]
        return _changed(
            error, error.reason, f"may not decrypt with {key}: {why}", remedy.format(vault=vault)
        )
    return error


def _changed(error: ProviderError, reason: Reason, message: str, remedy: str) -> ProviderError:
    return ProviderError(
        reason,
        message,
        step=error.step,
        code=error.code,
        request_id=error.request_id,
        remedy=remedy,
        pause=error.pause,
    )
