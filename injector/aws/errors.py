"""
AWS's errors as ours: reason, step, code, request id, region and what to change.

AWS's own text never passes through, since some of it repeats what was sent. Of it only an action,
ARNs and which kind of policy said no are taken, each by a pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.aws import remedies
from injector.contract.reasons import Reason
from injector.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_IN_CODE: Final = re.compile(r"[^A-Za-z0-9.]")
_MAX_CODE: Final = 64

REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        "AccessDenied": Reason.ACCESS_DENIED,
        "AccessDeniedException": Reason.ACCESS_DENIED,
        "DecryptionFailure": Reason.ACCESS_DENIED,
        "InvalidKeyId": Reason.ACCESS_DENIED,
        "KMSAccessDeniedException": Reason.ACCESS_DENIED,
        "NotAuthorized": Reason.ACCESS_DENIED,
        "OptInRequired": Reason.ACCESS_DENIED,
        "UnauthorizedOperation": Reason.ACCESS_DENIED,
        "IDPCommunicationError": Reason.UNAVAILABLE,
        "IDPRejectedClaim": Reason.IDENTITY_DENIED,
        "IncompleteSignature": Reason.IDENTITY_DENIED,
        "IncompleteSignatureException": Reason.IDENTITY_DENIED,
        "InvalidClientTokenId": Reason.IDENTITY_DENIED,
        "InvalidIdentityToken": Reason.IDENTITY_DENIED,
        "InvalidSignatureException": Reason.IDENTITY_DENIED,
        "InvalidTokenException": Reason.IDENTITY_DENIED,
        "MissingAuthenticationToken": Reason.IDENTITY_DENIED,
        "MissingAuthenticationTokenException": Reason.IDENTITY_DENIED,
        "RegionDisabledException": Reason.IDENTITY_DENIED,
        "SignatureDoesNotMatch": Reason.IDENTITY_DENIED,
        "UnrecognizedClientException": Reason.IDENTITY_DENIED,
        "ExpiredToken": Reason.TOKEN_UNAVAILABLE,
        "ExpiredTokenException": Reason.TOKEN_UNAVAILABLE,
        "RequestExpired": Reason.CLOCK_SKEW,
        "RequestTimeTooSkewed": Reason.CLOCK_SKEW,
        "DisabledException": Reason.ACCESS_DENIED,
        "KMSInvalidStateException": Reason.ACCESS_DENIED,
        "IncorrectKeyException": Reason.INVALID_DOCUMENT,
        "InvalidCiphertextException": Reason.INVALID_DOCUMENT,
        "InvalidArnException": Reason.INVALID_REQUEST,
        "InvalidKeyUsageException": Reason.INVALID_REQUEST,
        "NotFoundException": Reason.NOT_FOUND,
        "DependencyTimeoutException": Reason.UNAVAILABLE,
        "KMSInternalException": Reason.UNAVAILABLE,
        "KeyUnavailableException": Reason.UNAVAILABLE,
        "ParameterNotFound": Reason.NOT_FOUND,
        "ParameterVersionNotFound": Reason.NOT_FOUND,
        "ResourceNotFoundException": Reason.NOT_FOUND,
        "InvalidParameterException": Reason.INVALID_REQUEST,
        "InvalidRequestException": Reason.INVALID_REQUEST,
        "MalformedPolicyDocument": Reason.INVALID_REQUEST,
        "PackedPolicyTooLarge": Reason.INVALID_REQUEST,
        "ValidationError": Reason.INVALID_REQUEST,
        "ValidationException": Reason.INVALID_REQUEST,
        "InternalFailure": Reason.UNAVAILABLE,
        "InternalServerError": Reason.UNAVAILABLE,
        "InternalServerException": Reason.UNAVAILABLE,
        "InternalServiceError": Reason.UNAVAILABLE,
        "RequestAbortedException": Reason.UNAVAILABLE,
        "RequestTimeoutException": Reason.UNAVAILABLE,
        "ServiceUnavailable": Reason.UNAVAILABLE,
        "ServiceUnavailableException": Reason.UNAVAILABLE,
        "RequestLimitExceeded": Reason.THROTTLED,
        "RequestThrottled": Reason.THROTTLED,
        "RequestThrottledException": Reason.THROTTLED,
        "SlowDown": Reason.THROTTLED,
        "Throttling": Reason.THROTTLED,
        "ThrottledException": Reason.THROTTLED,
        "ThrottlingException": Reason.THROTTLED,
        "TooManyRequestsException": Reason.THROTTLED,
    }
)
"""
Codes of the calls that we make: their API references, AWS's common errors, and the codes that the
SDKs take for throttling.
"""

_LOGINS: Final = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "GetCredentials"})
_AT_LOGIN: Final[Mapping[Reason, Reason]] = MappingProxyType(
    {
        Reason.ACCESS_DENIED: Reason.IDENTITY_DENIED,
        # No Pod Identity association, say: never to be taken for a secret that is absent.
        Reason.NOT_FOUND: Reason.IDENTITY_DENIED,
    }
)
STALE_CREDENTIALS: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
)
"""Codes that say the session itself is no longer good: a new login may help."""

_ARN: Final = r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:[0-9]*:[\w+=,.@:/*-]+"
_DENIAL: Final = re.compile(
    rf"(?:User: (?P<user>{_ARN}) )?is not authorized to perform: "
    rf"(?P<action>[a-z0-9-]+:[A-Za-z0-9]+)(?: on (?:the )?resource: (?P<resource>{_ARN}))?"
)
_BECAUSE: Final = (
    ("explicit deny", "an explicit deny"),
    ("no identity-based policy", "no identity-based policy allows it"),
    ("no resource-based policy", "no resource-based policy allows it"),
    ("no session policy", "the session policy does not allow it"),
    ("no permissions boundary", "the permissions boundary does not allow it"),
    ("service control policy", "a service control policy forbids it"),
)


@dataclass(frozen=True, slots=True)
class Denial:
    """What may be repeated of an AWS denial; empty where it was not said."""

    user: str = ""
    action: str = ""
    resource: str = ""
    because: str = ""

    def __str__(self) -> str:
        """Write it as a sentence's tail."""
        text = f": {self.user or 'the caller'} may not {self.action}" if self.action else ""
        text += f" on {self.resource}" if self.resource else ""
        return text + (f" ({self.because})" if self.because else "")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error reply of AWS, as far as it may be looked at."""

    step: str
    region: str
    code: str
    status: int
    request_id: str
    text: str
    """AWS's message: matched, never passed on."""

    @property
    def denial(self) -> Denial:
        """The safe parts of the message."""
        match = _DENIAL.search(self.text)
        found = match.groupdict(default="") if match else {}
        because = next((words for mark, words in _BECAUSE if mark in self.text), "")
        return Denial(**found, because=because)


# Refusals of the Pod Identity agent itself, which come without a code.
_AGENTS_WORDS: Final = (
    ("token is expired", Reason.TOKEN_UNAVAILABLE),
    ("token is not valid yet", Reason.CLOCK_SKEW),
    ("Service account token", Reason.IDENTITY_DENIED),
)


def plain_code(code: object) -> str:
    """
    Cut an error code to what a code may be, whatever a server sent in its place.

    A number is none: botocore puts the status there for a reply without a code.
    """
    plain = _NOT_IN_CODE.sub("", str(code))[:_MAX_CODE]
    return "" if plain.isdigit() else plain


def reason_of(failure: Failure) -> Reason:
    """Classify an error reply by its code, then by its status."""
    text = failure.text
    if "Signature expired" in text or "Signature not yet current" in text:
        return Reason.CLOCK_SKEW
    if "marked for deletion" in text or "marked deleted" in text:
        return Reason.NOT_FOUND
    if remedies.MANAGED_KEY in text:  # said as a request that is invalid
        return Reason.ACCESS_DENIED
    worded = next((found for mark, found in _AGENTS_WORDS if mark in text), None)
    reason = REASONS.get(failure.code) or worded or _by_status(failure.status)
    return _AT_LOGIN.get(reason, reason) if failure.step in _LOGINS else reason


def _by_status(status: int) -> Reason:
    if status >= 500 or 300 <= status < 400:  # noqa: PLR2004 - RFC 9110: the server's fault, redirects
        return Reason.UNAVAILABLE
    exact = {401: Reason.IDENTITY_DENIED, 403: Reason.ACCESS_DENIED, 404: Reason.NOT_FOUND}
    exact |= {408: Reason.UNAVAILABLE, 429: Reason.THROTTLED}
    return exact.get(status, Reason.INVALID_REQUEST)


_MESSAGES: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.ACCESS_DENIED: "access denied",
        Reason.IDENTITY_DENIED: "the login was refused",
        Reason.TOKEN_UNAVAILABLE: "the token or the session has expired",
        Reason.CLOCK_SKEW: "the signature's time differs from AWS's",
        Reason.NOT_FOUND: "not found",
        Reason.INVALID_REQUEST: "AWS calls the request invalid",
        Reason.INVALID_DOCUMENT: "the data key is not what this key has encrypted, or was changed",
        Reason.UNAVAILABLE: "the service failed",
        Reason.THROTTLED: "the service asked to slow down",
    }
)


def provider_error(failure: Failure) -> ProviderError:
    """Make our error of an AWS error reply."""
    reason = reason_of(failure)
    denial = failure.denial
    bare = (
        f" (HTTP {failure.status} without an error code)"
        if failure.status and not failure.code
        else ""
    )
    return ProviderError(
        reason,
        f"{_MESSAGES[reason]}{denial}{bare}",
        step=failure.step,
        code=failure.code,
        request_id=failure.request_id,
        region=failure.region,
        remedy=remedies.remedy(reason, failure.step, failure.code, failure.text, denial.action),
    )
