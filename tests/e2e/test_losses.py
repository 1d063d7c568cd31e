"""What somebody has deleted by mistake: nobody is refused meanwhile, and the chart mends it."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest

from deploy.render_manifests import objects
from tests.e2e import installation, replicas
from tests.e2e.kubectl import apply, eventually, kubectl, names, ready
from tests.e2e.load import at_once, under_load
from webhook.tls import authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Place

SECRET, LEASE = "syrette-certificate", "syrette-leader"


@pytest.fixture(autouse=True)
def _whole_again() -> Iterator[None]:
    """Whatever a test took away is back after it."""
    yield
    _bring_back("Secret", "Lease")
    eventually(lambda: replicas.counted("syrette_leader") == 1)
    installation.rolled_out()


def _bring_back(*kinds: str) -> None:
    """Apply what the chart has of these kinds: what an upgrade does."""
    apply(*(one for one in objects({}, installation.NAMESPACE) if one["kind"] in kinds))


def _take_away(kind: str, name: str) -> None:
    kubectl("-n", installation.NAMESPACE, "delete", kind, name)


def _served_by_all() -> bool:
    """Whether every replica serves what the Secret holds."""
    data = installation.secret().get("data", {})
    wanted = base64.b64decode(data.get("tls.crt", "")).decode().strip()
    return bool(wanted) and {replicas.served(one).strip() for one in installation.replicas()} == {
        wanted
    }


def test_a_replica_starts_without_a_lease(place: Place) -> None:
    """Nobody leads, and whoever is new serves what was made before."""
    _take_away("lease", LEASE)
    eventually(lambda: replicas.counted("syrette_leader") == 0)
    before = names(installation.replicas())
    with under_load(place.namespace, per_second=10) as load:
        replicas.restart()
        installation.rolled_out()
        eventually(lambda: not set(before) & set(names(installation.replicas())))
        leaders = replicas.counted("syrette_leader")

    assert load.refused == []
    assert leaders == 0


def test_a_secret_that_is_deleted_and_made_again_loses_no_pod(place: Place) -> None:
    """Replicas serve on without it; a new authority then comes beside the one that was trusted."""
    before = installation.secret()["data"]["ca.crt"]
    with under_load(place.namespace, per_second=10) as load:
        _take_away("secret", SECRET)
        time.sleep(5)  # replicas look for it meanwhile
        ready_without = [ready(one) for one in installation.replicas()]
        _bring_back("Secret")
        eventually(_served_by_all)
    after = installation.secret()["data"]["ca.crt"]

    assert load.refused == []
    assert ready_without == [True, True]
    assert after != before


def test_an_authority_that_has_ended_is_replaced(place: Place) -> None:
    """What a year without a leader leaves behind is made anew, by nobody's hand."""
    long_ago = time.time() - 2 * authority.AUTHORITY_LIFE
    ended = authority.make_authority(long_ago)
    leaf = authority.issue(ended, ["syrette.syrette.svc"], long_ago)
    written = {
        "ca.crt": ended.certificate,
        "ca.key": ended.key,
        "tls.crt": leaf.certificate,
        "tls.key": leaf.key,
    }
    data = {name: base64.b64encode(value).decode() for name, value in written.items()}
    metadata = {"name": SECRET, "namespace": installation.NAMESPACE}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    with under_load(place.namespace, per_second=10) as load:
        apply(made)
        eventually(lambda: installation.secret()["data"]["ca.crt"] != data["ca.crt"])
        eventually(_served_by_all)

    assert load.refused == []
    assert at_once(place.namespace, 20, workers=4).refused == []
