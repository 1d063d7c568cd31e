"""
EKS Pod Identity: the agent on the node gives credentials for the pod's own projected token.

The token goes raw into `Authorization`, without `Bearer` and without its line end. The IPv4
address is tried first and the IPv6 one at once after it, at every fetch, since neither says
beforehand which the node has.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from injector.aws.errors import Failure, provider_error
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.identity.interface import Credentials, SessionRecord
from injector.material import Material
from injector.transport import Request, Response, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from injector.aws.sdk import Sdk
    from injector.identity.interface import Session, SessionKey
    from injector.identity.tokens import TokenReader
    from injector.transport import Transport

ADDRESSES: Final = ("http://169.254.170.23", "http://[fd00:ec2::23]")
PATH: Final = "/v1/credentials"
STEP: Final = "GetCredentials"
ATTEMPT_SECONDS: Final = 2.0
"""Of one address; 100 ms left pods stuck elsewhere, the agent itself asks AWS at a first fetch."""
_CODE: Final = re.compile(r"\b([A-Z][A-Za-z]{3,60}Exception)\b")
_OWN_REFUSALS: Final = (
    ("token is expired", "ExpiredTokenException"),
    ("Service account token", "InvalidTokenException"),
)
"""
The agent looks at a token's form and times before it asks AWS. What it refuses itself has words
and no code: the code that AWS would have given.
"""


def log_in(
    sdk: Sdk,
    clock: Callable[[], float],
    tokens: TokenReader,
    key: SessionKey,
    _source: Session | None,
) -> SessionRecord:
    """
    Fetch the credentials of the pod's association.

    Raises:
        ProviderError: when there is none, or the agent does not answer.
    """
    urls = _urls(key)

    def exchange(until: float) -> SessionRecord:
        # Read at each attempt: the kubelet may have put a fresh one there meanwhile.
        token = tokens(key.input("token-file"), STEP).reveal().decode("latin-1")
        issued_at = clock()
        headers = {"Authorization": token, "Accept": "application/json"}
        return _record(key, _fetch(sdk.transport, urls, headers, until), issued_at)

    return sdk.retry.run(exchange)


def _urls(key: SessionKey) -> tuple[str, ...]:
    given = key.input("endpoint.pod-identity")
    if not given:
        return tuple(address + PATH for address in ADDRESSES)
    return (given if urlsplit(given).path.strip("/") else given.rstrip("/") + PATH,)


def _fetch(
    transport: Transport, urls: tuple[str, ...], headers: dict[str, str], until: float
) -> dict[str, Any]:
    failures: list[str] = []
    for url in urls:
        end = min(until, transport.clock() + ATTEMPT_SECONDS)
        try:
            response = transport.send(Request("GET", url, end, headers))
        except TransportError as exc:
            failures.append(str(exc))
            continue
        return _parsed(response)
    raise ProviderError(
        Reason.UNAVAILABLE,
        f"the EKS Pod Identity agent does not answer: {'; '.join(failures)}",
        step=STEP,
        remedy="check that the eks-pod-identity-agent DaemonSet runs on this node, and that a "
        "NetworkPolicy or a mesh lets the pod reach 169.254.170.23 (IPv6: fd00:ec2::23) port 80",
    )


def _parsed(response: Response) -> dict[str, Any]:
    text = response.body.decode("utf-8", "replace")
    if response.status != 200:  # noqa: PLR2004 - RFC 9110
        raise provider_error(Failure(STEP, "", _code(text), response.status, "", text))
    try:
        reply = json.loads(text)
        values = [reply[name] for name in ("AccessKeyId", "SecretAccessKey", "Token")]
        whole = all(value and isinstance(value, str) for value in values)
        datetime.fromisoformat(reply["Expiration"])
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ProviderError(
            Reason.UNAVAILABLE, "the agent's reply was cut off or cannot be read", step=STEP
        )
    return dict(reply)


def _code(text: str) -> str:
    found = _CODE.search(text)
    if found:
        return found.group(1)
    return next((code for words, code in _OWN_REFUSALS if words in text), "")


def _record(key: SessionKey, reply: dict[str, Any], issued_at: float) -> SessionRecord:
    account = str(reply.get("AccountId", ""))
    return SessionRecord(
        key=key,
        principal=f"pod-identity:{account}" if account.isdigit() else "pod-identity",
        credentials=Credentials(
            token=Material(reply["Token"].encode()),
            access_key_id=reply["AccessKeyId"],
            secret_access_key=Material(reply["SecretAccessKey"].encode()),
        ),
        issued_at=issued_at,
        expires_at=datetime.fromisoformat(reply["Expiration"]).timestamp(),
    )
