"""A Kubernetes world with one namespace, and a cluster that follows it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from webhook.cluster.api import Api
from webhook.cluster.kubernetes import KubernetesCluster
from webhook.log import Log
from webhook.metrics import Metrics
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PATIENCE = 20.0


async def eventually(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0.01)


@pytest.fixture
def world() -> Iterator[KubernetesWorld]:
    """A started world: namespace `shop` with service account `web`, one node."""
    with KubernetesWorld() as made:
        made.apply("namespaces", "shop", metadata={"labels": {"team": "web"}})
        made.apply("serviceaccounts", "web", namespace="shop")
        made.node("node-1", "v1.36.2")
        yield made


@dataclass
class Following:
    """A cluster and what it said."""

    cluster: KubernetesCluster
    metrics: Metrics
    api: Api


@pytest.fixture
async def following(world: KubernetesWorld) -> AsyncIterator[Following]:
    """A cluster that follows the world and has read everything once."""
    reading, writing = os.pipe()
    metrics = Metrics()
    api = await Api.connect(world.kubeconfig)
    cluster = KubernetesCluster(api, metrics=metrics, log=Log(writing))
    task = asyncio.create_task(cluster.run())
    try:
        await eventually(lambda: cluster.ready)
        yield Following(cluster, metrics, api)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await api.close()
        os.close(reading)
        os.close(writing)
