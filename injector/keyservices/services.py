"""
The key service for each key of a document: of every login that may, one after the other.

It is what `injector.sops.decrypt` is given. Nothing is logged in to before a key needs it, and what
is not allowed is told with its cause in place of being tried.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from injector.contract.patterns import matches_any
from injector.errors import InjectorError, ProviderError
from injector.keyservices.allowlist import Logins, judge
from injector.sops.errors import SopsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from injector.contract.reasons import Reason
    from injector.contract.stores import Store
    from injector.material import Material
    from injector.sessions import SessionCache
    from injector.sops.datakey import KeyService
    from injector.sops.master_keys import MasterKey


class KeyServices:
    """
    Finds who decrypts with a key; called with one, it gives its key service.

    Args:
        stores: whose logins may be used.
        sessions: where those come from.
        identities: texts of age, as mounted; see `injector.sops.age`.
        patterns: keys that are allowed; see `allowlist.Logins`.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        sessions: SessionCache,
        identities: Sequence[Material] = (),
        patterns: Sequence[str] = (),
    ) -> None:
        self._logins = Logins(tuple(stores), bool(identities), tuple(patterns))
        self._sessions = sessions
        self._identities = tuple(identities)

    def __call__(self, key: MasterKey) -> KeyService:
        """Give the service for a key; one that only says why not, where nobody may."""
        verdict = judge(key, self._logins)
        if verdict.reason is not None:
            return _Refusing(verdict.reason, verdict.why_not)
        if not verdict.stores:
            return _Age(self._identities, self._logins.patterns)
        return _InTurn([self._service(store) for store in verdict.stores])

    def _service(self, store: Store) -> KeyService:
        if store.family == "aws":
            from injector.keyservices.aws_kms import AwsKms  # noqa: PLC0415 - paid by use

            return AwsKms(store, self._sessions)
        if store.family == "vault":
            from injector.keyservices.vault_transit import VaultTransit  # noqa: PLC0415 - paid by use

            return VaultTransit(store, self._sessions)
        if store.family == "gcp":
            from injector.keyservices.gcp_kms import GcpKms  # noqa: PLC0415 - paid by use

            return GcpKms(store, self._sessions)
        from injector.keyservices.azure_keys import AzureKeys  # noqa: PLC0415 - paid by use

        return AzureKeys(store, self._sessions)


class _Age:
    """Reads the identities when a key is theirs: one that cannot be read is that key's failure."""

    def __init__(self, identities: Sequence[Material], patterns: Sequence[str]) -> None:
        self._identities = identities
        self._permitted = partial(matches_any, patterns) if patterns else None

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key.

        Raises:
            SopsError: for identities that are none or not allowed, and keys that are not theirs.
        """
        from injector.sops.age import AgeKeyService  # noqa: PLC0415 - paid by use

        return AgeKeyService(self._identities, self._permitted).decrypt(key)


class _Refusing:
    """Says why nobody may."""

    def __init__(self, reason: Reason, why_not: str) -> None:
        self._reason = reason
        self._why_not = why_not

    def decrypt(self, _key: MasterKey) -> Material:
        """
        Refuse.

        Raises:
            SopsError: always.
        """
        raise SopsError(self._reason, self._why_not)


class _InTurn:
    """Asks one login after the other; the first that can decrypts."""

    def __init__(self, services: Sequence[KeyService]) -> None:
        self._services = services

    def decrypt(self, key: MasterKey) -> Material:
        """
        Decrypt a data key.

        Raises:
            InjectorError: what each login was told, with the reason of one that may yet succeed,
                else of the first.
        """
        failed: list[InjectorError] = []
        for service in self._services:
            try:
                return service.decrypt(key)
            except InjectorError as exc:
                failed.append(exc)
        raise _joined(failed) from None


def _joined(failed: Sequence[InjectorError]) -> ProviderError:
    """Sum up in one text: whoever passes it on has no room for a step and a remedy."""
    chosen = min(failed, key=lambda exc: not exc.retryable)
    known = chosen if isinstance(chosen, ProviderError) else ProviderError(chosen.reason, "")
    return ProviderError(
        chosen.reason,
        "; ".join(dict.fromkeys(map(_told, failed))),
        step=known.step,
        code=known.code,
        request_id=known.request_id,
        region=known.region,
        remedy=known.remedy,
        pause=max(exc.pause for exc in failed),
    )


def _told(exc: InjectorError) -> str:
    if not isinstance(exc, ProviderError):
        return str(exc)
    marks = " ".join(mark for mark in (exc.step, exc.code, exc.region, exc.request_id) if mark)
    text = f"{exc} ({marks})" if marks else str(exc)
    return f"{text}: {exc.remedy}" if exc.remedy else text
