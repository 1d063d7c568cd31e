"""Google's own clients take the world for Google Cloud: they log in, read and decrypt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import google_crc32c
import pytest
import requests
from google.api_core.exceptions import (
    BadRequest,
    Forbidden,
    NotFound,
    Unauthorized,
)
from google.auth import identity_pool, impersonated_credentials
from google.auth.exceptions import OAuthError, RefreshError
from google.auth.transport.requests import Request
from google.cloud import kms_v1, secretmanager_v1
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from tests.worlds.gcp.wire import ACCESSOR, CLOUD, CREATOR, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.gcp import GcpWorld, Provider, Secret, ServiceAccount
    from worlds.gcp.access_tokens import AccessToken


# google.auth says of itself that it is typed, and mostly is not.
Federated: Any = identity_pool.Credentials
Impersonated: Any = impersonated_credentials.Credentials
KeyFile: Any = service_account.Credentials
Person: Any = user_credentials.Credentials


@pytest.fixture(autouse=True)
def trusting(world: GcpWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests, which all of these clients use, trust the world."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.ca_path))


@pytest.fixture
def transport() -> Iterator[Request]:
    """What credentials refresh with."""
    with requests.Session() as session:
        yield Request(session)


@pytest.fixture
def token_file(world: GcpWorld, provider: Provider, tmp_path: Path) -> Path:
    """A projected token of shop/web."""
    path = tmp_path / "token"
    path.write_text(world.issuer.mint("shop", "web", provider.audience))
    return path


def _pool(world: GcpWorld, provider: Provider, token_file: Path, **more: object) -> Any:  # noqa: ANN401 - as above
    info = {
        "type": "external_account",
        "audience": provider.audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{world.endpoints['sts']}/v1/token",
        "credential_source": {"file": str(token_file)},
        **more,
    }
    return Federated.from_info(info, scopes=[CLOUD])


def _as(world: GcpWorld, account: ServiceAccount) -> dict[str, str]:
    path = f"/v1/projects/-/serviceAccounts/{account.email}:generateAccessToken"
    return {"service_account_impersonation_url": world.endpoints["iamcredentials"] + path}


def _secrets(world: GcpWorld, credentials: object) -> secretmanager_v1.SecretManagerServiceClient:
    return secretmanager_v1.SecretManagerServiceClient(
        credentials=cast("Any", credentials),
        transport="rest",
        client_options={"api_endpoint": world.endpoints["secretmanager"]},
    )


def _keys(world: GcpWorld, credentials: object) -> kms_v1.KeyManagementServiceClient:
    return kms_v1.KeyManagementServiceClient(
        credentials=cast("Any", credentials),
        transport="rest",
        client_options={"api_endpoint": world.endpoints["cloudkms"]},
    )


def test_federation_without_impersonation_reads(
    world: GcpWorld, provider: Provider, token_file: Path
) -> None:
    """The pool's principal itself has the role."""
    secret = world.put_secret("db", "s3cret")
    world.grant(provider.member("shop", "web"), ACCESSOR, secret)
    client = _secrets(world, _pool(world, provider, token_file))

    found = client.access_secret_version(name=f"{secret.name}/versions/latest")

    assert found.payload.data == b"s3cret"
    assert found.payload.data_crc32c == secret.versions[1].checksum
    assert found.name == "projects/123456789012/secrets/db/versions/1"


def test_federation_with_impersonation_reads(
    world: GcpWorld, provider: Provider, token_file: Path, web: ServiceAccount, secret: Secret
) -> None:
    """The service account has the role, and the pod may become it."""
    client = _secrets(world, _pool(world, provider, token_file, **_as(world, web)))

    assert client.access_secret_version(name=f"{secret.name}/versions/1").payload.data == b"one"
    assert world.journal.principals("AccessSecretVersion") == (web.member,)


def test_a_lifetime_beyond_an_hour_is_refused_to_googles_client(
    world: GcpWorld,
    provider: Provider,
    token_file: Path,
    web: ServiceAccount,
    transport: Request,
) -> None:
    """Unless the organisation allows it for the account."""
    options = {**_as(world, web), "service_account_impersonation": {"token_lifetime_seconds": 7200}}
    credentials = _pool(world, provider, token_file, **options)

    with pytest.raises(RefreshError, match="lifetime must be"):
        credentials.refresh(transport)

    web.long_lived = True
    credentials.refresh(transport)
    assert credentials.valid


def test_the_wrong_audience_is_refused_to_googles_client(
    world: GcpWorld, provider: Provider, token_file: Path, transport: Request
) -> None:
    """With the words of the token service."""
    token_file.write_text(world.issuer.mint("shop", "web", "https://other.example"))

    with pytest.raises(
        OAuthError, match=r"invalid_grant: The audience in ID Token \[https://other"
    ):
        _pool(world, provider, token_file).refresh(transport)


def test_delegates_lead_from_account_to_account(
    world: GcpWorld, provider: Provider, token_file: Path, transport: Request
) -> None:
    """By google.auth's impersonated credentials over the federated ones."""
    first, last = world.service_account("first"), world.service_account("last")
    world.grant(provider.member("shop", "web"), CREATOR, first)
    world.grant(first, CREATOR, last)
    path = f"/v1/projects/-/serviceAccounts/{last.email}:generateAccessToken"
    credentials = Impersonated(
        source_credentials=_pool(world, provider, token_file),
        target_principal=last.email,
        target_scopes=[CLOUD],
        delegates=[f"projects/-/serviceAccounts/{first.email}"],
        iam_endpoint_override=world.endpoints["iamcredentials"] + path,
    )

    credentials.refresh(transport)

    (entry,) = world.journal.calls("GenerateAccessToken")
    assert entry.principal == provider.member("shop", "web")
    assert (entry.detail["to"], entry.detail["delegates"]) == (last.member, first.email)


def test_a_service_accounts_key_file_logs_in(
    world: GcpWorld, web: ServiceAccount, transport: Request
) -> None:
    """By an assertion, until the key is deleted."""
    key = world.key_file(web)
    credentials = KeyFile.from_service_account_info(key, scopes=[CLOUD])

    credentials.refresh(transport)
    web.keys.clear()

    assert _whose(world, credentials.token).principal == web.principal
    with pytest.raises(RefreshError, match="invalid_grant: Invalid JWT Signature"):
        credentials.refresh(transport)


def test_a_jwt_that_a_service_account_signed_itself_is_a_token(
    world: GcpWorld, web: ServiceAccount, secret: Secret
) -> None:
    """Which Google's clients use in the place of a login."""
    key = world.key_file(web)
    client = _secrets(world, KeyFile.from_service_account_info(key))

    assert client.access_secret_version(name=f"{secret.name}/versions/1").payload.data == b"one"
    assert world.journal.actions() == ("AccessSecretVersion",)


def test_a_users_refresh_token_logs_in(world: GcpWorld, secret: Secret) -> None:
    """Until it is revoked."""
    user = world.user("ann@example.com")
    world.grant(user, ACCESSOR, secret)
    info = user.credentials()
    credentials = Person(
        None,
        refresh_token=info["refresh_token"],
        client_id=info["client_id"],
        client_secret=info["client_secret"],
        token_uri=world.token_uri,
    )
    client = _secrets(world, credentials)

    assert client.access_secret_version(name=f"{secret.name}/versions/1").payload.data == b"one"
    user.revoked = True
    world.expire_tokens()
    with pytest.raises(RefreshError, match=r"Token has been expired or revoked\."):
        client.access_secret_version(name=f"{secret.name}/versions/1", retry=None)


_ON_A_NODE = """
import json, sys
import requests
from google.auth import compute_engine
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import Request
with requests.Session() as session:
    transport = Request(session)
    credentials = compute_engine.Credentials()
    credentials.refresh(transport)
    print(json.dumps({
        "token": credentials.token,
        "email": credentials.service_account_email,
        "project": _metadata.get_project_id(transport),
        "ping": _metadata.ping(transport),
    }))
"""


def _on_a_node(world: GcpWorld) -> dict[str, Any]:
    """Ask in a process of its own: google.auth reads the server's address when it is imported."""
    host = world.endpoints["metadata"].removeprefix("http://")
    environment = {**os.environ, "GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_NODE], env=environment, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_vm_has_its_service_account(world: GcpWorld, web: ServiceAccount) -> None:
    """By google.auth's compute_engine, with the address in GCE_METADATA_HOST."""
    world.attach(web)

    found = _on_a_node(world)

    assert (found["email"], found["project"], found["ping"]) == (web.email, "shop-prod", True)
    assert _whose(world, found["token"]).principal == web.principal


def test_a_pod_on_gke_has_its_own_service_account(world: GcpWorld) -> None:
    """By the same server, whose token is the annotated account's."""
    cluster, account = world.gke_cluster(), world.service_account("web")
    world.grant(cluster.member("shop", "web"), USER, account)
    world.run_pod(cluster, "shop", "web", account=account)

    found = _on_a_node(world)

    assert found["email"] == account.email
    assert _whose(world, found["token"]).base == cluster.member("shop", "web")


def test_the_apis_errors_are_their_clients_exceptions(
    world: GcpWorld, web: ServiceAccount, secret: Secret
) -> None:
    """403, 404, 400 and 401 as Secret Manager's client knows them, with their reasons."""
    client = _secrets(world, Person(world.access_token(web)))
    world.put_secret("other", "x")

    with pytest.raises(Forbidden, match=r"secretmanager\.versions\.access") as denied:
        client.access_secret_version(name="projects/shop-prod/secrets/other/versions/1")
    assert denied.value.reason == "IAM_PERMISSION_DENIED"
    with pytest.raises(NotFound, match="versions/9"):
        client.access_secret_version(name=f"{secret.name}/versions/9")
    world.set_version_state(secret, 1, "DISABLED")
    with pytest.raises(BadRequest, match="is in DISABLED state"):
        client.access_secret_version(name=f"{secret.name}/versions/1")
    world.expire_tokens()
    with pytest.raises((Unauthorized, RefreshError)):
        client.access_secret_version(name=f"{secret.name}/versions/1", retry=None)


def test_a_versions_state_is_told_without_its_value(
    world: GcpWorld, web: ServiceAccount, secret: Secret
) -> None:
    """To one who may look and not read."""
    world.grant(web, "roles/secretmanager.viewer", secret)
    client = _secrets(world, Person(world.access_token(web)))
    world.set_version_state(secret, 1, "DESTROYED")

    found = client.get_secret_version(name=f"{secret.name}/versions/1")

    assert found.state is secretmanager_v1.SecretVersion.State.DESTROYED
    assert found.destroy_time.timestamp() == pytest.approx(world.clock.now(), abs=5)


def test_kms_encrypts_and_decrypts_with_checksums(world: GcpWorld, web: ServiceAccount) -> None:
    """All checksums of the API, in both directions, as Google's client reads them."""
    key = world.crypto_key("db")
    world.grant(web, "roles/cloudkms.cryptoKeyEncrypterDecrypter", key)
    client = _keys(world, Person(world.access_token(web)))

    sealed = client.encrypt(
        request={
            "name": key.name,
            "plaintext": b"data key",
            "plaintext_crc32c": _crc(b"data key"),
            "additional_authenticated_data": b"shop",
        }
    )
    key.rotate()
    opened = client.decrypt(
        request={
            "name": key.name,
            "ciphertext": sealed.ciphertext,
            "ciphertext_crc32c": sealed.ciphertext_crc32c,
            "additional_authenticated_data": b"shop",
        }
    )

    assert sealed.verified_plaintext_crc32c
    assert not sealed.verified_additional_authenticated_data_crc32c
    assert sealed.ciphertext_crc32c == _crc(sealed.ciphertext)
    assert sealed.name == f"{key.name}/cryptoKeyVersions/1"
    assert (opened.plaintext, opened.plaintext_crc32c) == (b"data key", _crc(b"data key"))
    assert not opened.used_primary
    with pytest.raises(BadRequest, match="checksum in field ciphertext_crc32c"):
        client.decrypt(
            request={"name": key.name, "ciphertext": sealed.ciphertext, "ciphertext_crc32c": 1}
        )


def _whose(world: GcpWorld, token: str) -> AccessToken:
    found = world.tokens.find(token)
    assert found is not None
    return found


def _crc(data: bytes) -> int:
    return int(google_crc32c.value(data))
