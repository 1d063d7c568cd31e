"""
The closed list of reasons for every "no", with what follows from each.

The same word appears in the admission response, the decision line, the metric, the termination
message and the table of exit codes. Adding a reason is one member and one row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(StrEnum):
    """Why something was refused or failed; a word in kebab-case."""

    # Admission: the author of the pod can put it right.
    INVALID_ANNOTATION = "invalid-annotation"
    UNKNOWN_ANNOTATION = "unknown-annotation"
    INVALID_REFERENCE = "invalid-reference"
    UNKNOWN_STORE = "unknown-store"
    INVALID_STORE = "invalid-store"
    NOT_IN_THIS_VERSION = "not-in-this-version"
    LIMIT_EXCEEDED = "limit-exceeded"
    NAME_COLLISION = "name-collision"
    UNSUPPORTED_POD = "unsupported-pod"
    ALREADY_INJECTED = "already-injected"
    # Admission: the operator can.
    POLICY_DENIED = "policy-denied"
    CONTEXT_UNAVAILABLE = "context-unavailable"
    # Admission: the request itself.
    MALFORMED_REVIEW = "malformed-review"
    WRONG_CONTENT_TYPE = "wrong-content-type"
    BODY_TOO_LARGE = "body-too-large"
    DEADLINE_EXCEEDED = "deadline-exceeded"
    OVERLOADED = "overloaded"
    # The injector.
    INVALID_PLAN = "invalid-plan"
    INVALID_SETTINGS = "invalid-settings"
    TOKEN_UNAVAILABLE = "token-unavailable"  # noqa: S105 - a reason's word, no credential
    IDENTITY_DENIED = "identity-denied"
    SELF_ASSUME = "self-assume"
    ACCESS_DENIED = "access-denied"
    NOT_FOUND = "not-found"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    CLOCK_SKEW = "clock-skew"
    INVALID_REQUEST = "invalid-request"
    INVALID_DOCUMENT = "invalid-document"
    INTEGRITY_FAILED = "integrity-failed"
    SELECTOR_NOT_FOUND = "selector-not-found"
    NOT_A_MAPPING = "not-a-mapping"
    DECODE_FAILED = "decode-failed"
    TEMPLATE_FAILED = "template-failed"
    OUTPUT_TOO_LARGE = "output-too-large"
    UNSAFE_VARIABLE = "unsafe-variable"
    UNSAFE_PATH = "unsafe-path"
    WRITE_FAILED = "write-failed"
    DISK_FULL = "disk-full"
    SNAPSHOT_DAMAGED = "snapshot-damaged"
    SNAPSHOT_FOREIGN = "snapshot-foreign"
    ACTION_FAILED = "action-failed"
    INTERNAL = "internal"


class ExitCode:
    """Exit codes of the init container, one per class of failure."""

    OK: Final = 0
    CONFIGURATION: Final = 10
    IDENTITY: Final = 11
    DENIED: Final = 12
    NOT_FOUND: Final = 13
    UNAVAILABLE: Final = 14
    RENDER: Final = 15
    WRITE: Final = 16
    INTERNAL: Final = 17


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a reason."""

    status: int
    """The `code` of a denied admission, or the HTTP status of a refused request."""
    exit_code: int
    """How the init container ends."""
    retryable: bool
    """Whether trying again can help without anybody changing anything."""
    meaning: str
    """One sentence for the generated table of reasons."""


def _admission(status: int, meaning: str) -> Consequence:
    return Consequence(status, ExitCode.CONFIGURATION, retryable=False, meaning=meaning)


def _failure(exit_code: int, meaning: str, *, retryable: bool = False) -> Consequence:
    return Consequence(500, exit_code, retryable=retryable, meaning=meaning)


CONSEQUENCES: Final[Mapping[Reason, Consequence]] = MappingProxyType(
    {
        Reason.INVALID_ANNOTATION: _admission(400, "An annotation's value does not fit its key."),
        Reason.UNKNOWN_ANNOTATION: _admission(400, "No such key in our domain."),
        Reason.INVALID_REFERENCE: _admission(400, "A reference does not follow the grammar."),
        Reason.UNKNOWN_STORE: _admission(400, "A reference names a store that nobody configured."),
        Reason.INVALID_STORE: _admission(400, "A store's settings contradict each other."),
        Reason.NOT_IN_THIS_VERSION: _admission(400, "Known, but this version cannot do it yet."),
        Reason.LIMIT_EXCEEDED: _admission(400, "More than the limits of admission allow."),
        Reason.NAME_COLLISION: _admission(400, "Two things want one name or one path."),
        Reason.UNSUPPORTED_POD: _admission(400, "This pod cannot be given what it asks for."),
        Reason.ALREADY_INJECTED: _admission(400, "Injected parts of another plan are in the pod."),
        Reason.POLICY_DENIED: _admission(403, "The operator's policy does not permit it."),
        Reason.CONTEXT_UNAVAILABLE: _admission(503, "A fact of the cluster could not be had."),
        Reason.MALFORMED_REVIEW: _admission(400, "The request is not an admission review."),
        Reason.WRONG_CONTENT_TYPE: _admission(415, "The request is not application/json."),
        Reason.BODY_TOO_LARGE: _admission(413, "The request is larger than the API server sends."),
        Reason.DEADLINE_EXCEEDED: _admission(408, "The request did not arrive in time."),
        Reason.OVERLOADED: _admission(429, "Too many requests are in flight; ask again."),
        Reason.INVALID_PLAN: _failure(ExitCode.CONFIGURATION, "The plan cannot be read."),
        Reason.INVALID_SETTINGS: _failure(ExitCode.CONFIGURATION, "A setting is wrong or missing."),
        Reason.TOKEN_UNAVAILABLE: _failure(
            ExitCode.IDENTITY,
            "A projected token, or a Secret to log in with, cannot be read.",
            retryable=True,
        ),
        Reason.IDENTITY_DENIED: _failure(ExitCode.IDENTITY, "The login or the role was refused."),
        Reason.SELF_ASSUME: _failure(ExitCode.IDENTITY, "A role was asked to assume itself."),
        Reason.ACCESS_DENIED: _failure(ExitCode.DENIED, "The identity may not read the secret."),
        Reason.NOT_FOUND: _failure(ExitCode.NOT_FOUND, "There is no such secret or version."),
        Reason.UNAVAILABLE: _failure(
            ExitCode.UNAVAILABLE, "The provider cannot be reached or failed.", retryable=True
        ),
        Reason.THROTTLED: _failure(
            ExitCode.UNAVAILABLE, "The provider asked us to slow down.", retryable=True
        ),
        Reason.CLOCK_SKEW: _failure(
            ExitCode.IDENTITY, "The node's clock differs from the provider's.", retryable=True
        ),
        Reason.INVALID_REQUEST: _failure(
            ExitCode.CONFIGURATION, "The provider calls the request invalid."
        ),
        Reason.INVALID_DOCUMENT: _failure(
            ExitCode.CONFIGURATION, "The SOPS document cannot be read."
        ),
        Reason.INTEGRITY_FAILED: _failure(
            ExitCode.RENDER, "The document's MAC does not match its content."
        ),
        Reason.SELECTOR_NOT_FOUND: _failure(ExitCode.RENDER, "The selector finds nothing."),
        Reason.NOT_A_MAPPING: _failure(ExitCode.RENDER, "Keys were asked of a plain value."),
        Reason.DECODE_FAILED: _failure(ExitCode.RENDER, "The value is not in the said encoding."),
        Reason.TEMPLATE_FAILED: _failure(ExitCode.RENDER, "The template cannot be rendered."),
        Reason.OUTPUT_TOO_LARGE: _failure(
            ExitCode.RENDER, "What was made of the secret grew out of bounds."
        ),
        Reason.UNSAFE_VARIABLE: _failure(ExitCode.RENDER, "An EnvFile cannot carry the value."),
        Reason.UNSAFE_PATH: _failure(ExitCode.RENDER, "A file's path would leave its volume."),
        Reason.WRITE_FAILED: _failure(ExitCode.WRITE, "The files could not be written."),
        Reason.DISK_FULL: _failure(ExitCode.WRITE, "The volume's size limit is reached."),
        Reason.SNAPSHOT_DAMAGED: _failure(ExitCode.INTERNAL, "The session snapshot is damaged."),
        Reason.SNAPSHOT_FOREIGN: _failure(ExitCode.INTERNAL, "The snapshot is another plan's."),
        Reason.ACTION_FAILED: _failure(ExitCode.INTERNAL, "The application could not be told."),
        Reason.INTERNAL: _failure(ExitCode.INTERNAL, "A defect of Syrette; please report it."),
    }
)
