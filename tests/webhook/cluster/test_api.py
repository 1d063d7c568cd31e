"""The client of the Kubernetes API, where a person and not the webhook uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webhook.cluster.api import Api, ApiError

if TYPE_CHECKING:
    from worlds.kubernetes import KubernetesWorld


async def test_what_the_server_says_of_a_refusal_is_no_part_of_the_error(
    world: KubernetesWorld,
) -> None:
    """It may quote what was sent, so that only who asks for it gets it."""
    world.permissions.deny("get", "namespaces")
    api = await Api.connect(world.kubeconfig)
    try:
        with pytest.raises(ApiError, match=r"the API server answered 403$") as caught:
            await api.get("/api/v1/namespaces/shop")
    finally:
        await api.close()

    assert caught.value.forbidden
    assert 'namespaces "shop" is forbidden' in caught.value.said
