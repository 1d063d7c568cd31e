"""
The transit engine of Vault and OpenBao as a key service, with the login of a Vault store.

The store's own address is asked, never the document's: those are compared by the allow-list
(https://developer.hashicorp.com/vault/api-docs/secret/transit#decrypt-data).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity.keys import vault_key
from injector.keyservices import addresses
from injector.keyservices.sessions import asking
from injector.material import Material
from injector.sops.master_keys import VaultKey
from injector.vault.errors import DECRYPT, is_denied
from injector.vault.http import unreadable

if TYPE_CHECKING:
    from injector.contract.stores import Store
    from injector.identity.interface import Session
    from injector.sessions import SessionCache
    from injector.sops.master_keys import MasterKey

STEP: Final = f"Vault {DECRYPT}"


class VaultTransit:
    """
    Decrypts with keys of the transit engine.

    Args:
        store: a Vault store, which the allow-list permits for the key.
        sessions: where its login comes from.
    """

    def __init__(self, store: Store, sessions: SessionCache) -> None:
        self._store = store
        self._sessions = sessions

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key, in the store's namespace.

        Raises:
            SopsError: for a path that is none of a transit key.
            ProviderError: of the login or of the engine.
        """
        if not isinstance(key, VaultKey):
            msg = f"Vault cannot decrypt with a key of {key.kind}"
            raise ProviderError(Reason.INVALID_REQUEST, msg, step=STEP)
        place, store = addresses.transit(key), self._store
        login = vault_key(store, self._sessions.identity)

        def ask(session: Session) -> Material:
            client = session.vault(store.text("namespace"), float(store.text("timeout", "0")))
            return _plaintext(client.transit_decrypt(place.mount, place.key, key.enc))

        self._sessions.expect(login, "vault", "")
        return asking(self._sessions, login, ask, _is_stale)


def _is_stale(error: ProviderError, session: Session) -> bool:
    """Tell a token that was revoked from a policy: Vault answers both alike."""
    if not is_denied(error):
        return False
    try:
        session.vault(session.key.input("namespace")).lookup_self()
    except ProviderError as exc:
        return is_denied(exc)
    return False


def _plaintext(reply: dict[str, object]) -> Material:
    data = reply.get("data")
    text = data.get("plaintext") if isinstance(data, dict) else None
    try:
        return Material(base64.b64decode(text, validate=True))  # type: ignore[arg-type]
    except (binascii.Error, TypeError, ValueError):
        raise unreadable(DECRYPT) from None
