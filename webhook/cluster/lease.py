"""
Leadership by a Lease of coordination.k8s.io, as client-go elects leaders.

Whether a holder is alive is judged by our own clock, from when we saw its last renewal, so that
clocks need not agree. Every write carries the resourceVersion that was read: of two that try, one
gets a conflict, and a leader that was frozen and thaws finds its writes refused.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from webhook.cluster.api import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.cluster.api import Api

LEASE_SECONDS: Final = 15.0
"""A holder that has not renewed for this long is followed by another one."""


@dataclass
class Lease:
    """
    One Lease object, which exists already (the chart makes it).

    Args:
        api: to the API server.
        namespace: ours.
        name: of the Lease.
        identity: ours: the pod's name.
        seconds: of the lease.
        clock: monotonic seconds.
        wall: seconds since the epoch, for what people read.
    """

    api: Api
    namespace: str
    name: str
    identity: str
    seconds: float = LEASE_SECONDS
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    _seen: tuple[str, str] = field(default=("", ""), init=False)
    _seen_at: float = field(default=0.0, init=False)

    @property
    def path(self) -> str:
        """Of the object."""
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{self.name}"

    async def held(self) -> bool:
        """
        Renew the lease or take it over; whether it is ours now.

        Raises:
            ApiError: when it cannot be read or written; it is not ours then.
        """
        found: dict[str, Any] = msgspec.json.decode(await self.api.get(self.path))
        spec = dict(found.get("spec") or {})
        holder, renewed = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")
        if (holder, renewed) != self._seen:
            self._seen, self._seen_at = (holder, renewed), self.clock()
        alive = self.clock() < self._seen_at + self.seconds
        if holder and holder != self.identity and alive:
            return False
        try:
            await self.api.write("PUT", self.path, self._ours(found, spec, holder))
        except ApiError as exc:
            if exc.conflict:
                return False
            raise
        return True

    async def release(self) -> None:
        """Give it up, so that the next leader need not wait; nothing is lost if that fails."""
        try:
            found: dict[str, Any] = msgspec.json.decode(await self.api.get(self.path))
            if (found.get("spec") or {}).get("holderIdentity") == self.identity:
                spec = {**found["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self.api.write("PUT", self.path, {**found, "spec": spec})
        except ApiError:
            return

    def _ours(self, found: dict[str, Any], spec: dict[str, Any], holder: str) -> dict[str, Any]:
        now = datetime.fromtimestamp(self.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if holder != self.identity:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        spec.update(
            holderIdentity=self.identity, renewTime=now, leaseDurationSeconds=int(self.seconds)
        )
        return {**found, "spec": spec}
