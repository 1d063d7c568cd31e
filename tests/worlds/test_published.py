"""A real cluster's issuer, known by its published keys only."""

from __future__ import annotations

from typing import Literal

import pytest

from worlds.tokens import InvalidTokenError, Issuer, PublishedIssuer

URL = "https://kubernetes.default.svc"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_tokens_of_the_published_key_are_verified(algorithm: Literal["ES256", "RS256"]) -> None:
    """By either algorithm; one of another issuer, or a changed one, is refused."""
    real, other = Issuer(URL, algorithm=algorithm), Issuer(URL, algorithm=algorithm)
    known = PublishedIssuer(URL, real.key_set())
    token = real.mint("shop", "web", "sts.amazonaws.com")
    head, body, signature = token.split(".")

    assert known.verify(token)["sub"] == "system:serviceaccount:shop:web"
    with pytest.raises(InvalidTokenError, match="no such key"):
        known.verify(other.mint("shop", "web", "sts.amazonaws.com"))
    with pytest.raises(InvalidTokenError, match="does not fit"):
        known.verify(f"{head}.{body}.{signature[:-6]}AAAAAA")


def test_nobody_else_signs_for_the_cluster() -> None:
    """The world has no key of a real cluster."""
    known = PublishedIssuer(URL, Issuer(URL).key_set())
    with pytest.raises(InvalidTokenError, match="alone signs"):
        known.mint("shop", "web", "sts.amazonaws.com")

    assert known.host == "kubernetes.default.svc"
