"""The same against a Google that checks tokens, audiences and permissions itself."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from tests.injector.cycle.pod import Time
from tests.injector.gcp.google import GooglePod
from worlds.gcp import GcpWorld, wrong_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from injector.contract.stores import Store
    from worlds.gcp import Secret

ACCESSOR = "roles/secretmanager.secretAccessor"
USER = "roles/iam.workloadIdentityUser"
CREATOR = "roles/iam.serviceAccountTokenCreator"


class WorldPod(GooglePod):
    """The pod `shop/web` in the world."""

    def __init__(self, world: GcpWorld, root: Path) -> None:
        super().__init__("", root, Time(time.time()))
        self.world = world

    def store(self, **settings: Any) -> Store:  # noqa: ANN401 - of a store
        """Make a store with the world's endpoints and trust."""
        ours = {"ca_bundle": self.world.ca_pem, "project": "shop-prod"}
        return super().store(
            **{"endpoints": tuple(sorted(self.world.endpoints.items())), **ours, **settings}
        )

    def by_federation(self, **settings: Any) -> Store:  # noqa: ANN401 - of a store
        """Make a store of federation with a token that the cluster signed."""
        provider = self.world.provider()
        audience = f"https:{provider.audience}"
        self.project(self.world.issuer.mint("shop", "web", audience), audience)
        return self.store(workload_identity_provider=provider.name, **settings)


@pytest.fixture
def world() -> Iterator[GcpWorld]:
    """Give a running world of the test's own."""
    with GcpWorld() as world:
        yield world


@pytest.fixture
def pod(world: GcpWorld, tmp_path: Path) -> Iterator[WorldPod]:
    """Give a pod in it."""
    opened = WorldPod(world, tmp_path)
    yield opened
    opened.transport.close()


@pytest.fixture
def secret(world: GcpWorld) -> Secret:
    """Give a secret that nobody may read yet."""
    return world.put_secret("db", "s3cret")


def test_a_federated_pod_reads_as_itself(world: GcpWorld, pod: WorldPod, secret: Secret) -> None:
    """The member that our errors name is the one that the binding needs."""
    store = pod.by_federation()
    (denied,) = pod.read(store, "db")
    assert denied.error is not None
    assert denied.error.reason is Reason.ACCESS_DENIED
    member = world.provider().member("shop", "web")
    assert f'--member="{member}"' in denied.error.remedy

    world.grant(member, ACCESSOR, secret)
    assert pod.value(store, "db") == b"s3cret"


def test_a_pod_of_gke_reads_as_its_account(world: GcpWorld, pod: WorldPod, secret: Secret) -> None:
    """By the cluster's identity and the account that is bound to it, as the error says to."""
    cluster, web = world.gke_cluster(), world.service_account("web")
    world.grant(web, ACCESSOR, secret)
    pod.project(world.issuer.mint("shop", "web", cluster.pool), cluster.pool)
    name = cluster.url.partition("/v1/")[2]
    store = pod.store(gke_cluster=name, service_account=web.email)
    (denied,) = pod.read(store, "db")
    assert denied.error is not None
    assert f'--role={USER} --member="{cluster.member("shop", "web")}"' in denied.error.remedy

    world.grant(cluster.member("shop", "web"), USER, web)
    assert pod.value(store, "db") == b"s3cret"


def test_a_chain_of_delegates_needs_each_link(
    world: GcpWorld, pod: WorldPod, secret: Secret
) -> None:
    """The federated pod, a delegate, and the account that reads."""
    web, hop = world.service_account("web"), world.service_account("hop")
    world.grant(web, ACCESSOR, secret)
    world.grant(world.provider().member("shop", "web"), CREATOR, hop)
    store = pod.by_federation(service_account=web.email, delegates=(hop.email,))
    (denied,) = pod.read(store, "db")
    assert denied.error is not None
    assert denied.error.reason is Reason.IDENTITY_DENIED

    world.grant(hop, CREATOR, web)
    assert pod.value(store, "db") == b"s3cret"


def test_a_key_and_a_user_log_in(world: GcpWorld, pod: WorldPod, secret: Secret) -> None:
    """Both kinds of documents, at the endpoint that the store names."""
    web, user = world.service_account("web"), world.user("dev@acme.io")
    for who in (web, user):
        world.grant(who, ACCESSOR, secret)
    pod.mount("google/sa.json", json.dumps(world.key_file(web)))
    pod.mount("google/user.json", json.dumps(user.credentials()))

    for file in ("google/sa.json", "google/user.json"):
        assert pod.value(pod.store(credentials_secret=file), "db") == b"s3cret"

    user.revoked = True
    world.expire_tokens()
    (refused,) = pod.read(pod.store(credentials_secret="google/user.json"), "db")
    assert refused.error is not None
    assert refused.error.code == "invalid_grant"


def test_gkes_metadata_server_is_waited_for_and_is_the_account_already(
    world: GcpWorld, pod: WorldPod, secret: Secret
) -> None:
    """The account need not be allowed to make tokens of itself."""
    cluster, web = world.gke_cluster(), world.service_account("web")
    world.grant(cluster.member("shop", "web"), USER, web)
    world.grant(web, ACCESSOR, secret)
    world.run_pod(cluster, "shop", "web", account=web)
    world.metadata_not_ready(12)

    assert pod.value(pod.store(service_account=web.email), "db") == b"s3cret"


def test_a_token_that_ended_early_is_replaced(
    world: GcpWorld, pod: WorldPod, secret: Secret
) -> None:
    """A kept session that Google refuses is one login more."""
    world.grant(world.provider().member("shop", "web"), ACCESSOR, secret)
    store = pod.by_federation()
    assert pod.value(store, "db") == b"s3cret"
    world.expire_tokens()

    assert pod.value(store, "db") == b"s3cret"


def test_versions_aliases_and_regions_are_told_apart(
    world: GcpWorld, pod: WorldPod, secret: Secret
) -> None:
    """Each reference gives its own value, and says which version it is."""
    regional = world.put_secret("db", "regional", location="europe-west3")
    for one in (secret, regional):
        world.grant(world.provider().member("shop", "web"), ACCESSOR, one)
    world.rotate(secret, "two")
    world.set_alias(secret, "blue", 1)
    store = pod.by_federation()

    found = pod.read(store, "db", "db?version=1", "db?version=blue", "db?region=europe-west3")
    assert [item.error for item in found] == [None] * 4
    assert [(item.version, item.served_by) for item in found] == [
        ("2", ""),
        ("1", ""),
        ("1", ""),
        ("1", "europe-west3"),
    ]
    (kept,) = pod.read(store, "db", known="2")
    assert kept.unchanged

    world.set_version_state(secret, 1, "DISABLED")
    world.set_version_state(secret, 2, "DESTROYED")
    said = [str(item.error) for item in pod.read(store, "db?version=blue", "db?version=2")]
    assert ["is disabled" in said[0], "is destroyed" in said[1]] == [True, True]


def test_a_wrong_checksum_is_read_again(world: GcpWorld, pod: WorldPod, secret: Secret) -> None:
    """The bytes that came with it are never used."""
    world.grant(world.provider().member("shop", "web"), ACCESSOR, secret)
    world.faults.add(wrong_checksum(), on="secretmanager.AccessSecretVersion", times=2)

    assert pod.value(pod.by_federation(), "db") == b"s3cret"


def test_a_wrong_audience_and_a_disabled_provider_are_told_apart(
    world: GcpWorld, pod: WorldPod, secret: Secret
) -> None:
    """In the words of the real service, which ours replace."""
    world.grant(world.provider().member("shop", "web"), ACCESSOR, secret)
    store = pod.by_federation(audience="acme")
    pod.project(world.issuer.mint("shop", "web", "acme"), "acme")
    (mismatch,) = pod.read(store, "db")
    assert "has the audience acme" in str(mismatch.error)

    world.pool().disabled = True
    (disabled,) = pod.read(pod.store(workload_identity_provider=world.provider().name), "db")
    assert "disabled or deleted" in str(disabled.error)


def test_a_disabled_api_is_named(world: GcpWorld, pod: WorldPod, secret: Secret) -> None:
    """With the project whose API it is."""
    world.grant(world.provider().member("shop", "web"), ACCESSOR, secret)
    world.disable_api("secretmanager.googleapis.com")
    (found,) = pod.read(pod.by_federation(), "db")

    assert "secretmanager.googleapis.com is disabled in the project 123456789012" in str(
        found.error
    )
