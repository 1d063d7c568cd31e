"""Facts of the cluster that a decision needs, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from webhook.context import Context


class Cluster(Protocol):
    """Where the facts come from. Nothing is guessed: what is not known is an error."""

    @property
    def ready(self) -> bool:
        """Whether facts can be given."""

    async def run(self) -> None:
        """Keep the facts fresh, for ever where there is something to keep fresh."""

    async def context(self, namespace: str, service_account: str) -> Context:
        """
        Look up the facts for one pod.

        Raises:
            ContextUnavailableError: if a fact could not be had; the pod is denied then.
        """
