"""
Entra's codes as they come to a pod: what each means, and what to change.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes has most. Those of
federated credentials (70025, 700211 to 700213, 7002138, 7000272, 501661) and 7000229 stand in
replies that users and Microsoft's own guides quote.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = re.compile(r"AADSTS[0-9]{4,9}", re.ASCII)

UNMATCHED: Final = frozenset(
    {
        "AADSTS70021",
        "AADSTS70025",
        "AADSTS700211",
        "AADSTS700212",
        "AADSTS700213",
        "AADSTS7002138",
    }
)
"""No federated credential matches: none does, or one that was just made is not known everywhere."""
TRANSIENT: Final = frozenset(
    {"AADSTS90006", "AADSTS90012", "AADSTS90024", "AADSTS90033", "AADSTS90090"}
)
"""Entra itself calls them passing, whatever the status."""
THROTTLED: Final = frozenset({"AADSTS90055"})
"""The tenant asks too much."""

_MATCH: Final = (
    "a federated credential of the client {client} must have the subject `{subject}`, the audience "
    "`{audience}` and the cluster's issuer: `az identity federated-credential create --name <name> "
    "--identity-name <identity> --resource-group <group> --issuer <the cluster's issuer> "
    "--subject {subject} --audiences {audience}` (of an application: `az ad app "
    "federated-credential create`); one that was just made takes a few minutes to be known"
)
_TENANT: Final = ("there is no such tenant", "check `azure.tenant-id` ({tenant})")
_OTHER_CLOUD: Final = (
    "the client or its tenant is of another cloud",
    "check `azure.cloud` and `azure.tenant-id` ({tenant}): a tenant is in one cloud only",
)
_SCOPE: Final = (
    "the scope of Key Vault is not known here",
    "check `azure.cloud`: a tenant is in one cloud only",
)
_KEYS: Final = (
    "the issuer must publish the keys that the API server signs with "
    "(`/.well-known/openid-configuration` and its `jwks_uri`) where Entra can read them"
)
_UNREACHABLE: Final = (
    "Entra could not read the issuer's keys",
    "the cluster's issuer must be reachable from the internet",
)
EXPLAINED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "AADSTS70021": ("no federated credential matches the pod's token", _MATCH),
        "AADSTS70025": ("the client has no federated credential", _MATCH),
        "AADSTS700211": ("no federated credential has the token's issuer", _MATCH),
        "AADSTS700212": ("no federated credential has the token's audience", _MATCH),
        "AADSTS700213": ("no federated credential has the token's subject", _MATCH),
        "AADSTS7002138": (
            "the federated credential's subject is the token's only in upper and lower case",
            _MATCH,
        ),
        "AADSTS700016": (
            "the client is not in the tenant",
            (
                "check `azure.client-id` ({client}) and `azure.tenant-id` ({tenant}): the id is "
                "that of the managed identity or application, not of its object"
            ),
        ),
        "AADSTS7000229": (
            "the application has no service principal in the tenant",
            "make it in the tenant {tenant}: `az ad sp create --id {client}`",
        ),
        "AADSTS90002": _TENANT,
        "AADSTS900023": _TENANT,
        "AADSTS90013": (
            "Entra calls the client's or the tenant's id malformed",
            "check `azure.client-id` ({client}) and `azure.tenant-id` ({tenant})",
        ),
        "AADSTS90038": _OTHER_CLOUD,
        "AADSTS900382": _OTHER_CLOUD,
        "AADSTS900432": _OTHER_CLOUD,
        "AADSTS700024": (
            "the projected token is outside of its time",
            (
                "compare the clocks of the node and of the API server; the kubelet replaces the "
                "token in time"
            ),
        ),
        "AADSTS700027": ("the token's signature does not fit the issuer's keys", _KEYS),
        "AADSTS7000272": ("the issuer does not publish the key that signed the token", _KEYS),
        "AADSTS50166": _UNREACHABLE,
        "AADSTS501661": _UNREACHABLE,
        "AADSTS50027": (
            "Entra cannot read the projected token",
            "the API server's issuer must be an https address that publishes its keys",
        ),
        "AADSTS500011": (
            "Key Vault is not known in the tenant",
            (
                "check `azure.cloud`: a tenant is in one cloud only; one that never had a key "
                "vault lacks its principal: `az ad sp create --id "
                "cfa8b339-82a2-471a-a3c9-0fc0be7a4093`"
            ),
        ),
        "AADSTS70011": _SCOPE,
        "AADSTS1002012": _SCOPE,
        "AADSTS7000112": ("the application is disabled", "enable the client {client}"),
        "AADSTS53003": (
            "Conditional Access blocks the login",
            "a policy for workload identities of the tenant {tenant} refuses {client} from here",
        ),
    }
)
"""By code: what was wrong, and the remedy with places for tenant, client, subject and audience."""


def code_of(document: Mapping[str, Any]) -> str:
    """Give the code, which stands as a number and at the start of the description; or nothing."""
    description = document.get("error_description")
    found = _TEXT.match(description) if isinstance(description, str) else None
    if found is not None:
        return found.group()
    codes = document.get("error_codes")
    first = codes[0] if isinstance(codes, list) and codes else None
    number = isinstance(first, int) and not isinstance(first, bool) and 0 < first < 10**9
    return f"AADSTS{first}" if number else ""
