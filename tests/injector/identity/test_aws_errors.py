"""AWS's errors as ours: the reason, what may be repeated, and what to change."""

from __future__ import annotations

import pytest

from injector.aws.errors import Failure, plain_code, provider_error
from injector.contract.reasons import Reason

CANARY = "canary-7f3a"
USER = "arn:aws:sts::111122223333:assumed-role/web/syrette-shop-web"
SECRET = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:prod/db-AbCdEf"
NO_POLICY = (
    f"User: {USER} is not authorized to perform: secretsmanager:GetSecretValue on resource: "
    f"{SECRET} because no identity-based policy allows the secretsmanager:GetSecretValue action"
)


def failure(
    code: str = "", text: str = "", *, step: str = "GetSecretValue", status: int = 400
) -> Failure:
    """An error reply."""
    return Failure(step, "eu-west-1", code, status, "id-1", text)


@pytest.mark.parametrize(
    ("case", "reason", "remedy"),
    [
        (failure("AccessDeniedException", NO_POLICY), Reason.ACCESS_DENIED, "identity policy"),
        (
            failure("AccessDeniedException", "Access to KMS is not allowed"),
            Reason.ACCESS_DENIED,
            "KMS key's policy",
        ),
        (
            failure("AccessDeniedException", NO_POLICY.replace("identity", "resource")),
            Reason.ACCESS_DENIED,
            "another account needs all of",
        ),
        (failure("DecryptionFailure", "…"), Reason.ACCESS_DENIED, "KMS key's policy"),
        (failure("ResourceNotFoundException", "…"), Reason.NOT_FOUND, "check the name"),
        (
            failure("InvalidRequestException", "…because it was marked for deletion."),
            Reason.NOT_FOUND,
            "RestoreSecret",
        ),
        (
            failure(
                "InvalidRequestException",
                "You can't access a secret from a different AWS account if you encrypt the secret "
                "with the default KMS service key.",
            ),
            Reason.ACCESS_DENIED,
            "another account needs all of",
        ),
        (
            failure("AccessDeniedException", "The ciphertext refers to a customer master key that"),
            Reason.ACCESS_DENIED,
            "KMS key's policy",
        ),
        (failure("InvalidRequestException", "…"), Reason.INVALID_REQUEST, "reference's name"),
        (failure("ThrottlingException", "Rate exceeded"), Reason.THROTTLED, "tried again"),
        (failure("InternalServiceError", "", status=500), Reason.UNAVAILABLE, "tried again"),
        (failure("", "<html>", status=503), Reason.UNAVAILABLE, "tried again"),
        (failure("", "", status=403), Reason.ACCESS_DENIED, "VPC endpoint's policy"),
        (failure("", "", status=404), Reason.NOT_FOUND, "proxies between pod and AWS"),
        (failure("", "", status=302), Reason.UNAVAILABLE, "tried again"),
        (failure("UnrecognizedClientException", ""), Reason.IDENTITY_DENIED, "enabled the region"),
        (
            failure("MissingAuthenticationTokenException", ""),
            Reason.IDENTITY_DENIED,
            "changes requests",
        ),
        (failure("RequestTimeoutException", ""), Reason.UNAVAILABLE, "tried again"),
        (
            failure("ResourceNotFoundException", "No association", step="GetCredentials"),
            Reason.IDENTITY_DENIED,
            "Pod Identity association",
        ),
        (
            failure("InvalidTokenException", "", step="GetCredentials"),
            Reason.IDENTITY_DENIED,
            "Pod Identity association",
        ),
        (
            failure(
                "InvalidParameterValue",
                "…conflicts with a transitive tag key from the calling session.",
                step="AssumeRole",
            ),
            Reason.INVALID_REQUEST,
            "carries this tag already",
        ),
        (
            failure(
                "ValidationError", "The requested DurationSeconds exceeds the…", step="AssumeRole"
            ),
            Reason.INVALID_REQUEST,
            "lower `duration`",
        ),
        (
            failure("ValidationError", "…", step="AssumeRole"),
            Reason.INVALID_REQUEST,
            "settings of the login",
        ),
        (failure("", "", status=429), Reason.THROTTLED, "tried again"),
        (failure("NewCodeOfTomorrow", "", status=400), Reason.INVALID_REQUEST, "check"),
        (
            failure("InvalidSignatureException", "Signature expired: 2026… is now earlier than"),
            Reason.CLOCK_SKEW,
            "node's clock",
        ),
        (failure("RequestTimeTooSkewed", ""), Reason.CLOCK_SKEW, "5 minutes"),
        (
            failure("AccessDenied", "Not authorized to perform", step="AssumeRole", status=403),
            Reason.IDENTITY_DENIED,
            "trust policy",
        ),
        (
            failure(
                "AccessDenied",
                f"User: {USER} is not authorized to perform: sts:TagSession on resource: "
                "arn:aws:iam::444455556666:role/reader",
                step="AssumeRole",
            ),
            Reason.IDENTITY_DENIED,
            "sts:TagSession beside sts:AssumeRole",
        ),
        (
            failure("InvalidIdentityToken", "…", step="AssumeRoleWithWebIdentity"),
            Reason.IDENTITY_DENIED,
            "OIDC provider",
        ),
        (
            failure("IDPCommunicationError", "…", step="AssumeRoleWithWebIdentity"),
            Reason.UNAVAILABLE,
            "",
        ),
        (
            failure("ExpiredTokenException", "…", step="AssumeRoleWithWebIdentity"),
            Reason.TOKEN_UNAVAILABLE,
            "fresh token",
        ),
        (failure("PackedPolicyTooLarge", "", step="AssumeRole"), Reason.INVALID_REQUEST, "shorten"),
        (
            failure("RegionDisabledException", "", step="AssumeRole"),
            Reason.IDENTITY_DENIED,
            "activate",
        ),
        (failure("InvalidKeyId", "", step="GetParameters"), Reason.ACCESS_DENIED, "KMS key's"),
        (failure("KMSInternalException", "", step="Decrypt"), Reason.UNAVAILABLE, "tried again"),
        (failure("KeyUnavailableException", "", step="Decrypt"), Reason.UNAVAILABLE, "tried again"),
        (
            failure("DependencyTimeoutException", "", step="Decrypt"),
            Reason.UNAVAILABLE,
            "tried again",
        ),
        (failure("InvalidKeyUsageException", "", step="Decrypt"), Reason.INVALID_REQUEST, "symm"),
        (
            failure("AccessDeniedException", "The ciphertext refers to a customer", step="Decrypt"),
            Reason.ACCESS_DENIED,
            "kms:EncryptionContext",
        ),
    ],
)
def test_error_has_its_reason_and_remedy(case: Failure, reason: Reason, remedy: str) -> None:
    """Each way of AWS to say no is told apart, with what to change."""
    error = provider_error(case)

    assert error.reason is reason
    assert remedy in error.remedy
    assert (error.step, error.code, error.request_id) == (case.step, case.code, "id-1")
    assert error.region == "eu-west-1"


def test_denial_names_caller_action_and_resource() -> None:
    """Whoever reads the message knows who may not do what on which secret, and why."""
    text = str(provider_error(failure("AccessDeniedException", NO_POLICY)))

    for part in (USER, "secretsmanager:GetSecretValue", SECRET, "no identity-based policy"):
        assert part in text


@pytest.mark.parametrize(
    "text",
    [
        f"Invalid token: {CANARY}",
        f"User: {CANARY} is not authorized to perform: {CANARY} on resource: {CANARY}",
        f"{NO_POLICY} {CANARY}",
        f"Credential={CANARY}/20260101/eu-west-1/sts/aws4_request",
    ],
)
def test_text_of_aws_never_passes_through(text: str) -> None:
    """Only an action and ARNs are taken of a message; the rest may repeat what was sent."""
    for code in ("AccessDeniedException", "ValidationException", "InvalidIdentityToken"):
        error = provider_error(failure(code, text))

        assert CANARY not in f"{error}{error!r}{error.remedy}{error.code}"


def test_bare_status_is_named_as_one() -> None:
    """A 403 of something that is not AWS says that it came without an error code."""
    assert "(HTTP 403 without an error code)" in str(provider_error(failure("", "", status=403)))
    assert "HTTP" not in str(provider_error(failure("AccessDeniedException", "", status=403)))


def test_code_is_cut_to_a_plain_word() -> None:
    """A server can put nothing else into a code, and a status is none."""
    assert plain_code("403") == ""
    assert plain_code("Access Denied\n<b>") == "AccessDeniedb"
    assert plain_code("x" * 100) == "x" * 64
