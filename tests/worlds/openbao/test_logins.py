"""Logins with projected tokens: by TokenReview, by the issuer's key, by its published keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.openbao import Cluster
from tests.worlds.openbao.asking import login, refusal
from worlds.kubernetes import KubernetesWorld
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable

    from worlds.openbao import Namespace, OpenBao

BAD_AUDIENCE = "invalid audience (aud) claim: audience claim does not match any expected audience"
EXPIRED = "invalid expiration time (exp) claim: token is expired"
SIGNATURE = (
    "error verifying token signature: no known key successfully validated the token signature"
)

REFUSED: dict[str, tuple[Callable[[Cluster], str], str, str]] = {
    "another audience": (lambda c: c.token(audience="other"), BAD_AUDIENCE, BAD_AUDIENCE),
    "another namespace": (
        lambda c: c.token("test"),
        "namespace not authorized",
        "invalid subject (sub) claim",
    ),
    "another account": (
        lambda c: c.token("shop", "api"),
        "service account name not authorized",
        "invalid subject (sub) claim",
    ),
    "a token that has ended": (
        lambda c: c.issuer.mint("shop", "web", "vault", lifetime=-3600),
        EXPIRED,
        EXPIRED,
    ),
    "another issuer's key": (
        lambda c: Issuer(c.issuer.url).mint("shop", "web", "vault"),
        "permission denied",
        SIGNATURE,
    ),
}
"""What is refused: the token, the words of `kubernetes` (403), those of `jwt` (400)."""


@pytest.fixture
def web(vault: Namespace) -> Namespace:
    """A namespace in which shop/web may log in by both methods, for one secret."""
    vault.kv("secret")
    vault.put("secret", "prod/db", password="s3cret")
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    vault.jwt_role("web", "shop")
    return vault


@pytest.mark.parametrize("mount", ["kubernetes", "jwt"])
def test_a_service_account_reads_what_its_policy_permits(
    web: Namespace, cluster: Cluster, mount: str
) -> None:
    """By either method, and the audit log has who it was and what it read."""
    client = login(web, cluster.token(), mount=mount)

    assert client.read("secret/data/prod/db")["data"]["data"] == {"password": "s3cret"}
    assert refusal(lambda: client.read("secret/data/test/db"))[0] == 403
    (entry,) = web.audit.logins(mount)
    assert entry.metadata["role"] == "web"
    good, bad = web.audit.calls("secret/data/", accessor=entry.issued)
    assert (good.path, good.operation, good.ok) == ("secret/data/prod/db", "read", True)
    assert (good.policies, good.namespace) == (("default", "shop"), web.path)
    assert "permission denied" in bad.error


@pytest.mark.parametrize("what", REFUSED)
def test_whoever_the_role_does_not_name_is_refused(
    web: Namespace, cluster: Cluster, what: str
) -> None:
    """Each in the words of the method, and the audit log has no login."""
    token, by_kubernetes, by_jwt = REFUSED[what]

    assert refusal(lambda: login(web, token(cluster))) == (403, by_kubernetes)
    status, text = refusal(lambda: login(web, token(cluster), mount="jwt"))
    assert (status, text) == (400, f"error validating token: {by_jwt}")
    assert web.audit.logins() == ()
    attempts = [*web.audit.calls("auth/kubernetes/login"), *web.audit.calls("auth/jwt/login")]
    assert [entry.ok for entry in attempts] == [False, False]


def test_a_role_that_is_not_there_is_named(web: Namespace, cluster: Cluster) -> None:
    """Both methods say which."""
    by_kubernetes = refusal(lambda: login(web, cluster.token(), "nobody"))
    by_jwt = refusal(lambda: login(web, cluster.token(), "nobody", "jwt"))

    assert by_kubernetes == (400, 'invalid role name "nobody"')
    assert by_jwt == (400, 'role "nobody" could not be found')


def test_the_token_of_a_deleted_account_is_refused(web: Namespace) -> None:
    """Also when an account of the same name was made since; OpenBao hides the reason."""
    issuer = Issuer()
    with KubernetesWorld(issuer=issuer) as world:
        own = Cluster(world, issuer)
        web.kubernetes(world.url, world.ca_pem, own.reviewer, "own")
        web.kubernetes_role("web", "shop", path="own")
        login(web, own.token(), mount="own")

        world.delete("serviceaccounts", "web", namespace="shop")
        assert refusal(lambda: login(web, own.token(), mount="own")) == (403, "permission denied")

        world.service_account("shop", "web")
        assert refusal(lambda: login(web, own.token(), mount="own")) == (403, "permission denied")


def test_without_a_reviewer_the_account_reviews_itself(web: Namespace) -> None:
    """It needs the right to, and the API server's audience beside the role's."""
    issuer = Issuer()
    with KubernetesWorld(issuer=issuer) as world:
        own = Cluster(world, issuer)
        web.kubernetes(world.url, world.ca_pem, path="own")
        web.kubernetes_role("web", "shop", path="own")
        both = issuer.mint("shop", "web", ["vault", issuer.url])
        assert refusal(lambda: login(web, both, mount="own")) == (403, "permission denied")

        world.authentication.permit_reviews("shop", "web")
        login(web, both, mount="own")
        assert refusal(lambda: login(web, own.token(), mount="own")) == (403, "permission denied")


def test_a_cluster_with_another_authority_is_not_asked(web: Namespace, cluster: Cluster) -> None:
    """OpenBao trusts `kubernetes_ca_cert` alone."""
    with KubernetesWorld(issuer=cluster.issuer) as other:
        web.kubernetes(cluster.world.url, other.ca_pem, cluster.reviewer, "own")
    web.kubernetes_role("web", "shop", path="own")
    before = cluster.world.journal.count("create tokenreviews")

    assert refusal(lambda: login(web, cluster.token(), mount="own")) == (403, "permission denied")
    assert cluster.world.journal.count("create tokenreviews") == before


def test_published_keys_are_enough(vault: Namespace) -> None:
    """By the key set of any issuer, and by the discovery document of the cluster's own."""
    with KubernetesWorld(issuer=Issuer()) as world:
        world.authentication.anonymous_discovery = True
        own = Cluster(world, Issuer(world.url))
        world.sign_with(own.issuer)
        keys, ca = f"{world.url}/openid/v1/jwks", world.ca_pem
        vault.jwt(own.issuer, "keys", jwks_url=keys, jwks_ca_pem=ca)
        vault.jwt(own.issuer, "discovery", oidc_discovery_url=world.url, oidc_discovery_ca_pem=ca)
        for mount in ("keys", "discovery"):
            vault.jwt_role("web", "shop", path=mount)
            login(vault, own.token(), mount=mount)


def test_logins_of_one_namespace_are_none_of_another(
    openbao: OpenBao, web: Namespace, cluster: Cluster
) -> None:
    """Its token reads nothing elsewhere, and its audit log is its own."""
    other = cluster.serve(openbao.namespace())
    client = login(web, cluster.token())

    assert refusal(lambda: client.within(other.path).read("secret/data/prod/db"))[0] == 403
    assert len(web.audit.logins()) == 1
    assert other.audit.logins() == ()
