"""Tokens: what an issuer signs, what a verifier refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from worlds.tokens import InvalidTokenError, Issuer, claims_of

RS256 = Issuer(algorithm="RS256", clock=lambda: 1000.0)
ES256 = Issuer(algorithm="ES256", clock=lambda: 1000.0)
BOTH = pytest.mark.parametrize("issuer", [ES256, RS256], ids=["ES256", "RS256"])


def _encode(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _header(token: str) -> dict[str, Any]:
    text = token.partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=="))
    return found


@BOTH
def test_a_minted_token_verifies_and_says_what_the_kubelet_says(issuer: Issuer) -> None:
    """Audience, subject, times and the pod it is bound to stand in it."""
    claims = issuer.verify(issuer.mint("shop", "web", "sts.amazonaws.com", lifetime=600))

    assert claims["aud"] == ["sts.amazonaws.com"]
    assert claims["sub"] == "system:serviceaccount:shop:web"
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (1000, 1000, 1600)
    assert claims["iss"] == issuer.url
    assert claims["kubernetes.io"]["pod"]["name"] == "web-0"
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "web"


def test_tokens_of_one_pod_share_uids_and_differ_in_their_id() -> None:
    """The same objects have the same uids each time; each token has an id of its own."""
    first, second = (ES256.verify(ES256.mint("shop", "web", ["a", "b"])) for _ in range(2))

    assert first["kubernetes.io"] == second["kubernetes.io"]
    assert first["jti"] != second["jti"]
    assert first["aud"] == ["a", "b"]


def test_options_change_what_is_minted() -> None:
    """Pod, uids and any claim can be chosen."""
    token = ES256.mint(
        "shop", "web", "a", pod="p", pod_uid="1", service_account_uid="2", claims={"iss": "other"}
    )

    claims = ES256.verify(token)

    assert claims["iss"] == "other"
    assert claims["kubernetes.io"]["pod"] == {"name": "p", "uid": "1"}
    assert claims["kubernetes.io"]["serviceaccount"]["uid"] == "2"


@BOTH
@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
def test_a_changed_part_is_refused(issuer: Issuer, part: int) -> None:
    """One letter changed anywhere breaks it."""
    parts = issuer.mint("shop", "web", "a").split(".")
    middle = len(parts[part]) // 2
    letter = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + letter + parts[part][middle + 1 :]

    with pytest.raises(InvalidTokenError, match=r"does not fit|no such key|not a JSON object"):
        issuer.verify(".".join(parts))


def test_another_issuers_signature_is_refused() -> None:
    """The key id tells, and so does the signature when the key id is forged."""
    other = Issuer(ES256.url, clock=lambda: 1000.0)
    claims = ES256.verify(ES256.mint("shop", "web", "a"))

    with pytest.raises(InvalidTokenError, match="no such key"):
        ES256.verify(other.sign(claims))
    with pytest.raises(InvalidTokenError, match="does not fit"):
        ES256.verify(other.sign(claims, key_id=ES256.key_id))


@BOTH
@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "ES384"])
def test_no_other_algorithm_is_taken(issuer: Issuer, algorithm: str) -> None:
    """`none`, and HS256 with the public key as its secret, are the classic forgeries."""
    header = {"alg": algorithm, "kid": issuer.key_id}
    signed = f"{_encode(header)}.{issuer.mint('shop', 'web', 'a').split('.')[1]}"
    digest = hmac.digest(issuer.public_pem().encode(), signed.encode(), hashlib.sha256)
    signature = "" if algorithm == "none" else _encode(digest)

    with pytest.raises(InvalidTokenError, match="no such key"):
        issuer.verify(f"{signed}.{signature}")


@BOTH
@pytest.mark.parametrize("signature", ["", "AAAA", "===", "not base64!"])
def test_a_signature_of_odd_form_is_refused(issuer: Issuer, signature: str) -> None:
    """An empty, short or undecodable signature does not fit."""
    signed = issuer.mint("shop", "web", "a").rpartition(".")[0]

    with pytest.raises(InvalidTokenError, match="does not fit"):
        issuer.verify(f"{signed}.{signature}")


def test_a_signature_has_one_form_only() -> None:
    """A zero more in front of its second half is the same number, and another signature."""
    signed, _, signature = ES256.mint("shop", "web", "a").rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")

    assert ES256.verify(f"{signed}.{_encode(raw)}")
    with pytest.raises(InvalidTokenError, match="does not fit"):
        ES256.verify(f"{signed}.{_encode(raw[:32] + bytes(1) + raw[32:])}")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "Bearer x"])
def test_what_has_not_three_parts_is_no_token(token: str) -> None:
    """The issuer is only looked for in a JWT."""
    with pytest.raises(InvalidTokenError, match="three parts"):
        claims_of(token)


@pytest.mark.parametrize("part", ["!", _encode([1]), _encode(b"\xff"), "e30=", "Bearer e30", ""])
def test_parts_that_are_no_object_are_refused(part: str) -> None:
    """Padding, other JSON, other bytes and a scheme in front are neither header nor claims."""
    for token in (f"e30.{part}.x", f"{part}.e30.x"):
        with pytest.raises(InvalidTokenError, match="not a JSON object"):
            claims_of(token)


@BOTH
def test_the_key_set_holds_the_public_key(issuer: Issuer) -> None:
    """A server that verifies on its own finds the key by its id, with the same numbers."""
    (key,) = issuer.key_set()["keys"]
    public = serialization.load_pem_public_key(issuer.public_pem().encode())
    expected: dict[str, int] = {}
    if isinstance(public, ec.EllipticCurvePublicKey):
        expected = {"x": public.public_numbers().x, "y": public.public_numbers().y}
    if isinstance(public, rsa.RSAPublicKey):
        expected = {"n": public.public_numbers().n, "e": public.public_numbers().e}
    given = {name: int.from_bytes(base64.urlsafe_b64decode(key[name] + "==")) for name in expected}

    assert given == expected
    assert key["kid"] == _header(issuer.mint("shop", "web", "a"))["kid"]
    assert (key["alg"], key["use"]) == (issuer.algorithm, "sig")
