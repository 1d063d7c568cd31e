"""
A refusal of Google's, as far as it may be looked at.

Two shapes: OAuth's (`error`, `error_description`: RFC 6749 §5.2) of the token endpoints, and
`google.rpc.Status` with `ErrorInfo` (AIP-193) of the APIs. Texts are matched, never passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.rest import Refusal

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,62}")
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
# What may be named of an ErrorInfo's metadata: names of Google's own, none of them secret.
_METADATA: Final = {
    "service": re.compile(r"[a-z][a-z0-9-]{1,62}\.googleapis\.com"),
    "consumer": re.compile(r"projects/[a-z0-9][-a-z0-9:.]{0,62}"),
    "permission": re.compile(r"[a-z]{2,32}(\.[A-Za-z]{2,48}){2}"),
}
_LARGEST_TEXT: Final = 4096
"""Characters of a message that are looked at."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a refusal says."""

    status: int
    """Of HTTP."""
    code: str = ""
    """OAuth's error (`invalid_grant`) or the canonical status (`PERMISSION_DENIED`)."""
    reason: str = ""
    """Of the ErrorInfo (`SERVICE_DISABLED`)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Of the ErrorInfo: `service`, `consumer`, `permission`, where they are plain."""
    text: str = field(default="", repr=False)
    """The message in lower case: matched, never passed on."""


def read(refusal: Refusal) -> Said:
    """Look at a refusal of either shape, whatever it holds."""
    document = refusal.document
    error = document.get("error")
    if isinstance(error, dict):
        info = _info(error.get("details"))
        return Said(
            status=refusal.status,
            code=_word(error.get("status")),
            reason=_word(info.get("reason")),
            metadata=_metadata(info.get("metadata")),
            text=_text(error.get("message")),
        )
    return Said(
        status=refusal.status, code=_word(error), text=_text(document.get("error_description"))
    )


def _info(details: object) -> dict[str, Any]:
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("@type") == _ERROR_INFO:
            return detail
    return {}


def _metadata(raw: object) -> dict[str, str]:
    given = raw if isinstance(raw, dict) else {}
    return {
        name: given[name]
        for name, pattern in _METADATA.items()
        if isinstance(given.get(name), str) and pattern.fullmatch(given[name])
    }


def _word(raw: object) -> str:
    return raw if isinstance(raw, str) and _WORD.fullmatch(raw) else ""


def _text(raw: object) -> str:
    return raw[:_LARGEST_TEXT].lower() if isinstance(raw, str) else ""
