"""
JSON over HTTPS with a bearer token, for the APIs of Google and Azure.

A call is repeated while that can help. What a refusal means is its API's own matter: whoever calls
translates it, and only the translation goes on. No redirect is followed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.transport import Request, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.material import Material
    from injector.retry import Retry
    from injector.transport import Response, Transport

MAX_REPLY: Final = 1024 * 1024
"""
Bytes of a reply: Google and Azure keep secrets of at most 64 KiB and 25 KiB, in base64 within JSON;
what is made to be large takes many times its size in memory, of which a container has 128 MiB.
"""
_LONGEST_PAUSE: Final = 60.0
"""Seconds: a `Retry-After` beyond it is no reason to wait longer; the next cycle comes anyway."""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of an API.

    `form` and `document` exclude each other; both are made anew at each attempt, for a token in
    them may have been replaced meanwhile.
    """

    step: str
    """What it is, in the API's own words (`AccessSecretVersion`)."""
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Callable[[], Mapping[str, str]] | None = None
    document: Callable[[], Mapping[str, object]] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that is no success, for whoever knows the API; it must not travel in an error."""

    call: Call
    status: int
    document: Mapping[str, Any] = field(repr=False)
    """The body where it is a JSON object, else empty."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""

    @property
    def pause(self) -> float:
        """`Retry-After` in seconds (RFC 9110 §10.2.3), 0 where there is none."""
        given = self.headers.get("retry-after", "").strip()
        digits = given.isascii() and given.isdigit()
        return min(float(given), _LONGEST_PAUSE) if digits else 0.0


@dataclass(frozen=True, slots=True)
class Rest:
    """
    Sends calls.

    Args:
        transport: sends every request.
        retry: how calls are repeated; its clock is the transport's.
        token: shown as bearer; None for a login.
        ca_bundle: PEM to trust in place of the transport's.
    """

    transport: Transport
    retry: Retry
    token: Material | None = field(default=None, repr=False)
    ca_bundle: str = ""

    def bearing(self, token: Material | None, ca_bundle: str) -> Rest:
        """Give the same with another token and trust."""
        return replace(self, token=token, ca_bundle=ca_bundle)

    def expect(self, url: str) -> None:
        """Open a connection early."""
        self.transport.open_early(url, self.ca_bundle)

    def call(
        self,
        call: Call,
        refused: Callable[[Refusal], ProviderError],
        *,
        again: Callable[[ProviderError], bool] | None = None,
    ) -> dict[str, Any]:
        """
        Call until it succeeds or nothing is left to try.

        Args:
            call: what to send.
            refused: translates what is no success, without a byte of its body.
            again: whether another attempt makes sense; by default the error's reason says it.

        Raises:
            ProviderError: the translation, or ours where no JSON object came.
        """

        def once(until: float) -> dict[str, Any]:
            response = self._sent(call, until)
            document = _document(response.body)
            if 200 <= response.status < 300:  # noqa: PLR2004 - RFC 9110: success
                if document is None:
                    raise unreadable(call.step)
                return document
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise refused(Refusal(call, response.status, document or {}, headers)) from None

        if again is None:
            return self.retry.run(once)
        decide = again
        return self.retry.run(
            once, again=lambda error: isinstance(error, ProviderError) and decide(error)
        )

    def _sent(self, call: Call, until: float) -> Response:
        headers = {"Accept": "application/json", **call.headers}
        body = b""
        if call.form is not None:
            body = urlencode(call.form()).encode("ascii")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif call.document is not None:
            body = json.dumps(call.document()).encode()
            headers["Content-Type"] = "application/json"
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal().decode('latin-1')}"
        request = Request(
            method=call.method,
            url=call.url,
            until=until,
            headers=headers,
            body=body,
            ca_bundle=self.ca_bundle,
            largest=MAX_REPLY,
        )
        try:
            return self.transport.send(request)
        except TransportError as exc:
            raise ProviderError(exc.reason, str(exc), step=call.step, remedy=exc.remedy) from None


def unreadable(step: str) -> ProviderError:
    """Say that a success was no reply of the API's: cut short, or of something in between."""
    return ProviderError(
        Reason.UNAVAILABLE,
        "the reply cannot be read",
        step=step,
        remedy="it is tried again; if it stays, look for a proxy that answers in the API's place",
    )


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
