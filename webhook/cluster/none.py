"""A cluster of which nothing is known but its version: no labels, no annotations, no limits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from webhook.context import NEWEST, Context

if TYPE_CHECKING:
    from webhook.context import KubernetesVersion


class NoCluster:
    """
    Says of every namespace that nothing is set on it.

    Args:
        version: of the API server, and of every kubelet.
    """

    def __init__(self, version: KubernetesVersion = NEWEST) -> None:
        self._version = version

    @property
    def ready(self) -> bool:
        """Nothing has to be waited for."""
        return True

    async def run(self) -> None:
        """Nothing changes: wait until the server ends."""
        await asyncio.Event().wait()

    async def context(self, namespace: str, service_account: str) -> Context:
        """Give the version, and names without labels or annotations."""
        return Context(
            namespace=namespace, service_account=service_account, server_version=self._version
        )
