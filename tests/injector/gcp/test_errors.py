"""What a person reads when Google says no: reason, code, cure, and not a byte of its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from tests.injector.gcp.google import (
    ACCOUNT,
    CANARY,
    PROVIDER,
    TOKEN,
    GooglePod,
    oauth,
    refused,
    reply,
)
from worlds.server import Response

if TYPE_CHECKING:
    from injector.errors import ProviderError
    from injector.providers.interface import Fetched
    from tests.injector.gcp.google import Google

READ = "/secrets/db/versions/latest:access"
SUBJECT = "system:serviceaccount:shop:web"
PRINCIPAL = (
    f"principal://iam.googleapis.com/{PROVIDER.partition('/providers')[0]}/subject/{SUBJECT}"
)
DELEGATE = "hop@acme-shop.iam.gserviceaccount.com"


def failure(found: list[Fetched]) -> ProviderError:
    """Give the one error, after a look at what must not be in it."""
    (item,) = found
    error = item.error
    assert error is not None
    said = " ".join((repr(error), str(error), error.remedy, error.code, error.step))
    assert not any(secret in said for secret in (CANARY, TOKEN, "federated", "impersonated"))
    return error


@pytest.mark.parametrize(
    ("code", "text", "reason", "said", "cure"),
    [
        (
            "invalid_grant",
            "The audience in ID Token [other] does not match the expected audience.",
            Reason.IDENTITY_DENIED,
            f"has the audience https://iam.googleapis.com/{PROVIDER}",
            "--allowed-audiences",
        ),
        (
            "invalid_target",
            'The target service indicated by the "audience" parameters is invalid.',
            Reason.IDENTITY_DENIED,
            "its pool is disabled or deleted",
            "gcp.workload-identity-provider",
        ),
        (
            "unauthorized_client",
            "The given credential is rejected by the attribute condition.",
            Reason.IDENTITY_DENIED,
            "attribute condition",
            SUBJECT,
        ),
        (
            "invalid_grant",
            "ID Token issued at 1 is stale to sign-in.",
            Reason.TOKEN_UNAVAILABLE,
            "has expired",
            "clock",
        ),
        (
            "invalid_grant",
            "Error connecting to the given credential's issuer.",
            Reason.IDENTITY_DENIED,
            "cannot fetch the keys",
            "--jwk-json-path",
        ),
        (
            "invalid_grant",
            "The issuer in ID Token x does not match the expected ones: y",
            Reason.IDENTITY_DENIED,
            "tokens of this cluster's issuer",
            "openid-configuration",
        ),
        ("odd", "whatever", Reason.IDENTITY_DENIED, "does not accept", "issuer"),
    ],
)
def test_a_refused_exchange_says_what_to_change(  # noqa: PLR0913, PLR0917 - one row of a table
    google: Google,
    pod: GooglePod,
    code: str,
    text: str,
    reason: Reason,
    said: str,
    cure: str,
) -> None:
    """Each refusal of STS has our words and its cure."""
    google.say("/v1/token", oauth(code, text))
    error = failure(pod.read(pod.federated(), "db"))

    assert (error.reason, error.code, error.step) == (reason, code, "token exchange")
    assert said in str(error)
    assert cure in error.remedy


def test_an_audience_of_ones_own_is_named_as_sent(google: Google, pod: GooglePod) -> None:
    """What was sent and what is expected stand side by side."""
    google.say("/v1/token", oauth("invalid_grant", "The audience in ID Token [x] does not match"))
    error = failure(pod.read(pod.federated(audience="acme"), "db"))

    assert "the token has the audience acme" in str(error)
    assert f"expects https://iam.googleapis.com/{PROVIDER}" in str(error)


def test_a_missing_workload_identity_user_is_given_its_command(
    google: Google, pod: GooglePod
) -> None:
    """The command can be copied, with the member as IAM writes it."""
    google.say(":generateAccessToken", refused(403, "PERMISSION_DENIED", reason="IAM_X"))
    error = failure(pod.read(pod.federated(service_account=ACCOUNT), "db"))

    assert (error.reason, error.code) == (Reason.IDENTITY_DENIED, "IAM_X")
    assert error.remedy == (
        f"gcloud iam service-accounts add-iam-policy-binding {ACCOUNT} "
        f'--role=roles/iam.workloadIdentityUser --member="{PRINCIPAL}"'
    )


def test_a_chain_of_delegates_names_the_binding_of_each_link(
    google: Google, pod: GooglePod
) -> None:
    """Google does not say which one is missing, so each is given."""
    google.say(":generateAccessToken", refused(403, "PERMISSION_DENIED"))
    store = pod.federated(service_account=ACCOUNT, delegates=(DELEGATE,))
    error = failure(pod.read(store, "db"))

    creator = "--role=roles/iam.serviceAccountTokenCreator"
    assert f'{DELEGATE} {creator} --member="{PRINCIPAL}"' in error.remedy
    assert f'{ACCOUNT} {creator} --member="serviceAccount:{DELEGATE}"' in error.remedy


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refused(404, "NOT_FOUND"), f"there is no service account {ACCOUNT}"),
        (refused(400, "FAILED_PRECONDITION"), f"the service account {ACCOUNT} is disabled"),
        (refused(400, "INVALID_ARGUMENT"), f"token of {ACCOUNT} invalid"),
    ],
)
def test_an_account_that_is_not_there_is_no_absent_secret(
    google: Google, pod: GooglePod, answer: Response, said: str
) -> None:
    """An optional secret must not be left out because the login failed."""
    google.say(":generateAccessToken", answer)
    error = failure(pod.read(pod.federated(service_account=ACCOUNT), "db"))

    assert error.reason is Reason.IDENTITY_DENIED
    assert said in str(error)


def test_a_disabled_api_is_named_with_its_project(google: Google, pod: GooglePod) -> None:
    """Google tells both in the details."""
    google.say(
        READ,
        refused(
            403,
            "PERMISSION_DENIED",
            reason="SERVICE_DISABLED",
            service="secretmanager.googleapis.com",
            consumer="projects/123456",
        ),
    )
    error = failure(pod.read(pod.federated(), "db"))

    assert error.code == "SERVICE_DISABLED"
    assert "secretmanager.googleapis.com is disabled in the project 123456" in str(error)
    assert error.remedy == "gcloud services enable secretmanager.googleapis.com --project=123456"


def test_a_denied_read_says_that_the_secret_may_not_exist(google: Google, pod: GooglePod) -> None:
    """Google says the same of both; the command is given, with the location of a regional one."""
    google.say(READ, refused(403, "PERMISSION_DENIED", reason="IAM_PERMISSION_DENIED"))
    error = failure(pod.read(pod.federated(), "db?region=europe-west3"))

    assert error.reason is Reason.ACCESS_DENIED
    assert f"{PRINCIPAL} may not read" in str(error)
    assert "or it does not exist" in str(error)
    assert error.remedy == (
        "gcloud secrets add-iam-policy-binding db --project=acme-shop --location=europe-west3 "
        f'--role=roles/secretmanager.secretAccessor --member="{PRINCIPAL}"'
    )


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        (refused(404, "NOT_FOUND"), Reason.NOT_FOUND, "there is no projects/acme-shop/secrets/db"),
        (
            refused(400, "FAILED_PRECONDITION", "Secret Version [x] is in DISABLED state."),
            Reason.NOT_FOUND,
            "version latest is disabled",
        ),
        (
            refused(400, "FAILED_PRECONDITION", "Secret Version [x] is in DESTROYED state."),
            Reason.NOT_FOUND,
            "version latest is destroyed",
        ),
        (refused(400, "INVALID_ARGUMENT"), Reason.INVALID_REQUEST, "invalid"),
        (refused(503, "UNAVAILABLE"), Reason.UNAVAILABLE, "failed"),
        (refused(403, "X", reason="BILLING_DISABLED"), Reason.ACCESS_DENIED, "billing"),
        (refused(403, "X", reason="USER_PROJECT_DENIED"), Reason.ACCESS_DENIED, "quota project"),
        (
            refused(403, "X", reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            Reason.ACCESS_DENIED,
            "scope",
        ),
        (refused(403, "X", reason="SECURITY_POLICY_VIOLATED"), Reason.ACCESS_DENIED, "perimeter"),
    ],
)
def test_every_refusal_of_a_read_has_its_reason(
    google: Google, pod: GooglePod, answer: Response, reason: Reason, said: str
) -> None:
    """A disabled and a destroyed version are told apart."""
    google.say(READ, answer)
    error = failure(pod.read(pod.federated(), "db"))

    assert error.reason is reason
    assert said in str(error)


def test_throttling_waits_as_long_as_google_asks(google: Google, pod: GooglePod) -> None:
    """`Retry-After` is honoured, and the reason is kept when it stays."""
    google.say(READ, reply({"error": {"status": "RESOURCE_EXHAUSTED"}}, 429, Retry_After="3"))
    error = failure(pod.read(pod.federated(), "db"))

    assert (error.reason, error.code, error.pause) == (
        Reason.THROTTLED,
        "RESOURCE_EXHAUSTED",
        3.0,
    )
    assert min(pod.time.slept) >= 3.0


def test_a_redirect_takes_the_token_nowhere(google: Google, pod: GooglePod) -> None:
    """A 302 to another host is an answer like any other, and not one that is obeyed."""
    google.say(READ, Response(302, b"", {"Location": f"{google.url}/stolen"}))
    error = failure(pod.read(pod.federated(), "db"))

    assert error.reason is Reason.UNAVAILABLE
    assert google.asked("/stolen") == []


@pytest.mark.parametrize(
    "error",
    [
        [],
        {"details": 3, "status": ["x"], "message": 4},
        {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": CANARY}]},
        {
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "SERVICE_DISABLED",
                    "metadata": {"service": f"x {CANARY}", "consumer": f"projects/X {CANARY}"},
                }
            ]
        },
        {"status": f"{CANARY} " * 99},
        CANARY,
    ],
)
def test_a_hostile_error_document_says_nothing(
    google: Google,
    pod: GooglePod,
    error: Any,  # noqa: ANN401 - of JSON
) -> None:
    """Only plain words and Google's own names pass."""
    google.say(READ, reply({"error": error, "error_description": 5}, 403))

    assert failure(pod.read(pod.federated(), "db")).reason is Reason.ACCESS_DENIED
