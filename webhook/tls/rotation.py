"""
What should be in the Secret of the managed certificate, given what is in it: pure.

An authority is replaced in three steps, each written down before the next, so that every replica
and every API server trusts whatever is served at any moment:

1. the next authority is made, and joins the bundle;
2. once the bundle has been published for a while, it issues the served certificate;
3. once that has been served for a while, the previous authority leaves the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from webhook.tls import authority
from webhook.tls.authority import Pair
from webhook.tls.interface import SETTLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAREWELL: Final = 20
"""How many times as long the previous authority stays: for replicas that were cut off or frozen."""

_CA: Final = "ca.crt"
_CA_KEY: Final = "ca.key"
_CERTIFICATE: Final = "tls.crt"
_KEY: Final = "tls.key"
_NEXT: Final = "next-ca.crt"
_NEXT_KEY: Final = "next-ca.key"
_PREVIOUS: Final = "previous-ca.crt"
_WISH: Final = "rotated-for"

NOTHING: Final = Pair(b"", b"")


@dataclass(frozen=True, slots=True)
class Kept:
    """The Secret's content; empty bytes where there is nothing."""

    ca: Pair = NOTHING
    served: Pair = NOTHING
    next: Pair = NOTHING
    previous: bytes = b""
    wish: str = ""
    """The last request to rotate that was followed."""

    @classmethod
    def read(cls, data: Mapping[str, bytes]) -> Kept:
        """Take what is there."""
        return cls(
            ca=Pair(data.get(_CA, b""), data.get(_CA_KEY, b"")),
            served=Pair(data.get(_CERTIFICATE, b""), data.get(_KEY, b"")),
            next=Pair(data.get(_NEXT, b""), data.get(_NEXT_KEY, b"")),
            previous=data.get(_PREVIOUS, b""),
            wish=data.get(_WISH, b"").decode("ascii", "replace"),
        )

    def data(self) -> dict[str, bytes]:
        """Write it as a Secret's `data`."""
        written = {
            _CA: self.ca.certificate,
            _CA_KEY: self.ca.key,
            _CERTIFICATE: self.served.certificate,
            _KEY: self.served.key,
            _NEXT: self.next.certificate,
            _NEXT_KEY: self.next.key,
            _PREVIOUS: self.previous,
            _WISH: self.wish.encode(),
        }
        return {name: value for name, value in written.items() if value}

    @property
    def bundle(self) -> bytes:
        """What the API servers are to trust."""
        parts = (self.ca.certificate, self.next.certificate, self.previous)
        return b"".join(part.rstrip() + b"\n" for part in parts if part)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision depends on beside the Secret."""

    hosts: Sequence[str]
    """Names that the API server calls us by."""
    now: float
    """Seconds since the epoch."""
    wish: str = ""
    """An operator's request to rotate; each new one is followed once."""
    published_for: float = 0.0
    """Seconds for which the present bundle has been in every webhook entry."""
    settle: float = SETTLE_SECONDS
    """Seconds between two steps."""
    published: bytes = b""
    """What API servers trust at present, whoever wrote it."""


def renewed(kept: Kept, situation: Situation) -> Kept:
    """Give what should be kept now; the same when nothing is to be done."""
    hosts, now = situation.hosts, situation.now
    if not _usable(kept, now):
        made = authority.make_authority(now)
        # Replicas go on serving what these have signed until they have seen what is new.
        previous = authority.holding(situation.published, now)
        issued = authority.issue(made, hosts, now)
        return Kept(made, issued, previous=previous, wish=situation.wish)
    if _leaf_is_due(kept, hosts, now):
        return replace(kept, served=authority.issue(kept.ca, hosts, now))
    return kept if situation.published_for < situation.settle else _rotated(kept, situation)


def _rotated(kept: Kept, situation: Situation) -> Kept:
    """Take the next step of replacing the authority, if there is one."""
    hosts, now = situation.hosts, situation.now
    if kept.next.certificate:
        served = authority.issue(kept.next, hosts, now)
        return replace(
            kept, ca=kept.next, next=NOTHING, previous=kept.ca.certificate, served=served
        )
    if situation.wish != kept.wish or now >= authority.life_of(kept.ca.certificate).renewal:
        return replace(kept, next=authority.make_authority(now), wish=situation.wish)
    if kept.previous and situation.published_for >= situation.settle * FAREWELL:
        return replace(kept, previous=b"")
    return kept


def _usable(kept: Kept, now: float) -> bool:
    """Whether there is an authority that can issue."""
    whole = authority.matches(kept.ca) and (
        not kept.next.certificate or authority.matches(kept.next)
    )
    return whole and authority.trusted(kept.ca.certificate, kept.ca.certificate, now)


def _leaf_is_due(kept: Kept, hosts: Sequence[str], now: float) -> bool:
    leaf = kept.served.certificate
    if not authority.matches(kept.served) or not authority.trusted(leaf, kept.ca.certificate, now):
        return True
    return now >= authority.life_of(leaf).renewal or set(authority.hosts_of(leaf)) != set(hosts)
