"""The world as a whole: a pod's way to its secret, addresses, time, and who is seen."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

import pytest

from tests.worlds.gcp.wire import IAM, access, bearing, exchange, impersonate, send
from worlds import faults
from worlds.gcp import GcpWorld, Provider, Secret, ServiceAccount
from worlds.tokens import Issuer


def test_a_pods_token_leads_to_its_secret(
    world: GcpWorld, provider: Provider, web: ServiceAccount, secret: Secret
) -> None:
    """Exchange, impersonation and read; the journal says who began."""
    subject = world.issuer.mint("shop", "web", provider.audience)
    federated = exchange(world, provider, subject, scope=IAM).content["access_token"]
    token = impersonate(world, federated, web.email).content["accessToken"]
    found = access(world, token, f"{secret.name}/versions/latest").content

    assert found["name"] == "projects/123456789012/secrets/db/versions/1"
    assert found["payload"]["data"] == "b25l"
    pod = provider.member("shop", "web")
    seen = [(e.service, e.action, e.outcome, e.principal, e.base) for e in world.journal.entries]
    own = "system:serviceaccount:shop:web"
    assert seen == [
        ("sts", "ExchangeToken", "ok", own, own),
        ("iamcredentials", "GenerateAccessToken", "ok", pod, pod),
        ("secretmanager", "AccessSecretVersion", "ok", web.member, pod),
    ]
    assert world.journal.entries[2].resources == (secret.name,)


def test_no_token_and_no_value_stands_in_the_journal(
    world: GcpWorld, provider: Provider, web: ServiceAccount, secret: Secret
) -> None:
    """Tokens are named by numbers."""
    subject = world.issuer.mint("shop", "web", provider.audience)
    federated = exchange(world, provider, subject, scope=IAM).content["access_token"]
    token = impersonate(world, federated, web.email).content["accessToken"]
    access(world, token, f"{secret.name}/versions/latest")

    text = str(world.journal.entries)
    for hidden in (subject, federated, token, "b25l"):
        assert hidden not in text
    assert world.journal.entries[-1].access_key_id == "token-2"


def test_a_clusters_published_keys_are_enough() -> None:
    """A real cluster makes the tokens; the world has its JWK set alone."""
    cluster = Issuer("https://kubernetes.default.svc", algorithm="RS256")
    with GcpWorld(issuer=cluster.url, key_set=cluster.key_set()) as world:
        provider = world.provider()
        answer = exchange(world, provider, cluster.mint("shop", "web", provider.audience))

    assert answer.status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("secretmanager.googleapis.com", 200), ("sts.googleapis.com", 404), ("127.0.0.1", 200)],
)
def test_a_real_host_serves_its_own_service_alone(
    world: GcpWorld, token: str, secret: Secret, host: str, status: int
) -> None:
    """A path of another service is Google's page of HTML there."""
    answer = access(world, token, f"{secret.name}/versions/1", Host=host)

    assert answer.status == status
    assert answer.body.startswith(b"{" if status == 200 else b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    "name",
    [
        "sts.googleapis.com",
        "iamcredentials.googleapis.com",
        "secretmanager.googleapis.com",
        "secretmanager.europe-west1.rep.googleapis.com",
        "cloudkms.googleapis.com",
        "oauth2.googleapis.com",
        "google.world",
    ],
)
def test_the_certificate_has_the_real_names(name: str) -> None:
    """And those that were asked for, so that a client may be sent here by its resolver."""
    with GcpWorld(hosts=["google.world"]) as world:
        context = ssl.create_default_context(cadata=world.ca_pem)
        port = urlsplit(world.endpoints["sts"]).port
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        plain.connect()
        with context.wrap_socket(plain.sock, server_hostname=name) as stream:
            assert stream.version() in {"TLSv1.2", "TLSv1.3"}
        plain.close()


def test_an_unknown_path_is_a_page_of_html(world: GcpWorld, token: str) -> None:
    """As Google's front end answers, so that clients must not take every body for JSON."""
    answer = send(world, "GET", "/v1/projects/shop-prod/topics/a", headers=bearing(token))

    assert (answer.status, answer.body[:15]) == (404, b"<!DOCTYPE html>")
    assert world.journal.entries[0].outcome == "NO_ROUTE"


def test_time_passes_when_told(world: GcpWorld, token: str, secret: Secret) -> None:
    """An access token ends after its hour."""
    assert access(world, token, f"{secret.name}/versions/1").status == 200

    world.advance(3601)

    assert access(world, token, f"{secret.name}/versions/1").status == 401


def test_a_world_that_is_down_refuses_and_comes_back_on_its_ports(
    world: GcpWorld, token: str, secret: Secret
) -> None:
    """All of it, or one service."""
    world.go_down()
    with pytest.raises(ConnectionRefusedError):
        access(world, token, f"{secret.name}/versions/1")
    world.come_back()
    world.go_down(service="secretmanager", fault=faults.status(503))
    assert access(world, token, f"{secret.name}/versions/1").status == 503
    world.come_back()

    assert access(world, token, f"{secret.name}/versions/1").status == 200


def test_it_listens_where_it_is_told() -> None:
    """So that a real cluster finds it."""
    with GcpWorld() as free:
        ports = [urlsplit(free.endpoints[name]).port or 0 for name in ("sts", "metadata")]
    with GcpWorld(listen=("127.0.0.1", ports[0], ports[1])) as world:
        assert world.endpoints["sts"] == f"https://127.0.0.1:{ports[0]}"
        assert world.endpoints["metadata"] == f"http://127.0.0.1:{ports[1]}"
        assert send(world, "GET", "/", service="metadata").status == 200


def test_mistakes_in_a_test_are_told(world: GcpWorld, web: ServiceAccount) -> None:
    """A role or a member that IAM would not take is no silent refusal later."""
    with pytest.raises(ValueError, match="is not a role of this world"):
        world.grant(web, "roles/secretmanager.secretReader", "projects/shop-prod")
    with pytest.raises(ValueError, match="is not a member"):
        world.grant(web.email, "roles/owner", "projects/shop-prod")
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        world.put_secret("big", b"a" * 65537)


def test_connections_are_counted(world: GcpWorld, token: str, secret: Secret) -> None:
    """And those of clients that do not trust the world."""
    access(world, token, f"{secret.name}/versions/1")
    port = urlsplit(world.endpoints["sts"]).port
    distrusting = http.client.HTTPSConnection("127.0.0.1", port, timeout=5)
    with pytest.raises(ssl.SSLCertVerificationError):
        distrusting.request("GET", "/")
    distrusting.close()
    access(world, token, f"{secret.name}/versions/1")
    world.stop()  # which waits for what is still being counted

    assert (world.connections, world.failed_handshakes) == (2, 1)


def test_the_cas_file_is_there_while_the_world_runs() -> None:
    """Not before and not after."""
    with GcpWorld() as world:
        assert world.ca_path.read_text() == world.ca_pem
    with pytest.raises(RuntimeError, match="not started"):
        world.ca_path.read_text()


def test_every_service_has_an_endpoint() -> None:
    """Endpoints are plain URLs for clients' settings."""
    with GcpWorld() as world:
        assert set(world.endpoints) == {
            "sts",
            "iamcredentials",
            "secretmanager",
            "cloudkms",
            "oauth2",
            "metadata",
        }
