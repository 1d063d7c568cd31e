"""The OAuth2 endpoint: what a user's file and a service account's key are good for."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.worlds.gcp.wire import CLOUD, IAM, Answer, access, post_form
from worlds.gcp.oauth2 import BEARER_GRANT

if TYPE_CHECKING:
    from worlds.gcp import GcpWorld, Secret, ServiceAccount, User

TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@pytest.fixture
def ann(world: GcpWorld) -> User:
    """A person who consented to the whole platform."""
    return world.user("ann@example.com")


@pytest.fixture
def key(world: GcpWorld, web: ServiceAccount) -> dict[str, Any]:
    """A key file of the service account."""
    return world.key_file(web)


def _refresh(world: GcpWorld, user: User, **other: str) -> Answer:
    given = {"grant_type": "refresh_token", **user.credentials()}
    return post_form(world, "/token", {**given, **other})


def _segment(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _assertion(world: GcpWorld, key: dict[str, Any], alg: str = "RS256", **claims: object) -> str:
    now = int(world.clock.wall())
    given = {
        "iss": key["client_email"],
        "aud": key["token_uri"],
        "scope": CLOUD,
        "iat": now,
        "exp": now + 3600,
    }
    header = {"alg": alg, "typ": "JWT", "kid": key["private_key_id"]}
    told = {name: value for name, value in {**given, **claims}.items() if value is not None}
    signed = f"{_segment(header)}.{_segment(told)}"
    private = serialization.load_pem_private_key(key["private_key"].encode(), None)
    assert isinstance(private, RSAPrivateKey)
    signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _assert(world: GcpWorld, assertion: str) -> Answer:
    return post_form(world, "/token", {"grant_type": BEARER_GRANT, "assertion": assertion})


def test_a_refresh_token_gives_an_access_token(world: GcpWorld, ann: User) -> None:
    """For what was consented to, or less."""
    assert _refresh(world, ann).content["scope"] == CLOUD
    assert world.journal.entries[0].principal == "user:ann@example.com"
    assert _refresh(world, ann, scope=IAM).refusal[:2] == (400, "invalid_scope")


def test_a_refresh_token_ends_when_it_is_revoked(world: GcpWorld, ann: User) -> None:
    """An unknown one is a bad request, as Google says it."""
    ann.revoked = True

    assert _refresh(world, ann).refusal == (
        400,
        "invalid_grant",
        "Token has been expired or revoked.",
    )
    assert _refresh(world, ann, refresh_token="1//x").refusal == (
        400,
        "invalid_grant",
        "Bad Request",
    )
    assert _refresh(world, ann, refresh_token="").refusal[1] == "invalid_request"


def test_a_client_must_be_known_and_have_its_secret(world: GcpWorld, ann: User) -> None:
    """Before the token is looked at."""
    assert _refresh(world, ann, client_id="x").refusal == (
        401,
        "invalid_client",
        "The OAuth client was not found.",
    )
    assert _refresh(world, ann, client_secret="x").refusal[:2] == (401, "invalid_client")


def test_another_grant_is_not_supported(world: GcpWorld) -> None:
    """A password, say."""
    answer = post_form(world, "/token", {"grant_type": "password"})

    assert answer.refusal[:2] == (400, "unsupported_grant_type")


def test_an_assertion_gives_an_access_token(
    world: GcpWorld, key: dict[str, Any], secret: Secret
) -> None:
    """For the service account that signed it; the real endpoint's name is an audience too."""
    for audience in (world.token_uri, "https://oauth2.googleapis.com/token"):
        token = _assert(world, _assertion(world, key, aud=audience)).content["access_token"]
        assert access(world, token, f"{secret.name}/versions/1").status == 200


def test_an_assertion_for_another_audience_is_refused(world: GcpWorld, key: dict[str, Any]) -> None:
    """It says which is right."""
    assert _assert(world, _assertion(world, key, aud="https://other")).refusal == (
        400,
        "invalid_grant",
        (
            "Invalid JWT: Failed audience check. The right audience is "
            "https://oauth2.googleapis.com/token"
        ),
    )


@pytest.mark.parametrize("claims", [{"iat": 600}, {"exp": -1}, {"exp": 3700}])
def test_an_assertion_lives_an_hour_at_most(
    world: GcpWorld, key: dict[str, Any], claims: dict[str, int]
) -> None:
    """By the machine's clock; these are seconds from now."""
    now = int(world.clock.wall())
    moved: dict[str, Any] = {name: now + seconds for name, seconds in claims.items()}

    assert _assert(world, _assertion(world, key, **moved)).refusal == (
        400,
        "invalid_grant",
        TIMES,
    )
    assert _assert(world, _assertion(world, key, iat="now")).refusal[2] == TIMES


def test_a_moved_world_takes_fresh_assertions(world: GcpWorld, key: dict[str, Any]) -> None:
    """Clients sign with the machine's clock, wherever the world's is."""
    world.advance(86400)

    assert _assert(world, _assertion(world, key)).status == 200


def test_an_assertion_needs_a_scope(world: GcpWorld, key: dict[str, Any]) -> None:
    """In Google's words."""
    assert _assert(world, _assertion(world, key, scope="")).refusal == (
        400,
        "invalid_scope",
        "Invalid OAuth scope or ID token audience provided.",
    )


def test_a_signature_must_be_of_a_key_that_the_account_has(
    world: GcpWorld, key: dict[str, Any], web: ServiceAccount
) -> None:
    """Not of another account's, not by another algorithm, not of a deleted one, not none."""
    other = world.key_file(world.service_account("other"))
    stolen = {**key, "private_key": other["private_key"]}
    fine, unnamed = _assertion(world, key), _assertion(world, {**key, "private_key_id": ""})

    assert [_assert(world, one).status for one in (fine, unnamed)] == [200, 200]
    for assertion in (
        _assertion(world, stolen),
        _assertion(world, {**key, "private_key_id": other["private_key_id"]}),
        _assertion(world, key, alg="none"),
        "no.jwt",
    ):
        assert _assert(world, assertion).refusal == (400, "invalid_grant", "Invalid JWT Signature.")
    web.keys.clear()
    assert _assert(world, fine).refusal == (400, "invalid_grant", "Invalid JWT Signature.")


def test_an_account_that_is_gone_or_disabled_is_not_found(
    world: GcpWorld, key: dict[str, Any], web: ServiceAccount
) -> None:
    """Its key alone is worth nothing."""
    web.disabled = True

    assert _assert(world, _assertion(world, key)).refusal == (
        400,
        "invalid_grant",
        "Invalid grant: account not found",
    )


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "https://secretmanager.googleapis.com/", "scope": None}, 200),
        ({"aud": "https://cloudkms.googleapis.com/", "scope": None}, 401),
        ({"scope": CLOUD}, 200),
        ({"scope": IAM}, 403),
    ],
)
def test_a_jwt_for_the_api_itself_is_a_bearer_token(
    world: GcpWorld, key: dict[str, Any], secret: Secret, claims: dict[str, Any], status: int
) -> None:
    """With the API as audience, or with a scope (AIP-4111)."""
    assertion = _assertion(world, key, **claims)
    forged = assertion[:-8] + "AAAAAAAA"

    assert access(world, assertion, f"{secret.name}/versions/1").status == status
    assert access(world, forged, f"{secret.name}/versions/1").status == 401
