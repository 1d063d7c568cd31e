"""TokenReviews and published keys, as the real API server answers them."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from worlds.kubernetes import KubernetesWorld
from worlds.tokens import Issuer, uid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
DISCOVERY = "/.well-known/openid-configuration"


class Client:
    """
    What asks the world with a token.

    Args:
        world: the API server.
        token: bearer of the requests; empty for none.
    """

    def __init__(self, world: KubernetesWorld, token: str) -> None:
        self._world = world
        self._token = token

    def ask(
        self, method: str, path: str, content: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send one request."""
        context = ssl.create_default_context(cadata=self._world.ca_pem)
        place = urlsplit(self._world.url).netloc
        connection = http.client.HTTPSConnection(place, timeout=5, context=context)
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            connection.request(method, path, json.dumps(content) if content else None, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def review(self, token: str, audiences: Sequence[str] = ("vault",)) -> dict[str, Any]:
        """Ask for one review; gives its status."""
        spec = {"token": token, "audiences": list(audiences)}
        code, answer = self.ask("POST", REVIEWS, {"spec": spec})
        assert (code, answer["kind"]) == (201, "TokenReview")
        status: dict[str, Any] = answer["status"]
        return status


@pytest.fixture
def world() -> Iterator[KubernetesWorld]:
    """A world with shop/web."""
    with KubernetesWorld(issuer=Issuer()) as made:
        made.service_account("shop", "web")
        yield made


@pytest.fixture
def issuer(world: KubernetesWorld) -> Issuer:
    """Of its tokens."""
    assert world.authentication.issuer is not None
    return world.authentication.issuer


@pytest.fixture
def reviewer(world: KubernetesWorld) -> Client:
    """A service account that may create reviews."""
    return Client(world, world.reviewer())


def test_a_good_token_is_told_with_its_account_and_pod(reviewer: Client, issuer: Issuer) -> None:
    """And with those audiences alone that both sides have."""
    status = reviewer.review(issuer.mint("shop", "web", ["vault", "other"]), ["vault", "third"])

    assert (status["authenticated"], status["audiences"]) == (True, ["vault"])
    user = status["user"]
    assert (user["username"], user["uid"]) == ("system:serviceaccount:shop:web", uid("shop", "web"))
    assert user["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:shop",
        "system:authenticated",
    ]
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["web-0"]


def test_without_audiences_the_server_s_own_is_meant(reviewer: Client, issuer: Issuer) -> None:
    """Which a token for somebody else has not."""
    assert reviewer.review(issuer.mint("shop", "web", issuer.url), ())["authenticated"]
    assert not reviewer.review(issuer.mint("shop", "web", "vault"), ()).get("authenticated")


REFUSED: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "another audience": (
        lambda issuer: issuer.mint("shop", "web", "other"),
        ', token audiences ["other"] is invalid for the target audiences ["vault"]',
    ),
    "its end": (
        lambda issuer: issuer.mint("shop", "web", "vault", lifetime=-61),
        ", service account token has expired",
    ),
    "its start": (
        lambda issuer: issuer.mint("shop", "web", "vault", claims={"nbf": issuer.now() + 90}),
        ", service account token is not valid yet",
    ),
    "no account": (
        lambda issuer: issuer.mint("shop", "api", "vault"),
        ', serviceaccounts "api" not found',
    ),
    "another uid": (
        lambda issuer: issuer.mint("shop", "web", "vault", service_account_uid="1"),
        f", service account UID ({uid('shop', 'web')}) does not match claim (1)",
    ),
    "another key": (lambda issuer: Issuer(issuer.url).mint("shop", "web", "vault"), ""),
    "another issuer": (lambda _: Issuer("https://x").mint("shop", "web", "vault"), ""),
    "no JWT": (lambda _: "s.1234", ""),
}
"""What is refused: the token, and what stands after `invalid bearer token`."""


@pytest.mark.parametrize("what", REFUSED)
def test_a_token_that_is_nobody_s_is_told_with_the_reason(
    reviewer: Client, issuer: Issuer, what: str
) -> None:
    """In the words of the API server, with 201."""
    token, reason = REFUSED[what]
    error = f"[invalid bearer token{reason}]" if reason else "invalid bearer token"

    assert reviewer.review(token(issuer)) == {"user": {}, "error": error}


def test_a_token_ends_a_minute_late(reviewer: Client, issuer: Issuer) -> None:
    """The API server leaves clocks that much."""
    assert reviewer.review(issuer.mint("shop", "web", "vault", lifetime=-30))["authenticated"]


def test_a_token_goes_with_its_account(
    world: KubernetesWorld, reviewer: Client, issuer: Issuer
) -> None:
    """An account of the same name that was made later is another."""
    token = issuer.mint("shop", "web", "vault")
    world.delete("serviceaccounts", "web", namespace="shop")
    assert "not found" in reviewer.review(token)["error"]

    world.service_account("shop", "web")
    assert "does not match claim" in reviewer.review(token)["error"]


def test_a_token_goes_with_its_pod(
    world: KubernetesWorld, reviewer: Client, issuer: Issuer
) -> None:
    """A pod that the world never heard of counts as running."""
    token = issuer.mint("shop", "web", "vault", pod="web-7")
    assert reviewer.review(token)["authenticated"]

    world.apply("pods", "web-7", namespace="shop")
    assert reviewer.review(token)["authenticated"]
    world.delete("pods", "web-7", namespace="shop")
    gone = "[invalid bearer token, service account token has been invalidated]"
    assert reviewer.review(token)["error"] == gone
    world.apply("pods", "web-7", namespace="shop")
    assert "does not match service account pod ref" in reviewer.review(token)["error"]


def test_only_reviewers_review(world: KubernetesWorld, issuer: Issuer) -> None:
    """Others may not, and whoever is nobody is not known."""
    spec = {"spec": {"token": issuer.mint("shop", "web", "vault"), "audiences": ["vault"]}}
    web = Client(world, issuer.mint("shop", "web", issuer.url))
    code, answer = web.ask("POST", REVIEWS, spec)
    assert (code, answer["reason"]) == (403, "Forbidden")
    assert answer["message"] == (
        'tokenreviews.authentication.k8s.io is forbidden: User "system:serviceaccount:shop:web" '
        'cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the '
        "cluster scope"
    )

    for token in ("", issuer.mint("shop", "web", "vault"), "kubernetes-worlds"):
        assert Client(world, token).ask("POST", REVIEWS, spec)[0] == 401
    world.authentication.permit_reviews("shop", "web")
    assert web.ask("POST", REVIEWS, spec)[0] == 201


def test_the_published_keys_are_for_service_accounts_or_for_all(
    world: KubernetesWorld, issuer: Issuer
) -> None:
    """By default not for everybody, as in a real cluster; both documents fit the tokens."""
    web, nobody = Client(world, issuer.mint("shop", "web", issuer.url)), Client(world, "")
    code, answer = nobody.ask("GET", DISCOVERY)
    assert (code, 'User "system:anonymous" cannot get path' in answer["message"]) == (403, True)
    code, found = web.ask("GET", DISCOVERY)
    assert (code, found["issuer"], found["jwks_uri"]) == (
        200,
        issuer.url,
        f"{world.url}/openid/v1/jwks",
    )

    world.authentication.anonymous_discovery = True
    assert nobody.ask("GET", "/openid/v1/jwks") == (200, issuer.key_set())


def test_a_requested_token_is_good_for_a_review(world: KubernetesWorld, reviewer: Client) -> None:
    """A TokenRequest says the account's uid."""
    path = "/api/v1/namespaces/shop/serviceaccounts/web/token"
    asked = {"spec": {"audiences": ["vault"], "expirationSeconds": 600}}
    _, made = Client(world, "kubernetes-world").ask("POST", path, asked)

    assert reviewer.review(made["status"]["token"])["authenticated"]
