"""One pod with secrets from AWS, Vault, Google, Azure and SOPS documents, on a real kubelet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e import azure, gcp, installation
from tests.e2e.conftest import VALUE
from tests.e2e.house import DOCUMENTS, Clouds, House, all_of
from tests.e2e.kubectl import all_text, create, eventually, get, kubectl, logs, ready, statuses
from tests.e2e.workloads import is_ready, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.aws import Aws
    from tests.e2e.conftest import Place
    from tests.e2e.vault import Vault

OF_OURS: Final = {"syrette-identity", "syrette-documents", "syrette-session", "config"}
"""Volumes that only our containers have: tokens, what the kubelet mounts for SOPS, logins."""
SIDECAR: Final = "syrette-sidecar"


@pytest.fixture(scope="module")
def clouds(world: Aws, openbao: Vault, syrette: dict[str, Any]) -> Iterator[Clouds]:
    """Google and Azure beside the others, and a webhook that is told of them for these tests."""
    google, microsoft = gcp.start(installation.IMAGE), azure.start(installation.IMAGE)
    more = {
        "endpoints": {**world.endpoints, **google.endpoints},
        "ca-bundle": world.ca + google.ca + microsoft.ca,
        "proxy": {"https": azure.PROXY},
    }
    try:
        installation.install({**syrette, **more})
        yield Clouds(world, microsoft, google, openbao)
    finally:
        installation.install(syrette)


@pytest.fixture
def house(clouds: Clouds, place: Place, tmp_path: Path) -> House:
    """A secret in each, which the place may read."""
    return House(clouds, place, tmp_path)


def _restarts(found: dict[str, Any]) -> set[int]:
    return {status["restartCount"] for status in statuses(found).values()}


def test_five_providers_are_one_publication_and_each_is_followed(house: House) -> None:
    """All files are behind one link, before and after; only Azure goes through the proxy."""
    namespace = house.place.namespace
    create(house.pod("web"))
    is_ready(namespace, "web")
    before = house.seen("web")
    house.change_servers(1)
    house.change_documents(1)

    def followed() -> bool:
        house.hurry("web")
        return house.seen("web").content == all_of(1)

    eventually(followed)
    after = house.seen("web")
    shown = (
        all_text("-n", namespace, "get", "pods,events", "-o", "yaml")
        + logs(namespace, "web", "syrette-init")
        + logs(namespace, "web", "syrette-sidecar")
        + all_text("-n", "syrette", "logs", "-l", "app.kubernetes.io/name=syrette", "--tail=-1")
    )

    assert before.content == all_of(0)
    assert before.folders == [before.published]
    assert after.folders == [after.published]
    assert before.published != after.published
    assert house.clouds.azure.asked() == {
        "login.microsoftonline.com:443",
        f"{azure.VAULT}.vault.azure.net:443",
    }
    assert _restarts(get("pod", "web", namespace)) == {0}
    assert "syrette-sidecar" in shown
    assert VALUE not in shown


@pytest.mark.parametrize("down", ["azure", "gcp"])
def test_a_cloud_that_is_down_keeps_its_file_and_holds_up_no_other(house: House, down: str) -> None:
    """The pod runs on, the others' changes arrive, and its own when it is back."""
    namespace = house.place.namespace
    unchanged = dict.fromkeys(DOCUMENTS, 0)
    create(house.pod("web"))
    is_ready(namespace, "web")
    with house.down(down):
        house.change_servers(1)
        eventually(lambda: house.seen("web").content == all_of(1, **unchanged, **{down: 0}))
        eventually(lambda: "keeps its last good content" in logs(namespace, "web", SIDECAR))
        found = get("pod", "web", namespace)
    eventually(lambda: house.seen("web").content == all_of(1, **unchanged))

    assert ready(found)
    assert _restarts(found) == {0}


def test_no_application_has_our_tokens_documents_or_logins(house: House) -> None:
    """They are in our containers; the application has the files, and no way to the rest."""
    namespace = house.place.namespace
    create(house.pod("web"))
    spec = is_ready(namespace, "web")["spec"]
    held = {
        one["name"]: {mount["name"] for mount in one["volumeMounts"]}
        for one in (*spec["initContainers"], *spec["containers"])
    }
    run_directory = run(namespace, "web", "import os; print(os.path.exists('/run/syrette'))")

    assert held["app"] & {volume["name"] for volume in spec["volumes"]} >= {"syrette-secrets"}
    assert held["app"] & OF_OURS == set()
    assert held["syrette-init"] >= OF_OURS
    assert held["syrette-sidecar"] >= OF_OURS
    assert run_directory == "False\n"


@pytest.mark.parametrize("kind", ["configmaps", "secrets"])
def test_the_webhook_may_not_read_what_the_kubelet_mounts(place: Place, kind: str) -> None:
    """Its account can neither read nor list the documents and identities of a namespace."""

    def may(verb: str, kind: str) -> str:
        account = f"system:serviceaccount:{installation.NAMESPACE}:syrette"
        words = ("auth", "can-i", verb, kind, f"--as={account}")
        return kubectl("-n", place.namespace, *words, check=False).out.strip()

    assert may("list", "serviceaccounts") == "yes"
    assert {may(verb, kind) for verb in ("get", "list", "watch", "create", "update")} == {"no"}
