"""One AWS client: whatever is raised beneath it, callers meet our errors only."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from injector.aws import endpoints
from injector.aws.client import AwsClient
from injector.aws.sdk import DATA
from injector.contract.reasons import Reason
from injector.contract.stores import Hop
from injector.errors import ProviderError
from injector.identity import aws
from injector.retry import Retry
from tests.injector.tenant import sdk_of
from worlds import faults

if TYPE_CHECKING:
    from tests.injector.tenant import Tenant
    from worlds.aws import AwsWorld

CANARY = "canary-7f3a"


def client(error: Exception) -> AwsClient:
    """A client whose SDK raises."""

    def invoke(_action: str, _parameters: dict[str, Any], _until: float) -> dict[str, Any]:
        raise error

    return AwsClient("eu-west-1", invoke, Retry(sleep=lambda _: None))


@pytest.mark.parametrize("error", [KeyError(CANARY), RuntimeError(CANARY), OSError(CANARY)])
def test_unknown_exception_is_named_by_its_type_only(error: Exception) -> None:
    """Its text may hold anything, so nothing of it passes: neither as text nor as context."""
    with pytest.raises(ProviderError, match=f"botocore: {type(error).__name__}") as caught:
        client(error).call("GetSecretValue")

    assert caught.value.reason is Reason.INTERNAL
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_request_id_is_a_plain_word() -> None:
    """What a server puts there cannot break a line or a log."""

    class Refused(Exception):  # noqa: N818 - as botocore's, with the reply
        response: dict[str, Any] = {  # noqa: RUF012 - of the fake
            "Error": {"Code": "AccessDeniedException", "Message": CANARY},
            "ResponseMetadata": {"HTTPHeaders": {"x-amzn-requestid": f"id-1\n<{'x' * 100}>"}},
        }

    with pytest.raises(ProviderError, match="access denied") as caught:
        client(Refused()).call("GetSecretValue")

    assert caught.value.request_id.startswith("id-1xxx")
    assert len(caught.value.request_id) == 64


def test_parameter_that_the_api_never_takes_is_not_sent(world: AwsWorld, tenant: Tenant) -> None:
    """The SDK knows how long a version id is: the reference is what has to change."""
    fetched = tenant.fetch(tenant.store(), "aws-secretsmanager:prod/db?version=short")[0]

    assert fetched.error is not None
    assert fetched.error.reason is Reason.INVALID_REQUEST
    assert "reference's name and options" in fetched.error.remedy
    assert world.journal.count("GetSecretValue") == 0


def test_region_of_no_partition_has_no_guess(tenant: Tenant) -> None:
    """No connection is opened early to a host that is made up."""
    assert endpoints.guess(DATA, "sts", "nowhere") == ""

    sdk = sdk_of(tenant.sessions)
    sdk.expect(tenant.key(tenant.store(endpoints=()), "nowhere"), "ssm", "nowhere", login=True)
    assert sdk.transport._openings == {}


def test_role_without_a_source_is_a_defect_and_no_login(world: AwsWorld, tenant: Tenant) -> None:
    """Nobody assumes a role with nothing."""
    key = tenant.key(tenant.store(assume_role=tenant.reader("reader").arn))
    login = aws.logins(sdk_of(tenant.sessions), tenant.time)["assume-role"]

    with pytest.raises(ProviderError, match="with a source") as caught:
        login(key, None)
    assert caught.value.reason is Reason.INTERNAL
    assert world.journal.entries == ()


def test_role_that_cannot_be_assumed_for_a_while_is_no_trust_problem(
    world: AwsWorld, tenant: Tenant
) -> None:
    """STS that stays down says that, and nothing of policies."""
    world.faults.add(faults.status(503), on="AssumeRole")
    with pytest.raises(ProviderError, match="the service failed") as caught:
        tenant.get(tenant.store(assume_role=Hop(tenant.reader("reader").arn)))

    assert caught.value.reason is Reason.UNAVAILABLE
    assert "trust" not in caught.value.remedy
