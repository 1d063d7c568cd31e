"""
One admission from bytes to bytes: decode, look up the facts, decide, encode.

The only place where the pure decision meets the cluster. A defect below becomes a denial with the
reason `internal` as soon as there is a uid to answer to; what is no admission review is not
answered here but refused with a `RequestError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook import mutation, review

if TYPE_CHECKING:
    from webhook.cluster import Cluster
    from webhook.decisions import Answer
    from webhook.log import Log
    from webhook.settings import Settings


class PodAdmission:
    """Draft."""

    def __init__(self, settings: Settings, cluster: Cluster, *, log: Log) -> None:
        self._settings = settings
        self._cluster = cluster
        self._log = log

    async def mutate(self, body: bytes) -> Answer:
        """Draft."""
        raise NotImplementedError

    async def review_workload(self, body: bytes) -> Answer:
        """Draft."""
        raise NotImplementedError
