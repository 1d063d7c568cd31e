"""Facts from an API server: caches that follow it, and what happens when they cannot."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.webhook.cluster.conftest import Following, eventually
from webhook.cluster.api import Api, ApiError
from webhook.cluster.kubernetes import MAX_AGE, NAMESPACES, KubernetesCluster
from webhook.cluster.watching import Watched
from webhook.context import KubernetesVersion, LimitRange
from webhook.errors import ContextUnavailableError
from webhook.log import Log
from webhook.metrics import Metrics
from worlds import faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from webhook.context import Context
    from worlds.kubernetes import KubernetesWorld

ROLE = "arn:aws:iam::111122223333:role/web"


async def _team(following: Following) -> str:
    found = await following.cluster.context("shop", "web")
    return found.namespace_labels.get("team", "")


async def _becomes(following: Following, team: str) -> None:
    cache = following.cluster.namespaces

    def seen() -> bool:
        known = cache.get("", "shop")
        return known is not None and known.labels.get("team") == team

    await eventually(seen)


async def test_everything_a_decision_needs_is_read(
    world: KubernetesWorld, following: Following
) -> None:
    """Labels, annotations, versions, limits and quotas of one namespace, and of no other."""
    world.apply(
        "serviceaccounts",
        "web",
        namespace="shop",
        metadata={"annotations": {"eks.amazonaws.com/role-arn": ROLE, "other.io/big": "x" * 999}},
    )
    limits = [
        {"type": "Pod", "max": {"cpu": "9"}},
        {
            "type": "Container",
            "min": {"cpu": "10m"},
            "max": {"memory": "1Gi"},
            "maxLimitRequestRatio": {"cpu": 10},
        },
    ]
    world.apply("limitranges", "small", namespace="shop", spec={"limits": limits})
    world.apply("resourcequotas", "q", namespace="shop", spec={"hard": {"limits.cpu": "8"}})
    world.apply("resourcequotas", "r", namespace="other", spec={"hard": {"pods": 4}})
    cluster = following.cluster
    await eventually(lambda: bool(cluster.quotas.all("other")))
    await eventually(lambda: bool(cluster.limit_ranges.all("shop")))
    found = await cluster.context("shop", "web")

    assert found.namespace_labels == {"team": "web"}
    assert found.service_account_annotations == {"eks.amazonaws.com/role-arn": ROLE}
    assert found.server_version == KubernetesVersion(1, 37)
    assert found.oldest_kubelet is not None
    assert (found.oldest_kubelet.node, found.oldest_kubelet.text) == ("node-1", "v1.36.2")
    assert found.limit_ranges == (LimitRange({"cpu": "10m"}, {"memory": "1Gi"}, {"cpu": "10"}),)
    assert found.quota_resources == {"limits.cpu"}
    assert not found.openshift


async def test_changes_arrive_by_the_watch(world: KubernetesWorld, following: Following) -> None:
    """A label that is changed is seen without another list; what is deleted is forgotten."""
    lists = world.journal.count("list namespaces")
    world.apply("namespaces", "shop", metadata={"labels": {"team": "billing"}})
    await _becomes(following, "billing")
    world.delete("namespaces", "shop")
    await eventually(lambda: following.cluster.namespaces.get("", "shop") is None)

    assert world.journal.count("list namespaces") == lists
    with pytest.raises(ContextUnavailableError, match="namespace `shop` is not known"):
        await following.cluster.context("shop", "web")


async def test_a_watch_that_breaks_off_goes_on_where_it_was(
    world: KubernetesWorld, following: Following
) -> None:
    """A disconnect costs a new watch and no list, and no change is lost."""
    lists = world.journal.count("list namespaces")
    world.cut_watches()
    world.apply("namespaces", "shop", metadata={"labels": {"team": "billing"}})
    await _becomes(following, "billing")

    assert world.journal.count("list namespaces") == lists
    assert world.journal.count("watch namespaces") > 1


async def test_a_bookmark_is_taken_in_whatever_it_is_of(
    world: KubernetesWorld, following: Following
) -> None:
    """The empty LimitRange of a bookmark has `limits: null`; that is no reason to list again."""
    world.apply("namespaces", "other")
    caches = (following.cluster.limit_ranges, following.cluster.quotas)
    await eventually(lambda: {one._version for one in caches} == {str(world.store.version)})

    assert world.journal.count("list limitranges") == 1
    assert world.journal.count("list resourcequotas") == 1


async def test_after_gone_everything_is_listed_again(
    world: KubernetesWorld, following: Following
) -> None:
    """What was deleted while nobody watched is forgotten, what is new is known."""
    world.apply("namespaces", "old")
    await eventually(lambda: following.cluster.namespaces.get("", "old") is not None)
    world.go_down()
    world.delete("namespaces", "old")
    world.apply("namespaces", "new")
    world.compact()
    world.come_back()
    await eventually(lambda: following.cluster.namespaces.get("", "new") is not None)

    assert following.cluster.namespaces.get("", "old") is None
    assert world.journal.count("watch namespaces", outcome="410") > 0


async def test_gone_in_the_middle_of_a_watch_is_gone(
    world: KubernetesWorld, following: Following
) -> None:
    """An ERROR event with 410 leads to a list as the HTTP status does."""
    lists = world.journal.count("list namespaces")
    world.compact()
    world.apply("namespaces", "shop", metadata={"labels": {"team": "billing"}})
    await _becomes(following, "billing")

    assert world.journal.count("list namespaces") > lists


async def test_a_list_of_many_pages_is_read_whole(world: KubernetesWorld) -> None:
    """More objects than a page holds."""
    for number in range(1201):
        world.apply("namespaces", f"n-{number}")
    context = await _context(world, "n-1200", "default", accounts=["n-1200"])

    assert context.namespace == "n-1200"
    assert world.journal.count("list namespaces") == 3


async def test_objects_of_a_tenant_that_are_large_stop_nobody(world: KubernetesWorld) -> None:
    """Pages become smaller, and what is large is read when it is wanted, and not kept."""
    ours = {"syrette.dev/refresh": "1m", "syrette.dev/note": "x" * (200 << 10)}
    for number in range(60):
        world.apply(
            "serviceaccounts", f"a-{number:02}", namespace="shop", metadata={"annotations": ours}
        )
    async with _followed(world, max_age=MAX_AGE) as cluster:
        large = await cluster.context("shop", "a-07")
        small = await cluster.context("shop", "web")
        kept = cluster.service_accounts.all("shop")

    assert large.service_account_annotations == ours
    assert small.service_account == "web"
    assert set(kept) == {"web"}
    assert world.journal.count("list serviceaccounts") > 2


async def test_a_page_that_is_gone_starts_the_list_again(world: KubernetesWorld) -> None:
    """The continue token of a compacted list leads to a new list, not to half of one."""
    for number in range(501):
        world.apply("namespaces", f"n-{number}")
    world.faults.add(faults.after(world.compact), on="kubernetes.list namespaces", times=1)
    context = await _context(world, "n-500", "default", accounts=["n-500"])

    assert context.namespace == "n-500"
    assert world.journal.count("list namespaces", outcome="410") == 1


async def test_a_miss_is_one_read(world: KubernetesWorld, following: Following) -> None:
    """A service account that the watch has not brought yet is asked for directly."""
    following.cluster.service_accounts.forget("shop", "web")
    for _ in range(3):
        await following.cluster.context("shop", "web")

    assert world.journal.count("get serviceaccounts") == 1


async def test_a_role_that_the_watch_has_not_brought_yet_is_seen(
    world: KubernetesWorld, following: Following
) -> None:
    """An account without annotations in the cache is read once more before a pod gets its plan."""
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web"}
    world.apply("serviceaccounts", "web", namespace="shop", metadata={"annotations": annotations})
    stale = following.cluster.service_accounts
    await eventually(lambda: bool((found := stale.get("shop", "web")) and found.annotations))
    stale._objects["shop"]["web"] = replace(stale._objects["shop"]["web"], annotations={})
    found = await following.cluster.context("shop", "web")
    await following.cluster.context("shop", "web")

    assert found.service_account_annotations == annotations
    assert world.journal.count("get serviceaccounts") == 1


async def test_what_is_not_there_is_said_by_name(following: Following) -> None:
    """Never guessed: an unknown service account is a denial."""
    with pytest.raises(ContextUnavailableError, match="service account `shop/nobody` is not known"):
        await following.cluster.context("shop", "nobody")


@pytest.mark.parametrize("name", ["../../secrets/x", "a b", "", "A", "x?watch=1", "é"])
async def test_a_hostile_name_reaches_no_url(
    world: KubernetesWorld, following: Following, name: str
) -> None:
    """A name that Kubernetes would not take is refused before any request."""
    before = len(world.journal.entries)
    with pytest.raises(ContextUnavailableError, match="cannot exist"):
        await following.cluster.context("shop", name)

    assert [e.action for e in world.journal.entries[before:] if e.action.startswith("get")] == []


async def test_an_api_server_that_is_away_denies_what_is_not_known(
    world: KubernetesWorld, following: Following
) -> None:
    """Known facts go on being served, and their age shows in the metrics."""
    world.go_down()
    known = await _team(following)
    with pytest.raises(ContextUnavailableError, match="cannot be looked up just now"):
        await following.cluster.context("shop", "nobody")
    exposition = following.metrics.exposition().decode()

    assert known == "web"
    assert "syrette_cluster_facts_age_seconds" in exposition


async def test_facts_that_are_too_old_are_read_again(world: KubernetesWorld) -> None:
    """A watch that has been silent for too long is not believed: each pod costs two reads."""
    for _ in range(2):
        await _context(world, "shop", "web", max_age=0.0)

    assert world.journal.count("get namespaces") == 2
    assert world.journal.count("get serviceaccounts") == 2


async def test_what_a_silent_watch_has_not_told_is_seen(world: KubernetesWorld) -> None:
    """The reads that a silent watch costs count for more than what it has told before."""
    old, new = ({"eks.amazonaws.com/role-arn": f"{ROLE}-{name}"} for name in ("old", "new"))
    world.apply("serviceaccounts", "web", namespace="shop", metadata={"annotations": old})
    for plural in ("namespaces", "serviceaccounts"):
        world.faults.add(faults.status(503), on=f"kubernetes.watch {plural}")
    async with _followed(world, max_age=0.0) as cluster:
        world.apply("namespaces", "shop", metadata={"labels": {"team": "billing"}})
        world.apply("serviceaccounts", "web", namespace="shop", metadata={"annotations": new})
        found = await cluster.context("shop", "web")
        told = cluster.service_accounts.get("shop", "web")

    assert told is not None
    assert told.annotations == old
    assert found.namespace_labels == {"team": "billing"}
    assert found.service_account_annotations == new


async def test_a_watch_that_ends_before_it_says_anything_is_not_asked_again_at_once(
    world: KubernetesWorld, following: Following
) -> None:
    """A proxy that closes every watch would otherwise be asked thousands of times a second."""
    pauses: list[float] = []
    awake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            awake.set()
            await asyncio.Event().wait()

    world.faults.add(faults.status(200), on="kubernetes.watch namespaces")
    watched = Watched(following.api, NAMESPACES, failed=lambda _: None, sleep=sleep)
    task = asyncio.create_task(watched.run())
    await asyncio.wait_for(awake.wait(), 20)
    before = world.journal.count("list namespaces")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert all(pause > 0 for pause in pauses)
    assert before == 2  # of the cluster that follows, and of this one: nothing is listed again


async def test_nothing_is_known_before_the_first_lists(world: KubernetesWorld) -> None:
    """Admissions before that are refused with the reason, and the server is not ready."""
    api = await Api.connect(world.kubeconfig)
    cluster = KubernetesCluster(api, metrics=Metrics(), log=Log(os.open(os.devnull, os.O_WRONLY)))
    with pytest.raises(ContextUnavailableError, match="not read yet"):
        await cluster.context("shop", "web")
    await api.close()

    assert not cluster.ready


async def test_openshift_and_the_oldest_kubelet_are_recognised(world: KubernetesWorld) -> None:
    """A group says OpenShift; of several nodes the oldest counts, numbers compared as numbers."""
    world.groups = ("apps", "security.openshift.io")
    world.node("node-2", "v1.9.1")
    world.node("node-3", "v1.37.0")
    context = await _context(world, "shop", "web")

    assert context.openshift
    assert context.oldest_kubelet is not None
    assert context.oldest_kubelet.node == "node-2"


async def test_a_wrong_token_is_said_and_not_shown(world: KubernetesWorld, tmp_path: Path) -> None:
    """Refused requests name path and status."""
    config = tmp_path / "kubeconfig"
    config.write_text(world.kubeconfig.read_text().replace("kubernetes-world\n", "wrong-token\n"))
    api = await Api.connect(config)
    with pytest.raises(ApiError, match="GET /version: the API server answered 401") as caught:
        await api.get("/version")
    await api.close()

    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "{", "apiVersion: v1\nkind: Config\n"])
async def test_a_kubeconfig_that_is_none_is_said(tmp_path: Path, content: str | None) -> None:
    """Missing, empty or broken: one sentence with the file's name."""
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ApiError, match="kubeconfig: no usable access"):
        await Api.connect(path)


async def test_outside_a_cluster_there_is_no_in_cluster_access(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Said as such, so that nobody looks for a network problem."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ApiError, match="in-cluster configuration: no usable access"):
        await Api.connect()


async def _context(
    world: KubernetesWorld,
    namespace: str,
    account: str,
    *,
    accounts: Sequence[str] = (),
    max_age: float = MAX_AGE,
) -> Context:
    """Follow the world until everything is read, and look up one pod."""
    for name in accounts:
        world.apply("serviceaccounts", account, namespace=name)
    async with _followed(world, max_age=max_age) as cluster:
        return await cluster.context(namespace, account)


@asynccontextmanager
async def _followed(world: KubernetesWorld, *, max_age: float) -> AsyncIterator[KubernetesCluster]:
    """Follow the world, once everything is read."""
    api = await Api.connect(world.kubeconfig)
    log = Log(os.open(os.devnull, os.O_WRONLY))
    cluster = KubernetesCluster(api, metrics=Metrics(), log=log, max_age=max_age)
    task = asyncio.create_task(cluster.run())
    try:
        await eventually(lambda: cluster.ready)
        yield cluster
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await api.close()
