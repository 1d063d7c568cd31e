"""
Verification of AWS Signature Version 4 in the Authorization header, from the published algorithm.

Every `x-amz-*` header and `host` must be signed. Refused, each with the words of AWS: no or odd
header, unknown keys, a session token that is not theirs, ended keys, a scope of another service,
region or day, a date more than five minutes off, and a signature that does not fit.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from worlds.aws.credentials import AccessKey, AccessKeys
    from worlds.server import Request

_SKEW_SECONDS: Final = 300
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_HEADER: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})"
)
_DATE: Final = "%Y%m%dT%H%M%SZ"

MISSING: Final = "MissingAuthenticationToken"
INCOMPLETE: Final = "IncompleteSignature"
UNKNOWN_KEY: Final = "InvalidClientTokenId"
EXPIRED: Final = "ExpiredToken"
MISMATCH: Final = "SignatureDoesNotMatch"


class SignatureError(Exception):
    """A request that is not taken; `kind` is the query protocol's code."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Signed:
    """The parts of a parsed Authorization header."""

    access_key_id: str
    day: str
    region: str
    service: str
    names: tuple[str, ...]
    """Signed headers."""
    signature: str

    @property
    def scope(self) -> str:
        """Credential scope."""
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def parse(authorization: str) -> Signed | None:
    """Take an Authorization header apart; none when it is not one of this version."""
    found = _HEADER.fullmatch(authorization)
    if found is None:
        return None
    access_key_id, day, region, service, names, signature = found.groups()
    return Signed(access_key_id, day, region, service, tuple(names.split(";")), signature)


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a request is checked against."""

    keys: AccessKeys
    service: str
    region: str
    """As the endpoint demands; empty when it takes any."""
    now: float
    """World time, for the end of keys."""
    wall: float
    """The service's own idea of the time, for the date of the signature."""

    def verify(self, request: Request) -> AccessKey:
        """
        Check one request.

        Returns:
            The keys that signed it.

        Raises:
            SignatureError: with AWS's code and words.
        """
        authorization = request.headers.get("authorization", "")
        if not authorization:
            raise SignatureError(MISSING, "Request is missing Authentication Token")
        signed = parse(authorization)
        if signed is None:
            msg = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'."
            raise SignatureError(INCOMPLETE, msg)
        key = self._key(signed, request)
        self._check_scope(signed)
        self._check_date(signed, request)
        _check_names(signed, request)
        if not hmac.compare_digest(signature(signed, request, key.secret), signed.signature):
            msg = (
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details."
            )
            raise SignatureError(MISMATCH, msg)
        if key.expires_at is not None and key.expires_at <= self.now:
            raise SignatureError(EXPIRED, "The security token included in the request is expired")
        return key

    def _key(self, signed: Signed, request: Request) -> AccessKey:
        key = self.keys.find(signed.access_key_id)
        token = request.headers.get("x-amz-security-token", "")
        if key is None or not hmac.compare_digest(token.encode("latin-1"), key.token.encode()):
            msg = "The security token included in the request is invalid."
            raise SignatureError(UNKNOWN_KEY, msg)
        return key

    def _check_scope(self, signed: Signed) -> None:
        if signed.service != self.service:
            msg = f"Credential should be scoped to correct service: '{self.service}'. "
            raise SignatureError(MISMATCH, msg)
        if self.region and signed.region != self.region:
            msg = f"Credential should be scoped to a valid region, not '{signed.region}'. "
            raise SignatureError(MISMATCH, msg)

    def _check_date(self, signed: Signed, request: Request) -> None:
        stamp = request.headers.get("x-amz-date", "")
        try:
            moment = calendar.timegm(time.strptime(stamp, _DATE))
        except ValueError:
            msg = "Authorization header requires existence of a valid 'X-Amz-Date' header."
            raise SignatureError(INCOMPLETE, msg) from None
        if stamp[:8] != signed.day:
            msg = (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                f"from HTTP: '{signed.day}' != '{stamp[:8]}', from '{stamp}'."
            )
            raise SignatureError(MISMATCH, msg)
        now = _stamp(self.wall)
        if moment < self.wall - _SKEW_SECONDS:
            edge = _stamp(self.wall - _SKEW_SECONDS)
            msg = f"Signature expired: {stamp} is now earlier than {edge} ({now} - 5 min.)"
            raise SignatureError(MISMATCH, msg)
        if moment > self.wall + _SKEW_SECONDS:
            edge = _stamp(self.wall + _SKEW_SECONDS)
            msg = f"Signature not yet current: {stamp} is still later than {edge} ({now} + 5 min.)"
            raise SignatureError(MISMATCH, msg)


def _stamp(moment: float) -> str:
    return time.strftime(_DATE, time.gmtime(moment))


def _check_names(signed: Signed, request: Request) -> None:
    needed = {name for name in request.headers if name.startswith("x-amz-")} | {"host"}
    missing = sorted(needed - set(signed.names))
    if missing:
        msg = f"There were headers present in the request which were not signed: {missing[0]}"
        raise SignatureError(MISMATCH, msg)
    absent = [name for name in signed.names if name not in request.headers]
    if absent or list(signed.names) != sorted(signed.names):
        msg = "'SignedHeaders' must be sorted and name headers of the request."
        raise SignatureError(INCOMPLETE, msg)


def signature(signed: Signed, request: Request, secret: str) -> str:
    """Compute the signature that such a request should have, in hexadecimal."""
    headers = "".join(
        f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed.names
    )
    canonical = "\n".join(
        [
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(sorted(part for part in request.query.split("&") if part)),
            headers,
            ";".join(signed.names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    to_sign = "\n".join([_ALGORITHM, request.headers["x-amz-date"], signed.scope, digest])
    key = f"AWS4{secret}".encode()
    for part in (signed.day, signed.region, signed.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
