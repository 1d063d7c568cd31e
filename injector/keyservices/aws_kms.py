"""
AWS KMS as a key service, with the login of an AWS store.

The key of the document is sent as `KeyId`, so that KMS refuses what another key has encrypted
(https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.aws.errors import STALE_CREDENTIALS
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity.keys import session_key
from injector.keyservices import addresses
from injector.keyservices.encoding import wrapped
from injector.keyservices.sessions import asking
from injector.material import Material
from injector.sops.master_keys import KmsKey

if TYPE_CHECKING:
    from injector.contract.stores import Store
    from injector.identity.interface import Session, SessionKey
    from injector.sessions import SessionCache
    from injector.sops.master_keys import MasterKey

STEP: Final = "Decrypt"


class AwsKms:
    """
    Decrypts with keys of AWS KMS.

    Args:
        store: an AWS store, which the allow-list permits for the key.
        sessions: where its login comes from.
    """

    def __init__(self, store: Store, sessions: SessionCache) -> None:
        self._store = store
        self._sessions = sessions

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key, in the region of the key's ARN.

        Raises:
            SopsError: for what is no key of KMS.
            ProviderError: of the login or of `Decrypt`.
        """
        if not isinstance(key, KmsKey):
            msg = f"AWS KMS cannot decrypt with a key of {key.kind}"
            raise ProviderError(Reason.INVALID_REQUEST, msg, step=STEP)
        region = addresses.kms(key).region
        parameters: dict[str, Any] = {"KeyId": key.arn, "CiphertextBlob": wrapped(key.enc)}
        if key.context:
            parameters["EncryptionContext"] = dict(key.context)
        login = self._login(key.role, region)

        def ask(session: Session) -> Material:
            reply = session.client("kms", region).call(STEP, **parameters)
            return _plaintext(reply, region)

        self._sessions.expect(login, "kms", region)
        return asking(self._sessions, login, ask, _is_stale)

    def _login(self, role: str, region: str) -> SessionKey:
        """Name the store's login, or that step of its chain that has the document's role."""
        whole = session_key(
            self._store, self._sessions.identity, self._store.text("region", region)
        )
        if not role:
            return whole
        found = next((step for step in whole.chain if step.input("role-arn") == role), None)
        if found is None:
            msg = f"the role of the document is not in the chain of the store `{self._store.name}`"
            raise ProviderError(Reason.POLICY_DENIED, msg, step=STEP)
        return found


def _is_stale(error: ProviderError, _session: Session) -> bool:
    return error.code in STALE_CREDENTIALS and error.step == STEP


def _plaintext(reply: dict[str, Any], region: str) -> Material:
    plaintext = reply.get("Plaintext")
    if not isinstance(plaintext, bytes):
        msg = "the reply holds no plaintext"
        raise ProviderError(Reason.UNAVAILABLE, msg, step=STEP, region=region)
    return Material(plaintext)
