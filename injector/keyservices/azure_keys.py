"""
Keys of Azure Key Vault as a key service, with the login of an Azure store.

The host is made of the vault's name and the suffix of the store's cloud and of nothing else
(https://learn.microsoft.com/rest/api/keyvault/keys/decrypt/decrypt).
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from injector.azure.key_errors import key_refused
from injector.contract.azure import CLOUDS, PUBLIC
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity.azure import azure_key
from injector.keyservices import addresses
from injector.keyservices.sessions import asking
from injector.material import Material
from injector.rest import Call, unreadable
from injector.sops.errors import invalid
from injector.sops.master_keys import AzureKey

if TYPE_CHECKING:
    from injector.contract.stores import Store
    from injector.identity.interface import Session
    from injector.keyservices.addresses import AzurePlace
    from injector.sessions import SessionCache
    from injector.sops.master_keys import MasterKey

STEP: Final = "Key Vault decrypt"
API_VERSION: Final = "7.4"
ALGORITHM: Final = "RSA-OAEP-256"
"""Of every data key that SOPS has a vault encrypt."""
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class AzureKeys:
    """
    Decrypts with keys of Key Vault.

    Args:
        store: an Azure store, which the allow-list permits for the key.
        sessions: where its login comes from.
    """

    def __init__(self, store: Store, sessions: SessionCache) -> None:
        self._store = store
        self._sessions = sessions

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key.

        Raises:
            SopsError: for what is no key of Key Vault.
            ProviderError: of the login or of the vault.
        """
        if not isinstance(key, AzureKey):
            msg = f"Key Vault cannot decrypt with a key of {key.kind}"
            raise ProviderError(Reason.INVALID_REQUEST, msg, step=STEP)
        place = addresses.azure(key)
        value = key.enc.strip().rstrip("=")
        if not _BASE64URL.fullmatch(value):
            msg = "`enc` is no base64url: the document was changed"
            raise invalid(msg)
        call = _call(place, CLOUDS[self._store.text("cloud", PUBLIC)].suffix, value)

        def ask(session: Session) -> Material:
            refused = partial(key_refused, place.vault, place.name)
            return _plaintext(session.rest().call(call, refused), place)

        return asking(
            self._sessions, azure_key(self._store, self._sessions.identity), ask, _is_stale
        )


def _call(place: AzurePlace, suffix: str, value: str) -> Call:
    # Without a version the segment stays empty, as in the vendor's own clients: the newest.
    url = f"https://{place.vault}.{suffix}/keys/{place.name}/{place.version}/decrypt"
    document = {"alg": ALGORITHM, "value": value}
    return Call(STEP, "POST", f"{url}?api-version={API_VERSION}", document=lambda: document)


def _is_stale(error: ProviderError, _session: Session) -> bool:
    return error.reason is Reason.IDENTITY_DENIED and error.step == STEP


def _plaintext(reply: dict[str, Any], place: AzurePlace) -> Material:
    """Take the data key out of a reply that says it is of the key that was asked."""
    kid, value = reply.get("kid"), reply.get("value")
    wanted = f"/keys/{place.name}/{place.version}".lower()
    if not isinstance(kid, str) or wanted not in kid.lower():
        raise unreadable(STEP)
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value.rstrip("=")):
        raise unreadable(STEP)
    bare = value.rstrip("=")
    try:
        return Material(base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)))
    except (binascii.Error, ValueError):
        raise unreadable(STEP) from None
