"""Errors as AWS's two protocols word and number them."""

from __future__ import annotations

from typing import Final

ACCESS_DENIED: Final = "AccessDenied"
ACCESS_DENIED_JSON: Final = "AccessDeniedException"
INVALID_REQUEST: Final = "InvalidRequestException"
INVALID_PARAMETER: Final = "InvalidParameterException"
NOT_FOUND: Final = "ResourceNotFoundException"
DECRYPTION_FAILURE: Final = "DecryptionFailure"
INVALID_KEY: Final = "InvalidKeyId"
INVALID_TOKEN: Final = "InvalidIdentityToken"  # noqa: S105 - an error code
EXPIRED_TOKEN: Final = "ExpiredTokenException"  # noqa: S105 - an error code
NO_IDP: Final = "IDPCommunicationError"
INVALID_VALUE: Final = "InvalidParameterValue"
MALFORMED_POLICY: Final = "MalformedPolicyDocument"
UNKNOWN_OPERATION: Final = "UnknownOperationException"
INVALID_ACTION: Final = "InvalidAction"
INVALID_TOKEN_JSON: Final = "InvalidTokenException"  # noqa: S105 - an error code
VALIDATION: Final = "ValidationException"
INVALID_NEXT_TOKEN: Final = "InvalidNextToken"  # noqa: S105 - an error code
SERIALIZATION: Final = "SerializationException"
INVALID_CIPHERTEXT: Final = "InvalidCiphertextException"
INCORRECT_KEY: Final = "IncorrectKeyException"
NOT_FOUND_KMS: Final = "NotFoundException"
DISABLED: Final = "DisabledException"
INVALID_STATE: Final = "KMSInvalidStateException"
INVALID_ALGORITHM: Final = "InvalidKeyUsageException"


class AwsError(Exception):
    """
    A refusal in AWS's words.

    Args:
        code: AWS's error code.
        message: shown to the client; never holds a secret.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> AwsError:
    """Make the error of a bad parameter in the query protocol."""
    return AwsError("ValidationError", message)


def constraint(*, field: str, rule: str) -> AwsError:
    """Make the error of a parameter that breaks a rule of the service model (query protocol)."""
    return validation(_constraint(field, rule))


def json_constraint(*, field: str, rule: str) -> AwsError:
    """Make the same for the JSON services."""
    return AwsError(VALIDATION, _constraint(field, rule))


def _constraint(field: str, rule: str) -> str:
    return (
        f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
        f"Member must {rule}"
    )
