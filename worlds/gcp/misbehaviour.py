"""Faults that only Google's APIs have, beside those of `worlds.faults`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from worlds import faults
from worlds.faults import Fault

if TYPE_CHECKING:
    from worlds.server import Response


@dataclass(frozen=True, slots=True)
class WrongChecksum(Fault):
    """Handle rightly, then put another CRC32C beside the value."""

    def spoil(self, response: Response) -> Response:
        """Change every checksum of an answer in JSON."""
        if not response.body.startswith(b"{"):
            return response
        return replace(response, body=json.dumps(_other(json.loads(response.body))).encode())


def _other(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(value, dict):
        return value
    return {
        key: str(int(item) ^ 1)
        if key.endswith("Crc32c") and isinstance(item, str)
        else _other(item)
        for key, item in value.items()
    }


def wrong_checksum() -> Fault:
    """Answer the right value with a CRC32C that does not fit."""
    return WrongChecksum("wrong-checksum")


def quota_exceeded(*, retry_after: float | None = None) -> Fault:
    """Refuse for too many requests, in Google's words; `retry_after` is in seconds."""
    message = "Quota exceeded for quota metric 'Access requests' and limit 'Access per minute'."
    return _with(faults.error("RESOURCE_EXHAUSTED", status=429, message=message), retry_after)


def unavailable(*, retry_after: float | None = None) -> Fault:
    """Say that the service is away for now; `retry_after` is in seconds."""
    message = "The service is currently unavailable."
    return _with(faults.error("UNAVAILABLE", status=503, message=message), retry_after)


def _with(fault: Fault, retry_after: float | None) -> Fault:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return replace(fault, headers=headers)
