"""Vault's own question to STS: the client's signed request, sent on."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from worlds.vault.attempts import LoginRefusedError

if TYPE_CHECKING:
    from worlds.vault.attempts import Attempt, ClientConfig

_SECONDS: Final = 10.0
_GLOBAL_REGION: Final = "us-east-1"
_UNSENT: Final = {"host", "content-length", "connection", "accept-encoding"}
_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """What STS says of a caller."""

    arn: str
    user_id: str
    account: str

    @property
    def unique_id(self) -> str:
        """Id of the user or the role, without the session's name."""
        return self.user_id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class StsClient:
    """
    What asks an AWS world's STS, which stands for every endpoint of AWS.

    The signed host stays in the request, as Vault leaves it. A region's endpoint refuses the
    signatures of other regions whatever host they say: that is checked here, since the world is
    reached by one address.
    """

    endpoint: str
    ca_pem: str

    def ask(self, attempt: Attempt, config: ClientConfig) -> CallerIdentity:
        """
        Send the request on.

        Raises:
            LoginRefusedError: with STS's refusal, in Vault's words.
        """
        if config.use_sts_region_from_client:
            region = attempt.region
        elif config.sts_endpoint:
            region = _region_of(config.sts_endpoint) or config.sts_region
        else:
            region = _GLOBAL_REGION
        if region and attempt.region not in {"", region}:
            _refuse(403, _wrong_region(attempt.region))
        try:
            status, text = self._send(attempt)
        except OSError as exc:
            msg = f"error making upstream request: error making request: {exc}"
            raise LoginRefusedError(msg) from exc
        if status != 200:
            _refuse(status, text)
        found = ET.fromstring(text)  # noqa: S314 - our own world's
        arn, user, account = (
            found.findtext(f".//{{*}}{name}") or "" for name in ("Arn", "UserId", "Account")
        )
        return CallerIdentity(arn, user, account)

    def _send(self, attempt: Attempt) -> tuple[int, str]:
        context = ssl.create_default_context(cadata=self.ca_pem)
        place = urlsplit(self.endpoint).netloc
        connection = http.client.HTTPSConnection(place, timeout=_SECONDS, context=context)
        try:
            headers = {k: v for k, v in attempt.headers.items() if k not in _UNSENT}
            host = attempt.headers.get("host", attempt.host)
            connection.request("POST", attempt.path, attempt.body, {**headers, "Host": host})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


def _region_of(endpoint: str) -> str:
    """Tell the region of one of AWS's own endpoints; empty for others."""
    host = urlsplit(endpoint).hostname or ""
    labels = host.split(".")
    if labels[:1] != ["sts"] or "amazonaws" not in labels:
        return ""
    return _GLOBAL_REGION if labels[1] == "amazonaws" else labels[1]


def _wrong_region(region: str) -> str:
    message = f"Credential should be scoped to a valid region, not '{region}'. "
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type>'
        f"<Code>SignatureDoesNotMatch</Code><Message>{message}</Message></Error></ErrorResponse>"
    )


def _refuse(status: int, text: str) -> None:
    msg = f"error making upstream request: received error code {status} from STS: {text}"
    raise LoginRefusedError(msg)
