"""
What hvac sends with: our transport in place of its HTTP library's session.

So Vault gets our deadlines and trust, and neither proxies nor certificates of the environment.
Redirects are never followed, for they would carry the token; a refusal becomes our error before
hvac could put the reply into one of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.transport import Request, TransportError
from injector.vault.errors import Failure, provider_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.transport import Response, Transport

_MAX_ID: Final = 64
MAX_REPLY: Final = 2 * 1024 * 1024
"""
Bytes of a reply. Vault keeps no entry above 1 MiB (`max_entry_size` of its storage), and JSON that
is made to be large takes thirty times its size in memory, of which a container has 128 MiB.
"""


class Reply:
    """A reply as hvac wants to see it."""

    ok = True

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = response.headers
        self._body = response.body

    @property
    def text(self) -> str:
        """The body as text."""
        return self._body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 - whatever the body says
        """Parse the body; ValueError for one that is no JSON."""
        return json.loads(self._body)


class Http:
    """
    Stands where hvac expects a session of its HTTP library.

    Args:
        transport: sends every request.
        ca_bundle: PEM to trust in place of the image's.
    """

    cert = None
    verify = None
    proxies = None

    def __init__(self, transport: Transport, ca_bundle: str) -> None:
        self._transport = transport
        self._ca_bundle = ca_bundle
        self.step = ""
        """What the next request is for; in its error."""
        self.until = float("-inf")
        """When the next request must have ended, on the transport's clock."""

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: object = None,
        params: Mapping[str, str] | None = None,
        **_options: object,
    ) -> Reply:
        """
        Send one request.

        Raises:
            ProviderError: for every reply that is no success, and when none came.
        """
        body = b"" if json is None else _encoded(json)
        sent = dict(headers)
        if body:
            sent["Content-Type"] = "application/json"
        try:
            response = self._transport.send(
                Request(
                    method=method.upper(),
                    url=_located(url, params),
                    until=self.until,
                    headers=sent,
                    body=body,
                    ca_bundle=self._ca_bundle,
                    largest=MAX_REPLY,
                )
            )
        except TransportError as exc:
            raise self._unanswered(exc) from None
        if 200 <= response.status < 300:  # noqa: PLR2004 - RFC 9110: success
            return Reply(response)
        raise provider_error(_failure(self.step, url, response))

    def _unanswered(self, exc: TransportError) -> ProviderError:
        return ProviderError(
            exc.reason, str(exc), step=f"Vault {self.step}", remedy=_remedy(exc.remedy)
        )


def _remedy(text: str) -> str:
    """The endpoint of Vault is its `address`."""
    return text.replace("`endpoints`", "`vault.address`")


def _encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def _located(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url


def _failure(step: str, url: str, response: Response) -> Failure:
    document = _document(response.body)
    errors = document.get("errors")
    texts = [item for item in errors if isinstance(item, str)] if isinstance(errors, list) else []
    return Failure(
        step=step,
        path=_path(url),
        status=response.status,
        text=" ".join(texts).lower() or _kept(document),
        request_id=_plain(str(document.get("request_id", ""))),
        retry_after=_seconds(response.headers),
    )


def _kept(document: Mapping[str, Any]) -> str:
    """A version that was deleted is a 404 with its metadata: give its state a word of ours."""
    data = document.get("data")
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(metadata, dict):
        return ""
    return "version destroyed" if metadata.get("destroyed") else "version deleted"


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _path(url: str) -> str:
    path = unquote(urlsplit(url).path)
    return path.partition("/v1/")[2] or path.lstrip("/")


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isalnum() or c == "-")[:_MAX_ID]


def _seconds(headers: Mapping[str, str]) -> float:
    """`Retry-After` in seconds (RFC 9110 §10.2.3); a date is not what Vault sends."""
    given = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() else 0.0


def unreadable(step: str) -> ProviderError:
    """Say that a success was no reply of Vault's."""
    return ProviderError(
        Reason.UNAVAILABLE,
        "the reply cannot be read",
        step=f"Vault {step}",
        remedy="it is tried again; if it stays, check `vault.address` and proxies in front of it",
    )
