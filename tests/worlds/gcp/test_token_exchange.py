"""The token service: what it looks at before a Kubernetes token becomes a principal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.gcp.wire import ACCESSOR, CLOUD, JWT, access, exchange, post_form, send
from worlds.gcp.sts import EXCHANGE
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from worlds.gcp import Cluster, GcpWorld, Provider

NO_TARGET = (
    400,
    "invalid_target",
    (
        'The target service indicated by the "audience" parameters is invalid. This might either '
        "be because the pool or provider is disabled or deleted or because it doesn't exist."
    ),
)


def _token(world: GcpWorld, provider: Provider, **claims: object) -> str:
    return world.issuer.mint("shop", "web", provider.audience, claims=claims)


def _stale(answer_refusal: tuple[int, str, str]) -> bool:
    status, code, words = answer_refusal
    return (status, code) == (400, "invalid_grant") and words.endswith("is stale to sign-in.")


def test_a_pods_token_becomes_its_principal(world: GcpWorld, provider: Provider) -> None:
    """The reply is RFC 8693's; the journal says whose token came and what it became."""
    answer = exchange(world, provider, _token(world, provider))

    assert answer.content["token_type"] == "Bearer"
    assert answer.content["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer.content["expires_in"] == 3599
    (entry,) = world.journal.calls("ExchangeToken")
    assert entry.principal == "system:serviceaccount:shop:web"
    assert entry.detail["to"] == provider.member("shop", "web")
    assert entry.resources == (provider.audience,)


@pytest.mark.parametrize("scheme", ["", "https:"])
def test_both_default_audiences_are_taken(world: GcpWorld, provider: Provider, scheme: str) -> None:
    """With and without `https:`."""
    token = world.issuer.mint("shop", "web", scheme + provider.audience)

    assert exchange(world, provider, token).status == 200


def test_allowed_audiences_stand_in_the_place_of_the_default(world: GcpWorld) -> None:
    """A provider that lists some takes those alone."""
    provider = world.provider(allowed_audiences=["syrette"])

    assert exchange(world, provider, world.issuer.mint("shop", "web", "syrette")).status == 200
    refused = exchange(world, provider, _token(world, provider))
    assert refused.refusal == (
        400,
        "invalid_grant",
        f"The audience in ID Token [{provider.audience}] does not match the expected audience.",
    )


def test_an_ended_token_is_refused(world: GcpWorld, provider: Provider) -> None:
    """In Google's words, which speak of when it was issued."""
    token = _token(world, provider)
    world.advance(3601)

    assert _stale(exchange(world, provider, token).refusal)


def test_a_token_of_the_future_is_refused(world: GcpWorld, provider: Provider) -> None:
    """Its `iat` must not be ahead."""
    ahead = int(world.clock.now()) + 600

    assert _stale(exchange(world, provider, _token(world, provider, iat=ahead)).refusal)


def test_a_token_that_lives_longer_than_a_day_is_refused(
    world: GcpWorld, provider: Provider
) -> None:
    """However fresh it is."""
    token = world.issuer.mint("shop", "web", provider.audience, lifetime=86401)

    assert _stale(exchange(world, provider, token).refusal)


def test_a_token_of_another_issuer_is_refused(world: GcpWorld, provider: Provider) -> None:
    """By its name."""
    other = Issuer("https://other.example", clock=world.clock.now)
    answer = exchange(world, provider, other.mint("shop", "web", provider.audience))

    assert answer.refusal == (
        400,
        "invalid_grant",
        (
            "The issuer in ID Token https://other.example does not match the expected ones: "
            "https://kubernetes.example.org"
        ),
    )


def test_a_forged_token_is_refused(world: GcpWorld, provider: Provider) -> None:
    """By its key, though it says the right issuer."""
    forger = Issuer(world.issuer.url, clock=world.clock.now)
    answer = exchange(world, provider, forger.mint("shop", "web", provider.audience))

    status, code, words = answer.refusal
    assert (status, code) == (400, "invalid_grant")
    assert words.startswith("Unable to verify the ID Token signature")


def test_a_text_that_is_no_token_is_refused(world: GcpWorld, provider: Provider) -> None:
    """As one whose signature cannot be verified."""
    assert exchange(world, provider, "no.jwt").refusal[1] == "invalid_grant"


def test_a_token_without_its_times_is_refused(world: GcpWorld, provider: Provider) -> None:
    """Both `iat` and `exp` are needed."""
    answer = exchange(world, provider, _token(world, provider, exp=None))

    assert answer.refusal[:2] == (400, "invalid_grant")


def test_an_issuer_that_cannot_be_reached_is_said(world: GcpWorld) -> None:
    """Unless its keys were uploaded."""
    world.issuer.reachable = False
    provider, offline = world.provider(), world.provider("offline", uploaded_keys=True)

    assert exchange(world, provider, _token(world, provider)).refusal == (
        400,
        "invalid_grant",
        "Error connecting to the given credential's issuer.",
    )
    assert exchange(world, offline, _token(world, offline)).status == 200


@pytest.mark.parametrize("what", ["pool", "provider", "absent"])
def test_a_provider_that_is_not_there_or_disabled_is_no_target(
    world: GcpWorld, provider: Provider, what: str
) -> None:
    """The answer does not tell which."""
    token, audience = _token(world, provider), provider.audience
    if what == "pool":
        provider.pool.disabled = True
    elif what == "provider":
        provider.disabled = True
    else:
        audience += "-2"

    assert exchange(world, provider, token, audience=audience).refusal == NO_TARGET


@pytest.mark.parametrize(
    "audience",
    [
        "",
        "projects/123456789012/locations/global/workloadIdentityPools/kubernetes/providers/prod",
        "//iam.googleapis.com/projects/shop/locations/global/workloadIdentityPools/a/providers/b",
        "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/a",
    ],
)
def test_an_audience_that_is_no_providers_full_name_is_refused(
    world: GcpWorld, provider: Provider, audience: str
) -> None:
    """It begins with //iam.googleapis.com and has the project's number."""
    answer = exchange(world, provider, _token(world, provider), audience=audience)

    status, code, words = answer.refusal
    assert (status, code) == (400, "invalid_request")
    assert words.startswith('Invalid value for "audience". This value should be the full resource')


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("grant_type", "client_credentials", "unsupported_grant_type"),
        ("requested_token_type", JWT, "invalid_request"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2", "invalid_request"),
        ("scope", "", "invalid_scope"),
        ("scope", "cloud-platform", "invalid_scope"),
    ],
)
def test_other_fields_of_the_exchange_are_checked(
    world: GcpWorld, provider: Provider, field: str, value: str, code: str
) -> None:
    """One by one."""
    answer = exchange(world, provider, _token(world, provider), **{field: value})

    assert (answer.status, answer.refusal[1]) == (400, code)


def test_a_missing_subject_token_is_refused(world: GcpWorld, provider: Provider) -> None:
    """Before anything is looked at."""
    assert exchange(world, provider, "").refusal[1] == "invalid_request"


def test_a_condition_rejects_a_credential(world: GcpWorld) -> None:
    """Such as one of another namespace."""
    provider = world.provider(
        condition=lambda claims: claims["kubernetes.io"]["namespace"] == "bank"
    )

    assert exchange(world, provider, _token(world, provider)).refusal == (
        400,
        "unauthorized_client",
        "The given credential is rejected by the attribute condition.",
    )


def test_a_mapped_attribute_is_a_set_of_principals(world: GcpWorld) -> None:
    """And the whole pool is one."""
    mapping = {
        "google.subject": "'k8s/' + assertion.sub",
        "attribute.namespace": "assertion['kubernetes.io']['namespace']",
    }
    provider = world.provider(mapping=mapping)
    secret, other = world.put_secret("db", "one"), world.put_secret("all", "two")
    world.grant(provider.pool.having("attribute.namespace", "shop"), ACCESSOR, secret)
    world.grant(provider.pool.everybody(), ACCESSOR, other)

    def readable(namespace: str) -> list[int]:
        subject = world.issuer.mint(namespace, "web", provider.audience)
        token = exchange(world, provider, subject).content["access_token"]
        return [access(world, token, f"{one.name}/versions/1").status for one in (secret, other)]

    assert readable("shop") == [200, 200]
    assert readable("bank") == [403, 200]
    assert world.journal.entries[-1].principal.endswith(
        "/subject/k8s/system:serviceaccount:bank:web"
    )


def test_a_subject_beyond_127_bytes_is_refused(world: GcpWorld, provider: Provider) -> None:
    """Which long names of namespaces and accounts reach."""
    token = world.issuer.mint("n" * 63, "s" * 63, provider.audience)

    status, code, words = exchange(world, provider, token).refusal
    assert (status, code) == (400, "invalid_request")
    assert "google.subject exceeds the 127 bytes limit" in words


def test_a_claim_that_the_mapping_misses_is_refused(world: GcpWorld) -> None:
    """It says for which attribute."""
    provider = world.provider(mapping={"google.subject": "assertion.email"})

    assert exchange(world, provider, _token(world, provider)).refusal == (
        400,
        "unauthorized_client",
        "Could not obtain a value for google.subject from the given credential.",
    )


def test_a_mapping_that_the_world_cannot_read_is_a_mistake_of_the_test(world: GcpWorld) -> None:
    """Told when the provider is made."""
    with pytest.raises(ValueError, match=r"cannot read the mapping of google\.subject"):
        world.provider(mapping={"google.subject": "assertion.sub.startsWith('a')"})


def test_json_is_taken_in_camel_case(world: GcpWorld, provider: Provider) -> None:
    """As some clients send it."""
    content: dict[str, Any] = {
        "grantType": EXCHANGE,
        "audience": provider.audience,
        "scope": CLOUD,
        "subjectTokenType": JWT,
        "subjectToken": _token(world, provider),
    }

    def ask(body: bytes) -> int:
        headers = {"Content-Type": "application/json"}
        return send(world, "POST", "/v1/token", body, headers=headers).status

    assert ask(json.dumps(content).encode()) == 200
    assert ask(b"{") == 400


@pytest.fixture
def cluster(world: GcpWorld) -> Cluster:
    """A cluster on GKE."""
    return world.gke_cluster()


def _bind(world: GcpWorld, cluster: Cluster, token: str, audience: str = "") -> Any:  # noqa: ANN401
    fields = {
        "grant_type": EXCHANGE,
        "audience": audience or cluster.audience,
        "scope": CLOUD,
        "subject_token_type": JWT,
        "subject_token": token,
    }
    return post_form(world, "/v1/token", fields)


def test_a_gke_token_becomes_the_kubernetes_service_account(
    world: GcpWorld, cluster: Cluster
) -> None:
    """Its audience is the pool of the project; roles may name it in the old way or the new one."""
    token = world.issuer.mint("shop", "web", "shop-prod.svc.id.goog")
    given = _bind(world, cluster, token).content["access_token"]
    secret, other = world.put_secret("db", "one"), world.put_secret("other", "two")
    world.grant("serviceAccount:shop-prod.svc.id.goog[shop/web]", ACCESSOR, secret)
    world.grant(cluster.principal("shop", "web"), ACCESSOR, other)

    assert cluster.audience == (
        "identitynamespace:shop-prod.svc.id.goog:https://container.googleapis.com/v1/projects/"
        "shop-prod/locations/europe-west1/clusters/prod"
    )
    assert access(world, given, f"{secret.name}/versions/1").status == 200
    assert access(world, given, f"{other.name}/versions/1").status == 200
    assert world.journal.entries[-1].principal == cluster.member("shop", "web")


def test_a_gke_token_for_another_audience_is_refused(world: GcpWorld, cluster: Cluster) -> None:
    """The API server's own, say."""
    token = world.issuer.mint("shop", "web", "https://kubernetes.default.svc")

    assert _bind(world, cluster, token).refusal[1] == "invalid_grant"


def test_a_cluster_that_is_not_there_is_no_target(world: GcpWorld, cluster: Cluster) -> None:
    """Of another name or project."""
    token = world.issuer.mint("shop", "web", cluster.pool)

    assert _bind(world, cluster, token, cluster.audience + "-2").refusal == NO_TARGET


def test_a_token_without_a_service_account_is_none_of_gkes(
    world: GcpWorld, cluster: Cluster
) -> None:
    """The claims of Kubernetes say who it is."""
    token = world.issuer.mint("shop", "web", cluster.pool, claims={"kubernetes.io": {}})

    assert _bind(world, cluster, token).refusal[1] == "invalid_grant"
