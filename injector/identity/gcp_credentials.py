"""
Google credentials of a mounted Secret: a service account's key, or a user's refresh token.

A document of another type names addresses to ask or programs to run, and whoever writes the Secret
would choose them: such a one is refused. A document's own `token_uri` is compared, never asked.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from injector.contract.field import GOOGLE_ACCOUNT
from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.gcp import errors, replies
from injector.identity import mounted_secrets
from injector.identity.interface import Credentials, SessionRecord
from injector.rest import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.identity.interface import Session, SessionKey
    from injector.rest import Rest

TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_STEP: Final = "credentials login"
_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 3600
"""Life of a signed request: the longest that Google takes."""
_SMALLEST_KEY: Final = 2048
"""Bits of RSA; Google makes no smaller ones."""
_REMEDY: Final = (
    "give the JSON of a service account's key (`service_account`) or of a user's credentials "
    "(`authorized_user`)"
)
_KNOWN_OTHERS: Final = frozenset(
    {
        "external_account",
        "external_account_authorized_user",
        "impersonated_service_account",
        "gdch_service_account",
    }
)
_EMAIL: Final = re.compile(GOOGLE_ACCOUNT, re.ASCII)
_KEY_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Document:
    """What is used of a credentials document."""

    kind: str
    account: str = ""
    """E-mail address of the service account."""
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its other texts, the secret ones among them."""


def log_in(
    apis: Rest,
    clock: Callable[[], float],
    root: str,
    key: SessionKey,
    _source: Session | None,
) -> SessionRecord:
    """
    Log in with what the Secret holds at each attempt.

    Raises:
        ProviderError: when the document cannot be used, or Google refuses it.
    """
    given = key.input("endpoint.oauth2").rstrip("/")
    uri = f"{given}/token" if given else TOKEN_URI
    whose = f"the credentials of the Secret {key.input('secret')}"
    account = ""

    def form() -> dict[str, str]:
        nonlocal account
        data = mounted_secrets.read(root, key.input("namespace"), key.input("secret"), _STEP)
        document = parsed(data, whose, (TOKEN_URI, uri))
        account = document.account
        if document.kind == "service_account":
            return {
                "grant_type": _BEARER,
                "assertion": _assertion(document, key.input("scope"), int(clock()), whose),
            }
        return {"grant_type": "refresh_token", **document.texts}

    issued_at = clock()
    reply = apis.bearing(None, key.input("ca-bundle")).call(
        Call(_STEP, "POST", uri, form=form), lambda refusal: errors.grant(refusal, whose)
    )
    return SessionRecord(
        key=key,
        principal=account,
        credentials=Credentials(replies.token(reply, "access_token", _STEP)),
        issued_at=issued_at,
        expires_at=issued_at + replies.life(reply.get("expires_in")),
    )


def parsed(data: bytes, whose: str, allowed: tuple[str, ...]) -> Document:
    """
    Read a credentials document.

    Args:
        data: JSON.
        whose: what it is called in errors.
        allowed: values of `token_uri` that may stand in it.

    Raises:
        ProviderError: for what cannot or must not be used.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        _refuse(f"{whose} are no JSON object")
    kind = str(document.get("type"))
    if kind in _KNOWN_OTHERS:
        _refuse(
            f"{whose} are of the type {kind}, which is refused: it names addresses to ask or a "
            "program to run"
        )
    if kind not in ("service_account", "authorized_user"):
        _refuse(f"{whose} have no type that can be used")
    if document.get("universe_domain", "googleapis.com") != "googleapis.com":
        _refuse(f"{whose} are of another universe than googleapis.com")
    if document.get("token_uri", TOKEN_URI) not in allowed:
        _refuse(f"{whose} have a `token_uri` that is not Google's")
    if kind == "authorized_user":
        texts = _texts(document, whose, "client_id", "client_secret", "refresh_token")
        return Document(kind, texts=texts)
    texts = _texts(document, whose, "client_email", "private_key")
    if not _EMAIL.fullmatch(texts["client_email"]):
        _refuse(f"{whose} have a `client_email` that is no e-mail address")
    key_id = document.get("private_key_id")
    if isinstance(key_id, str) and _KEY_ID.fullmatch(key_id):
        texts["private_key_id"] = key_id
    return Document("service_account", texts["client_email"], texts)


def _texts(document: dict[str, object], whose: str, *wanted: str) -> dict[str, str]:
    found = {name: document.get(name) for name in wanted}
    for name, value in found.items():
        if not isinstance(value, str) or not value or not value.isascii():
            _refuse(f"{whose} lack `{name}`")
    return {name: str(value) for name, value in found.items()}


def _assertion(document: Document, scope: str, now: int, whose: str) -> str:
    """Sign a request for a token (RFC 7523) by RS256 (RFC 7518 §3.3)."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - paid by use
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - paid by use
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415 - paid by use

    try:
        key = serialization.load_pem_private_key(document.texts["private_key"].encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _SMALLEST_KEY:
        _refuse(f"{whose} have a `private_key` that is no RSA key of 2048 bits or more")
    header = {"alg": "RS256", "typ": "JWT"}
    if "private_key_id" in document.texts:
        header["kid"] = document.texts["private_key_id"]
    claims = {
        "iss": document.account,
        "scope": scope,
        "aud": TOKEN_URI,
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
    }
    signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_part(signature)}"


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _refuse(message: str) -> NoReturn:
    raise ProviderError(Reason.INVALID_SETTINGS, message, step=_STEP, remedy=_REMEDY)
