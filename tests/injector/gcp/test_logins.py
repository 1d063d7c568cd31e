"""Each source of a Google token, as it goes over the wire."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from injector.contract import google as sources
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.gcp_keys import gcp_key
from injector.identity.interface import Identity
from tests.injector.gcp.google import (
    ACCOUNT,
    CLUSTER,
    PROVIDER,
    TOKEN,
    GooglePod,
    form_of,
    issued,
    refused,
    reply,
    version,
)
from worlds.server import Response
from worlds.tokens import claims_of

if TYPE_CHECKING:
    from tests.injector.gcp.google import Google

READ = "/secrets/db/versions/latest:access"
SECRET = "google/key.json"


def bearer(google: Google) -> list[str]:
    """Tell whose tokens read the secret, in order."""
    return [request.headers["authorization"] for request in google.asked(READ)]


def service_account(**fields: Any) -> str:  # noqa: ANN401 - of JSON
    """Write a service account's key."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    document = {
        "type": "service_account",
        "client_email": ACCOUNT,
        "private_key": key.decode(),
        "private_key_id": "k1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(document | fields)


def test_a_federated_pod_exchanges_its_token_and_reads(google: Google, pod: GooglePod) -> None:
    """The form is the one of RFC 8693 as STS takes it."""
    assert pod.value(pod.federated(), "db") == b"s3cret"

    assert form_of(google.asked("/v1/token")[0]) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{PROVIDER}",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": TOKEN,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    assert bearer(google) == ["Bearer federated"]


def test_a_pod_of_gke_exchanges_its_token_for_the_cluster(google: Google, pod: GooglePod) -> None:
    """The audience of the token is the pool, the exchange's names the cluster."""
    store = pod.store(gke_cluster=CLUSTER)
    pod.project(TOKEN, "acme-shop.svc.id.goog")

    assert pod.value(store, "db") == b"s3cret"
    assert form_of(google.asked("/v1/token")[0])["audience"] == (
        f"identitynamespace:acme-shop.svc.id.goog:https://container.googleapis.com/v1/{CLUSTER}"
    )


def test_a_service_account_is_impersonated_through_its_delegates(
    google: Google, pod: GooglePod
) -> None:
    """The first token has the narrow scope, and only the last one reads."""
    google.say(
        ":generateAccessToken",
        reply({"accessToken": "impersonated", "expireTime": "2023-11-14T23:13:20Z"}),
    )
    store = pod.federated(service_account=ACCOUNT, delegates=("a@x.iam.gserviceaccount.com",))

    assert pod.value(store, "db") == b"s3cret"
    assert form_of(google.asked("/v1/token")[0])["scope"] == "https://www.googleapis.com/auth/iam"
    (asked,) = google.asked(":generateAccessToken")
    assert asked.path.endswith(f"/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken")
    assert asked.headers["authorization"] == "Bearer federated"
    assert json.loads(asked.body) == {
        "delegates": ["projects/-/serviceAccounts/a@x.iam.gserviceaccount.com"],
        "scope": ["https://www.googleapis.com/auth/cloud-platform"],
        "lifetime": "3600s",
    }
    assert bearer(google) == ["Bearer impersonated"]


def test_a_service_accounts_key_signs_its_request(google: Google, pod: GooglePod) -> None:
    """The assertion is for Google's endpoint, whatever endpoint is asked."""
    google.say("/token", issued("of-key"))
    pod.mount(SECRET, service_account())

    assert pod.value(pod.store(credentials_secret=SECRET), "db") == b"s3cret"
    claims = claims_of(form_of(google.asked("/token")[0])["assertion"])
    assert claims["iss"] == ACCOUNT
    assert claims["aud"] == "https://oauth2.googleapis.com/token"
    assert claims["exp"] - claims["iat"] == 3600


def test_a_key_that_is_the_account_needs_no_impersonation(google: Google, pod: GooglePod) -> None:
    """An account need not be allowed to make tokens of itself."""
    google.say("/token", issued("of-key"))
    pod.mount(SECRET, service_account())

    assert pod.value(pod.store(credentials_secret=SECRET, service_account=ACCOUNT), "db")
    assert google.asked(":generateAccessToken") == []


def test_a_user_refreshes_a_token(google: Google, pod: GooglePod) -> None:
    """The refresh token goes to Google's endpoint, in the form."""
    google.say("/token", issued("of-user"))
    user = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
    pod.mount(SECRET, json.dumps({"type": "authorized_user", **user}))

    assert pod.value(pod.store(credentials_secret=SECRET), "db") == b"s3cret"
    assert form_of(google.asked("/token")[0]) == {"grant_type": "refresh_token", **user}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"type": "external_account", "token_url": "https://evil.test"}, "external_account"),
        ({"type": "external_account_authorized_user"}, "external_account_authorized_user"),
        ({"type": "impersonated_service_account"}, "impersonated_service_account"),
        ({"type": ["service_account"]}, "no type that can be used"),
        ([], "no JSON object"),
    ],
)
def test_documents_that_name_their_own_addresses_are_refused(
    google: Google, pod: GooglePod, document: object, said: str
) -> None:
    """Whoever writes the Secret must not choose what is asked or run."""
    pod.mount(SECRET, json.dumps(document))
    (found,) = pod.read(pod.store(credentials_secret=SECRET), "db")

    assert found.error is not None
    assert found.error.reason is Reason.INVALID_SETTINGS
    assert said in str(found.error)
    assert google.requests == []


@pytest.mark.parametrize(
    "fields",
    [
        {"token_uri": "https://evil.test/token"},
        {"universe_domain": "evil.test"},
        {"private_key": "no key"},
        {"client_email": "a@b\r\nX: y"},
    ],
)
def test_a_key_with_a_hostile_field_is_refused(
    google: Google, pod: GooglePod, fields: dict[str, str]
) -> None:
    """Nothing is sent, and nothing of the document is said."""
    pod.mount(SECRET, service_account(**fields))
    (found,) = pod.read(pod.store(credentials_secret=SECRET), "db")

    assert found.error is not None
    assert found.error.reason is Reason.INVALID_SETTINGS
    assert "evil" not in str(found.error)
    assert google.requests == []


def test_a_missing_secret_is_named_with_its_key_and_namespace(pod: GooglePod) -> None:
    """The author of the pod reads what to create."""
    (found,) = pod.read(pod.store(access_token_secret="google/token"), "db")

    assert found.error is not None
    assert "the key token of the Secret google in the namespace shop is missing" in str(found.error)


def test_the_metadata_server_is_waited_for(google: Google, pod: GooglePod) -> None:
    """It is not ready in a pod's first seconds: 30 of them are no failure."""
    started = pod.time()

    def answer(_request: object) -> Response:
        return issued("of-node") if pod.time() - started > 30 else Response(404)

    google.say("/default/token", answer)

    assert pod.value(pod.store(), "db") == b"s3cret"
    assert bearer(google) == ["Bearer of-node"]
    assert {request.headers["metadata-flavor"] for request in google.asked("/token")} == {"Google"}


def test_a_handed_token_is_read_again_after_google_refuses_it(
    google: Google, pod: GooglePod
) -> None:
    """Somebody else keeps it fresh: the Secret is the source, not the string."""
    store = pod.store(access_token_secret="google/token")
    pod.mount("google/token", "first\n")
    assert pod.value(store, "db") == b"s3cret"

    pod.mount("google/token", "second\n")
    google.say(READ, refused(401, "UNAUTHENTICATED"), version(b"new", 2))
    assert pod.value(store, "db") == b"new"
    assert bearer(google) == ["Bearer first", "Bearer first", "Bearer second"]


def test_a_fresh_token_that_google_refuses_is_not_asked_for_again(
    google: Google, pod: GooglePod
) -> None:
    """Only a kept session can be stale."""
    google.say(READ, refused(401, "UNAUTHENTICATED"))
    (found,) = pod.read(pod.federated(), "db")

    assert found.error is not None
    assert found.error.reason is Reason.IDENTITY_DENIED
    assert len(google.asked("/v1/token")) == 1


def test_a_token_is_replaced_before_its_end_with_the_new_projected_token(
    google: Google, pod: GooglePod
) -> None:
    """The kubelet has rotated the file meanwhile."""
    store = pod.federated()
    pod.value(store, "db")
    pod.project("rotated", sources.audience_of(store))
    pod.time.sleep(3500)
    google.say("/v1/token", issued("next"))

    pod.value(store, "db")
    assert [form_of(one)["subject_token"] for one in google.asked("/v1/token")] == [
        TOKEN,
        "rotated",
    ]
    assert bearer(google) == ["Bearer federated", "Bearer next"]


def test_threads_that_want_a_token_at_once_share_one_login(google: Google, pod: GooglePod) -> None:
    """One exchange, however many reads begin together."""
    key = gcp_key(pod.federated(), pod.identity)
    threads = [threading.Thread(target=pod.sessions.get, args=(key,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(google.asked("/v1/token")) == 1


def test_two_accounts_of_one_pod_never_cross(google: Google, pod: GooglePod) -> None:
    """Each store reads with the token of its own account."""

    def answer(request: Any) -> Response:  # noqa: ANN401 - a request
        account = request.path.rpartition("/")[2].partition("@")[0]
        return reply({"accessToken": f"of-{account}", "expireTime": "2023-11-14T23:13:20Z"})

    google.say(":generateAccessToken", answer)
    stores = [
        pod.federated(service_account=f"{name}@acme-shop.iam.gserviceaccount.com")
        for name in ("one", "two")
    ]
    for _ in range(2):
        for store in stores:
            pod.value(store, "db")

    assert bearer(google) == ["Bearer of-one", "Bearer of-two"] * 2
    assert len(google.asked("/v1/token")) == 1


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({}, "gcp-metadata"),
        ({"credentials-secret": SECRET}, "gcp-credentials"),
        ({"credentials-secret": SECRET, "gke-cluster": CLUSTER}, "gcp-gke"),
        ({"gke-cluster": CLUSTER, "workload-identity-provider": PROVIDER}, "gcp-federation"),
        (
            {"workload-identity-provider": PROVIDER, "access-token-secret": "a/b"},
            "gcp-access-token",
        ),
        ({"workload-identity-provider": PROVIDER, "auth": "metadata"}, "gcp-metadata"),
    ],
)
def test_the_first_source_that_is_given_is_taken(
    pod: GooglePod, settings: dict[str, str], method: str
) -> None:
    """`auto` looks in the order of the table; a chosen source is taken as it is."""
    assert gcp_key(pod.store(**settings), pod.identity).method == method


def test_two_pods_accounts_have_two_keys_and_a_quota_project_makes_no_other(
    pod: GooglePod,
) -> None:
    """What only reads differ in is no other identity."""
    store = pod.federated()
    other = Identity("shop", "billing", "billing-1")

    assert gcp_key(store, pod.identity) != gcp_key(store, other)
    assert gcp_key(pod.federated(quota_project="charged"), pod.identity) == gcp_key(
        store, pod.identity
    )


@pytest.mark.parametrize(
    "settings",
    [{"auth": "federation"}, {"auth": "gke"}, {"delegates": (ACCOUNT,)}],
)
def test_a_source_without_what_it_needs_is_refused(
    pod: GooglePod, settings: dict[str, Any]
) -> None:
    """The settings contradict each other."""
    with pytest.raises(InjectorError) as raised:
        gcp_key(pod.store(**settings), pod.identity)

    assert raised.value.reason is Reason.INVALID_STORE
