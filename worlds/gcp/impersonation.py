"""IAM credentials: an access token of a service account for one who may have it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.gcp.access_tokens import LIFETIME
from worlds.gcp.calls import iso
from worlds.gcp.errors import (
    FAILED_PRECONDITION,
    NOT_FOUND,
    GcpError,
    invalid,
    permission_denied,
)
from worlds.gcp.iam import DELEGATE, GET_TOKEN
from worlds.gcp.wire import body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp.access_tokens import AccessToken, AccessTokens
    from worlds.gcp.calls import Call
    from worlds.gcp.iam import Bindings, Principal
    from worlds.gcp.identities import ServiceAccount

LONG: Final = 12 * 3600  # seconds, for accounts that the organisation lets live longer
_DURATION: Final = re.compile(r"([0-9]{1,9})(?:\.[0-9]{1,9})?s")
_WILDCARD: Final = "projects/-/serviceAccounts/"


@dataclass(slots=True)
class IamCredentials:
    """The service; accounts by email."""

    accounts: Mapping[str, ServiceAccount]
    bindings: Bindings
    tokens: AccessTokens

    def generate_access_token(self, call: Call) -> dict[str, Any]:
        """Give a token of the account in the path, or refuse."""
        given = body_of(call.request)
        if call.names["project"] != "-":
            msg = (
                "Invalid form of resource name. It should be "
                "projects/-/serviceAccounts/{ACCOUNT_EMAIL_OR_UNIQUEID}."
            )
            raise invalid(msg)
        target = self._account(call.names["account"])
        call.resources.append(target.name)
        token = self.impersonate(
            call,
            target,
            delegates=[self._delegate(name) for name in given.get("delegates") or ()],
            scopes=_scopes(given),
            lifetime=_lifetime(given, target),
        )
        return {"accessToken": token.value, "expireTime": iso(token.expires)}

    def impersonate(
        self,
        call: Call,
        target: ServiceAccount,
        *,
        delegates: list[ServiceAccount],
        scopes: list[str],
        lifetime: int,
    ) -> AccessToken:
        """
        Go along the chain and give a token of its end.

        Each of the chain must be allowed to the next: to delegate, and at the end to get a token.

        Raises:
            GcpError: PERMISSION_DENIED, or FAILED_PRECONDITION for an account that is disabled.
        """
        hop = call.principal
        for account in delegates:
            self._demand(hop, DELEGATE, account)
            hop = account.principal
        self._demand(hop, GET_TOKEN, target)
        if target.disabled:
            msg = f"Service account {target.email} is disabled."
            raise GcpError(FAILED_PRECONDITION, msg)
        token = self.tokens.issue(
            target.principal, scopes, call.now + lifetime, base=call.base or call.principal.name
        )
        through = [account.email for account in delegates]
        call.detail |= {
            "issued": token.id,
            "to": target.member,
            "lifetime": str(lifetime),
            "scopes": " ".join(scopes),
            **({"delegates": " ".join(through)} if through else {}),
        }
        return token

    def _demand(self, who: Principal, permission: str, account: ServiceAccount) -> None:
        if not self.bindings.allows(who, permission, account.name):
            words = f"Permission '{permission}' denied on resource (or it may not exist)."
            raise permission_denied(permission, "", words=words)

    def _account(self, name: str) -> ServiceAccount:
        by_id = (one for one in self.accounts.values() if one.unique_id == name)
        found = self.accounts.get(name) or next(by_id, None)
        if found is None:
            raise GcpError(NOT_FOUND, f"Not found; Gaia id not found for email {name}")
        return found

    def _delegate(self, name: object) -> ServiceAccount:
        if not isinstance(name, str) or not name.startswith(_WILDCARD):
            msg = (
                "Invalid form of delegate. It should be "
                "projects/-/serviceAccounts/{ACCOUNT_EMAIL_OR_UNIQUEID}."
            )
            raise invalid(msg)
        return self._account(name.removeprefix(_WILDCARD))


def _scopes(given: Mapping[str, Any]) -> list[str]:
    scopes = given.get("scope")
    if not isinstance(scopes, list) or not scopes:
        msg = "scope is required."
        raise invalid(msg)
    if any(not str(scope).startswith("https://") for scope in scopes):
        msg = "The scope is invalid."
        raise invalid(msg)
    return [str(scope) for scope in scopes]


def _lifetime(given: Mapping[str, Any], account: ServiceAccount) -> int:
    text = given.get("lifetime")
    if text is None:
        return LIFETIME
    read = _DURATION.fullmatch(str(text))
    if read is None:
        kind = "type.googleapis.com/google.protobuf.Duration"
        msg = f"Invalid value at 'lifetime' ({kind}), {text!r}"
        raise invalid(msg)
    seconds, most = int(read.group(1)), LONG if account.long_lived else LIFETIME
    if not 0 < seconds <= most:
        msg = (
            "The access token lifetime must be greater than 0 seconds and at most "
            f"{most} seconds for this service account."
        )
        raise invalid(msg)
    return seconds
