"""The managed certificate in a real cluster: rotations, and leaders that die or stand still."""

from __future__ import annotations

import base64
import itertools
import time
from typing import TYPE_CHECKING, Final

from tests.e2e import installation, replicas
from tests.e2e.kubectl import eventually, get, kubectl, names, ready
from tests.e2e.load import at_once, under_load

if TYPE_CHECKING:
    from tests.e2e.conftest import Place

ROTATE: Final = "syrette.dev/rotate"
_wishes = itertools.count(int(time.time()))


def _wish() -> str:
    """Ask for a rotation, as an operator does."""
    wish = str(next(_wishes))
    words = ("annotate", "--overwrite", "secret/syrette-certificate", f"{ROTATE}={wish}")
    kubectl("-n", installation.NAMESPACE, *words)
    return wish


def _kept() -> dict[str, str]:
    """What the Secret holds, as text."""
    data = installation.secret().get("data", {})
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def _rotated(wish: str) -> dict[str, str]:
    """Wait until the new authority has issued what is to be served; gives the Secret's content."""

    def look() -> dict[str, str]:
        kept = _kept()
        return kept if kept.get("rotated-for") == wish and "next-ca.crt" not in kept else {}

    return eventually(look)


def _begun(wish: str) -> dict[str, str]:
    """Wait until the new authority is written down, before it issues anything."""

    def look() -> dict[str, str]:
        kept = _kept()
        return kept if kept.get("rotated-for") == wish else {}

    return eventually(look, pause=0.05)


def _all_serve(certificate: str) -> bool:
    served = [replicas.served(one).strip() for one in installation.replicas()]
    return len(served) == 2 and set(served) == {certificate.strip()}


def _entries() -> set[str]:
    """The authorities that each entry of the registration trusts."""
    found = get("mutatingwebhookconfiguration", "injection.syrette.dev", installation.NAMESPACE)
    return {
        base64.b64decode(entry["clientConfig"]["caBundle"]).decode() for entry in found["webhooks"]
    }


def test_twenty_rotations_under_load_lose_no_pod(place: Place) -> None:
    """Every authority is replaced twenty times over, and every pod of that time is injected."""
    authorities = set()
    with under_load(place.namespace, per_second=15) as load:
        for _ in range(20):
            authorities.add(_rotated(_wish())["ca.crt"])
        kept = _kept()
        eventually(lambda: _all_serve(kept["tls.crt"]))
    print(f"\n{len(load.created)} pods were created during 20 rotations")

    assert load.refused == []
    assert len(load.created) > 100
    assert len(authorities) == 20
    assert len(_entries()) == 1
    assert kept["ca.crt"] in _entries().pop()


def test_a_leader_killed_during_a_rotation_is_replaced(place: Place) -> None:
    """Another replica leads, the rotation ends, and what is served then is trusted."""
    leader = replicas.leader()
    replicas.start_host(place.namespace)
    wish = _wish()
    _begun(wish)
    replicas.send(place.namespace, [leader], "SIGKILL")
    name = leader["metadata"]["name"]
    words = ("delete", "pod", name, "--force", "--grace-period=0", "--wait=false")
    kubectl("-n", installation.NAMESPACE, *words)
    kept = _rotated(wish)
    installation.rolled_out()
    eventually(lambda: _all_serve(kept["tls.crt"]))
    following = replicas.leader()

    assert following["metadata"]["name"] != name
    assert at_once(place.namespace, 50, workers=4).refused == []


def test_a_leader_frozen_during_a_rotation_is_replaced_and_thaws_in_peace(place: Place) -> None:
    """
    Another replica takes the Lease, ends the rotation and admits; the old one follows once it runs.

    It stands still for longer than the Lease, and for less than the kubelet's patience.
    """
    leader = replicas.leader()
    replicas.start_host(place.namespace)
    wish = _wish()
    _begun(wish)
    with replicas.frozen(place.namespace, [leader], 40):
        kept = _rotated(wish)
        other = replicas.leader()
        eventually(lambda: not all(map(ready, installation.replicas())))
        eventually(lambda: not at_once(place.namespace, 10, workers=2).refused)
        asleep = not ready(get("pod", leader["metadata"]["name"], installation.NAMESPACE))
    installation.rolled_out()
    eventually(lambda: _all_serve(kept["tls.crt"]))
    after = get("pod", leader["metadata"]["name"], installation.NAMESPACE)

    assert other["metadata"]["name"] != leader["metadata"]["name"]
    assert leader["metadata"]["name"] in names(installation.replicas())
    assert (
        after["status"]["containerStatuses"][0]["restartCount"]
        == (leader["status"]["containerStatuses"][0]["restartCount"])
    )
    assert asleep
    assert at_once(place.namespace, 50, workers=4).refused == []
