"""The SDK's own chain: the environment's credentials, asked for and never written down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from tests.injector.cycle.pod import READ_ALL
from tests.injector.tenant import ASSUME_ALL, Tenant, session_arn

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without any AWS setting of the machine."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def keys(world: AwsWorld, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's static keys in the environment; gives the user's ARN."""
    user = world.account().user("ci", READ_ALL, ASSUME_ALL)
    given = world.access_key(user)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given.secret)
    return user.arn


def test_environments_keys_read_secrets(world: AwsWorld, tenant: Tenant, keys: str) -> None:
    """Whoever asks for the SDK's chain gets what it finds."""
    world.put_secret("prod/db", "s3cret")
    fetched = tenant.fetch(tenant.store(auth="ambient"), DB)[0]

    assert fetched.error is None
    assert world.journal.principals("GetSecretValue") == (keys,)


def test_environments_sessions_are_never_written_down(
    world: AwsWorld, tenant: Tenant, keys: str
) -> None:
    """Neither the chain's credentials nor what was assumed from them is in a snapshot."""
    reader = tenant.reader("reader", keys)
    tenant.get(tenant.store(auth="ambient"))
    tenant.get(tenant.store(auth="ambient", assume_role=reader.arn))
    tenant.get(tenant.store())
    data = tenant.sessions.snapshot("uid", "hash")

    found = [record["principal"] for record in json.loads(data)["records"]]
    assert found == [session_arn(tenant.role)]
    assert world.journal.principals("AssumeRole") == (keys,)


def test_chain_exchanges_a_token_where_the_environment_says_so(
    world: AwsWorld, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the platform's own webhook sets is the SDK's to use; its session has an end."""
    ca = tmp_path / "ca.pem"
    ca.write_text(world.ca_pem)
    token = tenant.root / "sts.amazonaws.com"
    token.write_text(token.read_text().strip())  # botocore sends what is there
    monkeypatch.setenv("AWS_ROLE_ARN", tenant.role.arn)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "platform")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", world.endpoints["sts"])
    monkeypatch.setenv("AWS_CA_BUNDLE", str(ca))
    sessions = [tenant.get(tenant.store(auth="ambient")) for _ in range(3)]

    assert {tenant.who(one) for one in sessions} == {session_arn(tenant.role, "platform")}
    assert sessions[0].principal == "ambient:assume-role-with-web-identity"
    assert sessions[0].expires_at > tenant.time.now + 3000
    assert json.loads(tenant.sessions.snapshot("uid", "hash"))["records"] == []
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_empty_chain_says_what_ambient_needs(world: AwsWorld, tenant: Tenant) -> None:
    """No credentials anywhere: the remedy names the setting."""
    with pytest.raises(ProviderError, match="none was found") as caught:
        tenant.get(tenant.store(auth="ambient"))

    assert caught.value.reason is Reason.IDENTITY_DENIED
    assert "`aws.auth: ambient`" in caught.value.remedy
    assert world.journal.entries == ()


def test_failing_chain_is_named_by_type_only(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain's own clients may raise anything, with anything in the text."""
    monkeypatch.setenv("AWS_PROFILE", "canary-7f3a")

    with pytest.raises(ProviderError, match="no credentials: ProfileNotFound") as caught:
        tenant.get(tenant.store(auth="ambient"))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
