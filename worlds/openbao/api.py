"""OpenBao's HTTP API, as far as whoever sets a server up needs it."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

_SECONDS: Final = 30.0


class ApiError(Exception):
    """
    An answer that is none of success.

    Args:
        status: of HTTP.
        errors: OpenBao's own words.
        asked: method and path.
    """

    def __init__(self, status: int, errors: list[str], asked: str) -> None:
        super().__init__(f"{asked} answered {status}: {'; '.join(errors) or 'without a reason'}")
        self.status = status
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Api:
    """
    One server, asked with one token in one namespace.

    A connection per request: whoever sets a server up asks little, and a server that was restarted
    is found again.
    """

    address: str
    ca_pem: str
    token: str = field(default="", repr=False)
    namespace: str = ""
    """Path of the namespace, without slashes at its ends; empty for the root namespace."""
    seconds: float = _SECONDS
    """After which a silent server counts as one that does not answer."""

    def within(self, namespace: str) -> Api:
        """Ask in another namespace."""
        return replace(self, namespace=namespace)

    def having(self, token: str) -> Api:
        """Ask with another token."""
        return replace(self, token=token)

    def read(self, path: str) -> dict[str, Any]:
        """GET; gives the whole answer."""
        return self.call("GET", path)

    def list(self, path: str) -> list[str]:
        """Give the keys below a path; none when there is nothing."""
        try:
            keys: list[str] = self.call("LIST", path)["data"]["keys"]
        except ApiError as exc:
            if exc.status == 404:
                return []
            raise
        return keys

    def write(self, path: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """POST; gives the whole answer."""
        return self.call("POST", path, content)

    def delete(self, path: str) -> dict[str, Any]:
        """DELETE."""
        return self.call("DELETE", path)

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        """
        Ask, with a path below `/v1/`.

        Raises:
            ApiError: when the answer is none of success.
            OSError: when nobody answers.
        """
        status, answer = self._ask(method, path, content)
        if status >= 400:
            raise ApiError(status, list(answer.get("errors") or ()), f"{method} {path}")
        return answer

    def _ask(
        self, method: str, path: str, content: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        context = ssl.create_default_context(cadata=self.ca_pem)
        host = urlsplit(self.address).netloc
        connection = http.client.HTTPSConnection(host, timeout=self.seconds, context=context)
        try:
            body = None if content is None else json.dumps(content)
            connection.request(method, f"/v1/{path}", body, self._headers())
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        answer = json.loads(text) if text.strip() else {}
        return response.status, answer if isinstance(answer, dict) else {}

    def _headers(self) -> dict[str, str]:
        headers = {"X-Vault-Request": "true", "Content-Type": "application/json"}
        if self.token:
            headers["X-Vault-Token"] = self.token
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        return headers
