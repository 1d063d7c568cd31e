"""No identity of a process: nothing leaks in from the environment, out to it, or across."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.plan import Proxy
from injector.errors import InjectorError
from injector.identity.interface import Credentials
from injector.material import Material
from tests.injector.tenant import Tenant, sdk_of, session_arn
from tests.injector.transport.peer import Peer, reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.aws import AwsWorld

DB, URL = "aws-secretsmanager:prod/db", "aws-ssm:/prod/url"
ROUNDS = 20
CREDENTIALS = Credentials(Material(b"token"), "ASIAEXAMPLE", Material(b"secret"))


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Peer]:
    """A peer to which everything in the environment and in ~/.aws points."""
    with Peer(reply(b"trap")) as peer:
        config = tmp_path / "config"
        config.write_text(
            "[profile poisoned]\nregion = us-east-1\naws_access_key_id = AKIAPOISON\n"
            f"aws_secret_access_key = poison\nendpoint_url = {peer.url}\n"
            "[default]\nregion = us-east-2\naws_access_key_id = AKIAPOISON\n"
            f"aws_secret_access_key = poison\nendpoint_url = {peer.url}\n"
        )
        for name, value in {
            "AWS_PROFILE": "poisoned",
            "AWS_DEFAULT_PROFILE": "poisoned",
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(config),
            "AWS_ENDPOINT_URL": peer.url,
            "AWS_ENDPOINT_URL_STS": peer.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": peer.url,
            "AWS_ENDPOINT_URL_SSM": peer.url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{peer.url}/v1/credentials",
            "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/poison",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(config),
            "AWS_ACCESS_KEY_ID": "AKIAPOISON",
            "AWS_SECRET_ACCESS_KEY": "poison",
            "AWS_SESSION_TOKEN": "poison",
            "AWS_BEARER_TOKEN_SECRETSMANAGER": "poison",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_USE_FIPS_ENDPOINT": "true",
            "AWS_USE_DUALSTACK_ENDPOINT": "true",
            "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
            "AWS_CA_BUNDLE": "/nonexistent",
            "REQUESTS_CA_BUNDLE": "/nonexistent",
            "AWS_DATA_PATH": "/nonexistent",
            "AWS_RETRY_MODE": "legacy",
            "AWS_MAX_ATTEMPTS": "9",
            "AWS_SIGV4A_SIGNING_REGION_SET": "*",
            "HTTPS_PROXY": peer.url,
            "HTTP_PROXY": peer.url,
            "NO_PROXY": "",
        }.items():
            monkeypatch.setenv(name, value)
        yield peer


@pytest.mark.usefixtures("trap")
def test_environment_leaks_into_nothing(world: AwsWorld, tenant: Tenant, trap: Peer) -> None:
    """Profiles, endpoints, keys, proxies, trust of the pod: the plan alone decides."""
    world.put_secret("prod/db", "s3cret")
    world.put_parameter("/prod/url", "postgres://")
    tenant.associate()
    for settings in ({}, {"auth": "pod-identity"}):
        secrets = tenant.fetch(tenant.store(**settings), DB)
        parameters = tenant.fetch(tenant.store("aws-ssm", **settings), URL)
        assert [item.error for item in (*secrets, *parameters)] == [None, None]

    assert trap.connections == 0
    assert {entry.outcome for entry in world.journal.entries} == {"ok"}
    assert {entry.region for entry in world.journal.entries} == {"eu-west-1"}


def test_nothing_is_written_to_the_environment(world: AwsWorld, tenant: Tenant) -> None:
    """Logins and reads of every kind leave it as it was."""
    world.put_secret("prod/db", "s3cret")
    before = dict(os.environ)
    pod = tenant.associate()
    reader = tenant.reader("reader", tenant.role.arn, pod.arn)
    for auth in ("web-identity", "pod-identity"):
        fetched = tenant.fetch(tenant.store(auth=auth, assume_role=reader.arn), DB)[0]
        assert fetched.error is None

    assert dict(os.environ) == before


def test_two_identities_of_one_process_never_cross(
    world: AwsWorld, tenant: Tenant, tmp_path: Path
) -> None:
    """Two namespaces in turns and at once: each reads as itself, whoever came before."""
    world.put_secret("prod/db", "s3cret")
    other = Tenant(world, tmp_path, namespace="other")
    wrong: list[str] = []

    def run(one: Tenant, name: str) -> None:
        for _ in range(ROUNDS):
            session = one.get(one.store())
            if tenant.who(session) != session_arn(one.role, name):
                wrong.append(name)
            one.fetch(one.store(), DB)
            one.sessions.forget(one.key(one.store()))

    names = {"syrette-shop-web": tenant, "syrette-other-web": other}
    threads = [threading.Thread(target=run, args=(one, name)) for name, one in names.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    other.close()

    assert wrong == []
    principals = world.journal.principals("GetSecretValue")
    expected = {session_arn(one.role, name) for name, one in names.items()}
    assert {name: principals.count(name) for name in principals} == dict.fromkeys(expected, ROUNDS)


@pytest.mark.usefixtures("trap")
@pytest.mark.parametrize(
    ("service", "action", "region", "host"),
    [
        ("sts", "GetCallerIdentity", "eu-west-1", "sts.eu-west-1.amazonaws.com"),
        ("sts", "GetCallerIdentity", "us-east-1", "sts.us-east-1.amazonaws.com"),
        ("sts", "GetCallerIdentity", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("sts", "GetCallerIdentity", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        ("sts", "GetCallerIdentity", "us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
        ("sts", "GetCallerIdentity", "eu-new-9", "sts.eu-new-9.amazonaws.com"),
        (
            "secretsmanager",
            "DescribeSecret",
            "eu-west-1",
            "secretsmanager.eu-west-1.amazonaws.com",
        ),
        (
            "secretsmanager",
            "DescribeSecret",
            "cn-north-1",
            "secretsmanager.cn-north-1.amazonaws.com.cn",
        ),
        ("ssm", "GetParameters", "eu-west-1", "ssm.eu-west-1.amazonaws.com"),
        ("ssm", "GetParameters", "us-gov-east-1", "ssm.us-gov-east-1.amazonaws.com"),
    ],
)
def test_requests_go_to_the_regional_endpoint_through_the_plans_proxy(
    tenant: Tenant, service: str, action: str, region: str, host: str
) -> None:
    """The proxy of the plan sees the host of the service's own region, the early guess as well."""
    taken: dict[str, dict[str, Any]] = {
        "DescribeSecret": {"SecretId": "x"},
        "GetParameters": {"Names": ["/x"]},
    }
    parameters = taken.get(action, {})
    with Peer(reply(b"", "403 Forbidden")) as proxy:
        sessions = tenant.open(proxy=Proxy(https=f"http://127.0.0.1:{proxy.port}"))
        sdk = sdk_of(sessions)
        key = tenant.key(tenant.store(endpoints=(), region=region), region)
        sdk.expect(key, service, region, login=False)
        client = sdk.open(key, service, region, CREDENTIALS)
        with pytest.raises(InjectorError, match=f"answered 403 for {host}:443"):
            client.call(action, **parameters)

    asked = {request.split(b" ")[1].decode() for request in proxy.requests}
    assert asked == {f"{host}:443"}
