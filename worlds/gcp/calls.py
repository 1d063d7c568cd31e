"""One request on its way through the world."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worlds.gcp.iam import Principal
    from worlds.server import Request

_ISO: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(slots=True)
class Call:
    """A request whose service and action are known; filled further as it is handled."""

    service: str
    action: str
    region: str
    """Location of the resource; `global` for what has none."""
    request: Request
    now: float
    wall: float
    """Time without the world's offset: what clients sign with the machine's clock goes by it."""
    request_id: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    """Parts of the path."""
    caller: Principal | None = None
    """Set once the token is verified."""
    asked_by: str = ""
    """For the journal: the caller, or the subject of a verified token."""
    base: str = ""
    """For the journal: who began the chain of impersonations that the caller stands in."""
    token_id: str = ""
    resources: list[str] = field(default_factory=list)
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """The verified caller; asking before verification is a mistake of this program."""
        if self.caller is None:
            msg = "an action without a token asked for its caller"
            raise RuntimeError(msg)
        return self.caller


def iso(moment: float) -> str:
    """Write a time as google.protobuf.Timestamp is written in JSON."""
    return time.strftime(_ISO, time.gmtime(moment))
