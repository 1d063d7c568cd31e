"""One request on its way through the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worlds.azure.access_tokens import Caller


@dataclass(slots=True)
class Call:
    """A request whose service, action and host are known; filled further as it is handled."""

    service: str
    """`login` or `keyvault`."""
    action: str
    host: str
    """Which was asked, without a port: a login's or a vault's."""
    now: float
    request_id: str
    connection: int
    caller: Caller | None = None
    """Set once an access token is verified."""
    asked_by: str = ""
    """Of a login: the subject of the verified token."""
    resources: list[str] = field(default_factory=list)
    detail: dict[str, str] = field(default_factory=dict)
