"""
Google Cloud KMS as a key service, with the login of a Google store.

Both ways are verified by CRC32C
(https://cloud.google.com/kms/docs/data-integrity-guidelines), which SOPS itself does not do.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

from injector.contract.reasons import Reason
from injector.errors import InjectorError, ProviderError
from injector.gcp import errors
from injector.identity.gcp_keys import gcp_key
from injector.keyservices import addresses
from injector.keyservices.encoding import wrapped
from injector.keyservices.sessions import asking
from injector.material import Material
from injector.rest import Call
from injector.sops.master_keys import GcpKmsKey

if TYPE_CHECKING:
    from injector.contract.stores import Store
    from injector.identity.interface import Session
    from injector.rest import Refusal
    from injector.sessions import SessionCache
    from injector.sops.master_keys import MasterKey

STEP: Final = "Cloud KMS decrypt"
HOST: Final = "https://cloudkms.googleapis.com"
_DAMAGED: Final = "CRC32C"
"""Code of a data key that is not the one which the server sent."""
_CRC: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


class GcpKms:
    """
    Decrypts with keys of Cloud KMS.

    Args:
        store: a Google store.
        sessions: where its login comes from.
    """

    def __init__(self, store: Store, sessions: SessionCache) -> None:
        self._store = store
        self._sessions = sessions

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key.

        Raises:
            SopsError: for what is no key of Cloud KMS.
            ProviderError: of the login or of the API.
        """
        if not isinstance(key, GcpKmsKey):
            msg = f"Cloud KMS cannot decrypt with a key of {key.kind}"
            raise ProviderError(Reason.INVALID_REQUEST, msg, step=STEP)
        resource, ciphertext = addresses.google(key), wrapped(key.enc)
        call = _call(self._store, resource, ciphertext)

        def ask(session: Session) -> Material:
            rest = session.rest()

            def refused(refusal: Refusal) -> ProviderError:
                return errors.crypto_key(refusal, resource, session.principal)

            # What the call can repeat it has repeated; a damaged reply is asked for again.
            return rest.retry.run(
                lambda _until: _verified(rest.call(call, refused)), again=_is_damaged
            )

        login = gcp_key(self._store, self._sessions.identity)
        return asking(self._sessions, login, ask, lambda error, _: errors.is_unauthenticated(error))


def _call(store: Store, resource: str, ciphertext: bytes) -> Call:
    import google_crc32c  # noqa: PLC0415 - paid by use

    base = dict(store.pairs("endpoints")).get("cloudkms", "").rstrip("/") or HOST
    quota = store.text("quota-project")
    document = {
        "ciphertext": base64.b64encode(ciphertext).decode(),
        # An int64 is a text in JSON (proto3).
        "ciphertextCrc32c": str(google_crc32c.value(ciphertext)),
    }
    headers = {"x-goog-user-project": quota} if quota else {}
    return Call(STEP, "POST", f"{base}/v1/{resource}:decrypt", headers, document=lambda: document)


def _is_damaged(error: InjectorError) -> bool:
    return isinstance(error, ProviderError) and error.code == _DAMAGED


def _verified(reply: dict[str, Any]) -> Material:
    import google_crc32c  # noqa: PLC0415 - paid by use

    checksum = reply.get("plaintextCrc32c")
    if isinstance(checksum, int) and not isinstance(checksum, bool):
        checksum = str(checksum)
    if not isinstance(checksum, str) or not _CRC.fullmatch(checksum):
        raise _damaged(problem="has no checksum")
    try:
        plaintext = base64.b64decode(reply.get("plaintext", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise _damaged(problem="is no base64") from None
    if google_crc32c.value(plaintext) != int(checksum):
        raise _damaged(problem="does not match its checksum")
    return Material(plaintext)


def _damaged(problem: str) -> ProviderError:
    return ProviderError(
        Reason.UNAVAILABLE,
        f"the data key in the reply {problem}",
        step=STEP,
        code=_DAMAGED,
        remedy="it is tried again; if it stays, look at what changes replies between the pod and "
        "Google",
    )
