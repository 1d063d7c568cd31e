"""
Service account tokens as Kubernetes projects them, and their verification.

ES256 (P-256) by default, RS256 on request: the algorithms that clusters use. A verifier refuses
any other algorithm, a key id that the issuer does not have, and a signature that does not fit.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_WIDTH: Final = 32  # bytes of each half of an ES256 signature (RFC 7518 §3.4)
DEFAULT_ISSUER: Final = (
    "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
)


class InvalidTokenError(ValueError):
    """A token that is refused; the text says why and never holds the token."""


class UnknownKeyError(InvalidTokenError):
    """The token names a key that is none of the issuer's."""


class MintOptions(TypedDict, total=False):
    """What a minted token may differ in."""

    lifetime: float
    """Seconds; 3600 when absent."""
    pod: str
    pod_uid: str
    service_account_uid: str
    claims: dict[str, Any]
    """Put over the made claims, to make wrong ones."""


class Issuer:
    """
    A cluster's token issuer: one key, any number of tokens.

    Args:
        url: the `iss` claim.
        algorithm: of its signatures.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        url: str = DEFAULT_ISSUER,
        *,
        algorithm: Literal["ES256", "RS256"] = "ES256",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self.algorithm = algorithm
        self.reachable = True
        """Whether its discovery document can be fetched; STS says IDPCommunicationError else."""
        self._clock = clock
        self._key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        self._key = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(65537, 2048)
        )
        spki = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key_id = _encode(hashlib.sha256(spki).digest())

    def now(self) -> float:
        """Give the time of its tokens, seconds since the epoch."""
        return self._clock()

    @property
    def host(self) -> str:
        """The URL without its scheme, as IAM names the provider and its condition keys."""
        return self.url.removeprefix("https://")

    def mint(
        self,
        namespace: str,
        service_account: str,
        audience: str | Sequence[str],
        **options: Unpack[MintOptions],
    ) -> str:
        """Make a token as the kubelet projects it for a pod."""
        now = int(self._clock())
        pod = options.get("pod", f"{service_account}-0")
        audiences = [audience] if isinstance(audience, str) else list(audience)
        account_uid = options.get("service_account_uid") or uid(namespace, service_account)
        claims: dict[str, Any] = {
            "aud": audiences,
            "exp": int(now + options.get("lifetime", 3600)),
            "iat": now,
            "iss": self.url,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": namespace,
                "node": {"name": "node-1", "uid": uid("node", "node-1")},
                "pod": {"name": pod, "uid": options.get("pod_uid") or uid(namespace, pod)},
                "serviceaccount": {"name": service_account, "uid": account_uid},
            },
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
        }
        return self.sign({**claims, **options.get("claims", {})})

    def sign(self, claims: dict[str, Any], *, key_id: str = "") -> str:
        """Sign any claims as a compact JWT (RFC 7515 §7.1)."""
        header = {"alg": self.algorithm, "kid": key_id or self.key_id}
        signed = f"{_encode(_json(header))}.{_encode(_json(claims))}"
        return f"{signed}.{_encode(self._signature(signed.encode()))}"

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        halves = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return b"".join(half.to_bytes(_WIDTH, "big") for half in halves)

    def verify(self, token: str) -> dict[str, Any]:
        """
        Check form, key and signature, and give the claims; their meaning is the caller's affair.

        Raises:
            InvalidTokenError: saying what does not fit.
        """
        signed, _, signature = token.rpartition(".")
        header, claims = _part(signed.partition(".")[0]), _part(signed.partition(".")[2])
        if header.get("alg") != self.algorithm or header.get("kid") != self.key_id:
            msg = "the issuer has no such key"
            raise UnknownKeyError(msg)
        try:
            _check(self._key.public_key(), signed.encode(), _decode(signature))
        except (InvalidSignature, ValueError):
            msg = "the signature does not fit"
            raise InvalidTokenError(msg) from None
        return claims

    def key_set(self) -> dict[str, Any]:
        """Give the public key as a JWK set (RFC 7517), for servers that verify on their own."""
        numbers = self._key.public_key().public_numbers()
        base = {"kid": self.key_id, "use": "sig", "alg": self.algorithm}
        if isinstance(numbers, rsa.RSAPublicNumbers):
            return {"keys": [{**base, "kty": "RSA", "n": _int(numbers.n), "e": _int(numbers.e)}]}
        point = {"x": _int(numbers.x, _WIDTH), "y": _int(numbers.y, _WIDTH)}
        return {"keys": [{**base, "kty": "EC", "crv": "P-256", **point}]}

    def public_pem(self) -> str:
        """Give the public key as PEM."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )


class PublishedIssuer(Issuer):
    """
    A real cluster's issuer, of which only the published keys are known: it verifies, and mints not.

    Args:
        url: the `iss` claim.
        key_set: JWK set (RFC 7517), as `/openid/v1/jwks` serves it.
    """

    def __init__(self, url: str, key_set: Mapping[str, Any]) -> None:
        super().__init__(url)
        self._published = {str(key["kid"]): (key["alg"], _public(key)) for key in key_set["keys"]}

    def sign(self, claims: dict[str, Any], *, key_id: str = "") -> str:  # noqa: ARG002 - as the base has it
        """Refuse: only the cluster has the key."""
        msg = "the cluster alone signs its tokens"
        raise InvalidTokenError(msg)

    def verify(self, token: str) -> dict[str, Any]:
        """
        Check form, key and signature, and give the claims.

        Raises:
            InvalidTokenError: saying what does not fit.
        """
        signed, _, signature = token.rpartition(".")
        header, claims = _part(signed.partition(".")[0]), _part(signed.partition(".")[2])
        algorithm, key = self._published.get(str(header.get("kid")), ("", None))
        if key is None or header.get("alg") != algorithm:
            msg = "the issuer has no such key"
            raise UnknownKeyError(msg)
        try:
            _check(key, signed.encode(), _decode(signature))
        except (InvalidSignature, ValueError):
            msg = "the signature does not fit"
            raise InvalidTokenError(msg) from None
        return claims


def _public(key: Mapping[str, str]) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    if key["kty"] == "RSA":
        return rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
    point = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1())
    return point.public_key()


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")


def _check(
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, data: bytes, signature: bytes
) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        return
    if len(signature) != 2 * _WIDTH:
        raise InvalidSignature
    halves = (signature[:_WIDTH], signature[_WIDTH:])
    der = encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))
    key.verify(der, data, ec.ECDSA(hashes.SHA256()))


def claims_of(token: str) -> dict[str, Any]:
    """
    Read the claims without verifying anything, to find the issuer.

    Raises:
        InvalidTokenError: when it is not a JWT.
    """
    parts = token.split(".")
    if len(parts) != 3:
        msg = "not a JWT of three parts"
        raise InvalidTokenError(msg)
    _part(parts[0])
    return _part(parts[1])


def _part(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(text))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        msg = "a part of the JWT is not a JSON object"
        raise InvalidTokenError(msg)
    return value


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    if any(letter in text for letter in "+/=\n "):
        msg = "not base64url without padding"
        raise ValueError(msg)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _int(number: int, width: int = 0) -> str:
    return _encode(number.to_bytes(width or (number.bit_length() + 7) // 8, "big"))


def uid(*names: str) -> str:
    """Give the uid that tokens say for an object: the same for the same names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(names)))
