"""The metadata server: a VM's and GKE's, and what both refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.gcp.wire import ACCESSOR, USER, access, metadata, send
from worlds import faults

if TYPE_CHECKING:
    from worlds.gcp import GcpWorld, Secret, ServiceAccount

ROOT = "/computeMetadata/v1"
ACCOUNT = f"{ROOT}/instance/service-accounts/default"


def test_a_vm_has_the_token_of_its_account(
    world: GcpWorld, web: ServiceAccount, secret: Secret
) -> None:
    """With the email beside it."""
    world.attach(web)
    token = metadata(world, f"{ACCOUNT}/token").content

    assert token["token_type"] == "Bearer"
    assert 3590 <= token["expires_in"] <= 3599
    assert access(world, token["access_token"], f"{secret.name}/versions/1").status == 200
    assert metadata(world, f"{ACCOUNT}/email").body.decode() == web.email
    listed = metadata(world, f"{ROOT}/instance/service-accounts/{web.email}/?recursive=true")
    assert listed.content["email"] == web.email
    assert world.journal.principals("GetToken") == (web.member,)


def test_the_flavor_is_asked_for_and_said(world: GcpWorld, web: ServiceAccount) -> None:
    """A request without it could be a forged one (SSRF)."""
    world.attach(web)
    answer = send(world, "GET", f"{ACCOUNT}/token", service="metadata")
    other = metadata(world, f"{ACCOUNT}/token", Metadata_Flavor="Amazon")

    assert (answer.status, other.status) == (403, 403)
    assert b"Metadata-Flavor" in answer.body
    assert answer.headers["Metadata-Flavor"] == "Google"
    assert world.journal.entries[0].outcome == "Refused"


def test_a_request_through_a_proxy_is_refused(world: GcpWorld, web: ServiceAccount) -> None:
    """By its X-Forwarded-For."""
    world.attach(web)

    assert metadata(world, f"{ACCOUNT}/token", X_Forwarded_For="10.0.0.1").status == 403


def test_project_and_cluster_are_told(world: GcpWorld) -> None:
    """What a client makes the audience of a GKE token of."""
    cluster = world.gke_cluster("blue", location="europe-west3")
    world.run_pod(cluster, "shop", "web")

    told = {
        "project/project-id": "shop-prod",
        "project/numeric-project-id": "123456789012",
        "instance/attributes/cluster-name": "blue",
        "instance/attributes/cluster-location": "europe-west3",
        "universe/universe-domain": "googleapis.com",
        "instance/service-accounts/default/email": "shop-prod.svc.id.goog",
        "instance/service-accounts/default/scopes": (
            "https://www.googleapis.com/auth/cloud-platform\n"
        ),
    }
    for path, text in told.items():
        assert metadata(world, f"{ROOT}/{path}").body.decode() == text


@pytest.mark.parametrize("path", ["instance/attributes/x", "instance/service-accounts/default/x"])
def test_what_is_not_there_is_not_found(world: GcpWorld, web: ServiceAccount, path: str) -> None:
    """In text."""
    world.attach(web)

    assert metadata(world, f"{ROOT}/{path}").status == 404


def test_without_an_identity_there_is_no_token(world: GcpWorld) -> None:
    """As on a VM without a service account."""
    assert metadata(world, f"{ACCOUNT}/token").status == 404


def test_a_pod_has_the_token_of_its_own(world: GcpWorld) -> None:
    """Its Kubernetes service account's, when none is annotated."""
    cluster, secret = world.gke_cluster(), world.put_secret("db", "one")
    world.grant(cluster.member("shop", "web"), ACCESSOR, secret)
    world.run_pod(cluster, "shop", "web")
    token = metadata(world, f"{ACCOUNT}/token").content["access_token"]

    assert access(world, token, f"{secret.name}/versions/1").status == 200
    assert world.journal.principals("AccessSecretVersion") == (cluster.member("shop", "web"),)


def test_a_pod_that_may_not_become_its_account_is_told_so(world: GcpWorld) -> None:
    """In the words of GKE's server, which wrap those of IAM."""
    cluster, account = world.gke_cluster(), world.service_account("web")
    world.run_pod(cluster, "shop", "web", account=account)
    denied = metadata(world, f"{ACCOUNT}/token")
    world.grant(cluster.member("shop", "web"), USER, account)
    allowed = metadata(world, f"{ACCOUNT}/token")

    assert denied.status == 403
    assert denied.body.startswith(
        b"Unable to generate access token; IAM returned 403 Forbidden: Permission "
        b"'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
    )
    assert allowed.status == 200
    entry = world.journal.entries[-1]
    assert entry.principal == cluster.member("shop", "web")
    assert entry.detail["to"] == account.member


def test_a_token_is_kept_until_five_minutes_before_its_end(
    world: GcpWorld, web: ServiceAccount
) -> None:
    """By its scopes."""
    world.attach(web)

    def ask(scopes: str = "") -> str:
        query = f"?scopes={scopes}" if scopes else ""
        return str(metadata(world, f"{ACCOUNT}/token{query}").content["access_token"])

    first = ask()
    world.advance(3200)
    assert ask() == first
    narrow = ask("https://www.googleapis.com/auth/iam")
    assert narrow != first
    assert access(world, narrow, "projects/shop-prod/secrets/db/versions/1").status == 403
    world.advance(101)
    assert ask() != first


def test_a_server_may_not_be_ready_in_a_pods_first_seconds(
    world: GcpWorld, web: ServiceAccount
) -> None:
    """404 first, a reset, or no listener at all; then it is there."""
    world.attach(web)
    world.metadata_not_ready(2)
    assert [metadata(world, f"{ACCOUNT}/token").status for _ in range(3)] == [404, 404, 200]
    world.metadata_not_ready(1, fault=faults.reset())
    with pytest.raises(ConnectionResetError):
        metadata(world, f"{ACCOUNT}/token")
    world.go_down(service="metadata")
    with pytest.raises(ConnectionRefusedError):
        metadata(world, f"{ACCOUNT}/token")
    world.come_back()

    assert metadata(world, f"{ACCOUNT}/token").status == 200
