"""One world and one webhook for all tests of a worker; a clean journal for each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.pod.tier import Tier
from tests.pod.webhook import NAMESPACE, Webhook
from tests.policies import document
from worlds.aws import AwsWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def shared_world() -> Iterator[AwsWorld]:
    """The AWS that the webhook was told of."""
    with AwsWorld() as world:
        world.account().trust_issuer(world.issuer)
        yield world


@pytest.fixture(scope="session")
def webhook(shared_world: AwsWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """A running webhook."""
    folder = tmp_path_factory.mktemp("webhook")
    with contextlib.closing(Webhook(folder, shared_world)) as webhook:
        yield webhook


@pytest.fixture
def world(shared_world: AwsWorld) -> Iterator[AwsWorld]:
    """The AWS as the first page of its documentation sets it up, with nothing in its journal."""
    account = shared_world.account()
    account.role("web", document("web-identity-trust"), document("permissions"))
    shared_world.journal.clear()
    yield shared_world
    shared_world.come_back()


@pytest.fixture
def tier(webhook: Webhook, world: AwsWorld, tmp_path: Path) -> Iterator[Tier]:
    """Admits and runs pods of the namespace `shop`."""
    assert NAMESPACE == "shop"
    with Tier(webhook, world, tmp_path) as tier:
        yield tier
