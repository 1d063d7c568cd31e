"""
The session cache on the AWS world: who asked for each AssumeRole, by the world's own journal.

Two gets pass on a cache that stores what callers change (External Secrets Operator, issues 2376
and 4478), and a permissive trust lets a wrong source succeed silently: so there are at least three
gets in each test, each by a caller that does to its session what that one did, and what counts is
the source of every AssumeRole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from injector.identity.keys import session_key
from tests.injector.tenant import ASSUME_ALL, Tenant, allowing, session_arn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from injector.identity.interface import Session, SessionKey
    from worlds.aws import AwsWorld
    from worlds.aws.identities import Role

QUARTER = 900.0
"""Seconds: what a hop lives here, while its source lives an hour and stays in the cache."""
SHORT = {"duration": "900"}


def carelessly(tenant: Tenant, key: SessionKey) -> Session:
    """Get a session, and put its credentials into every session that it was derived from."""
    session = tenant.sessions.get(key)
    source = key.source
    while source is not None:
        spoilt = tenant.sessions.get(source)
        spoilt.credentials, spoilt.principal = session.credentials, session.principal
        spoilt.key = key
        source = source.source
    return session


def test_a1_every_assume_role_comes_from_the_base(world: AwsWorld, tenant: Tenant) -> None:
    """Each new login of a role is made with the base's credentials, never with the role's own."""
    reader = tenant.reader("reader")
    reader.set_trust(_trusting_also_itself(tenant, "reader"))
    key = tenant.key(tenant.store(assume_role=reader.arn, **SHORT))
    for _ in range(3):
        carelessly(tenant, key)
        tenant.pass_time(QUARTER)

    assert world.journal.principals("AssumeRole") == (session_arn(tenant.role),) * 3
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_a1_gets_of_a_live_role_make_one_login(world: AwsWorld, tenant: Tenant) -> None:
    """Within its life a role is assumed once, from the base."""
    key = tenant.key(tenant.store(assume_role=tenant.reader("reader").arn))
    sessions = [carelessly(tenant, key) for _ in range(5)]

    assert world.journal.principals("AssumeRole") == (session_arn(tenant.role),)
    assert {tenant.who(session) for session in sessions} == {
        session_arn(world.account().roles["arn:aws:iam::111122223333:role/reader"])
    }


def test_a2_each_hop_of_a_chain_comes_from_the_one_before(world: AwsWorld, tenant: Tenant) -> None:
    """Base to r1 to r2 to r3, three times: the first hop always from the base."""
    chain: list[Role] = []
    for name in ("r1", "r2", "r3"):
        sources = [role.arn for role in (tenant.role, *chain)]
        role = tenant.reader(name, *sources)
        role.set_trust(_trusting_also_itself(tenant, name, *sources, *_arns(3)))
        chain.append(role)
    key = tenant.key(tenant.store(assume_role=[role.arn for role in chain], **SHORT))
    for _ in range(3):
        carelessly(tenant, key)
        tenant.pass_time(QUARTER)

    hops = tuple(session_arn(role) for role in (tenant.role, *chain[:-1]))
    assert world.journal.principals("AssumeRole") == hops * 3
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_a5_two_roles_interleaved_never_cross(world: AwsWorld, tenant: Tenant) -> None:
    """X and Y of one base by turns: each from the base, each with its own credentials."""
    roles = [tenant.reader(name) for name in ("x", "y")]
    for role in roles:
        role.set_trust(_trusting_also_itself(tenant, "x", "y"))
    keys = [tenant.key(tenant.store(assume_role=role.arn, **SHORT)) for role in roles]
    got = []
    for _ in range(3):
        got += [tenant.who(carelessly(tenant, key)) for key in keys]
        tenant.pass_time(QUARTER)

    assert got == [session_arn(role) for role in roles] * 3
    assert world.journal.principals("AssumeRole") == (session_arn(tenant.role),) * 6


def test_a6_one_store_in_two_namespaces_is_two_logins(
    world: AwsWorld, tenant: Tenant, other: Tenant
) -> None:
    """The same store for two namespaces: each is who it is, whatever the cache already holds."""
    role = tenant.role
    role.set_trust(_trusting_service_accounts(world, "shop:web", "other:web"))
    store = tenant.store(session_name="fixed")
    keys = [session_key(store, one.identity, "eu-west-1") for one in (tenant, other)]
    for _ in range(3):
        tenant.sessions.get(keys[0])
    other.sessions.restore(tenant.sessions.snapshot("uid", "plan"), "uid", "plan")
    for _ in range(3):
        other.sessions.get(keys[1])

    assert other.sessions.holds(keys[0])
    assert world.journal.principals("AssumeRoleWithWebIdentity") == (
        "system:serviceaccount:shop:web",
        "system:serviceaccount:other:web",
    )


FULL: dict[str, Any] = {
    "external_id": "acme",
    "session_tags": (("team", "payments"),),
    "transitive_tags": ("team",),
    "session_policy": json.dumps(allowing("secretsmanager:GetSecretValue")),
    "session_name": "mine",
    "duration": "1800",
}


@pytest.mark.parametrize(
    ("changed", "logins"),
    [
        ({"role_arn": "arn:aws:iam::111122223333:role/second"}, 2),
        ({"audience": "other.example"}, 2),
        ({"external_id": "other"}, 1),
        ({"session_tags": (("team", "sales"),)}, 1),
        ({"transitive_tags": ()}, 1),
        ({"session_policy": ""}, 1),
        ({"session_name": "yours"}, 2),
        ({"duration": "900"}, 1),
        ({"region": "eu-central-1"}, 2),
        ({"endpoints": "of the region"}, 2),
        ({"ca_bundle": "the world's own"}, 2),
        ({"assume_role": "arn:aws:iam::111122223333:role/r2"}, 1),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a7_any_change_of_an_input_is_a_login_of_its_own(
    world: AwsWorld, tenant: Tenant, changed: dict[str, Any], logins: int
) -> None:
    """Role, audience, external id, tag, policy, name, region, endpoint, trust: each is a miss."""
    _make_a7(world, tenant)
    reader = "arn:aws:iam::111122223333:role/r1"
    first = tenant.store(assume_role=reader, **FULL)
    for _ in range(3):
        tenant.get(first)
    before = len(world.journal.entries)
    if "endpoints" in changed:
        regional = {**world.endpoints, "sts": world.endpoint("sts", "eu-west-1")}
        changed = {"endpoints": tuple(sorted(regional.items()))}
    if "ca_bundle" in changed:
        changed = {"ca_bundle": world.ca_pem}
    second = tenant.store(**{"assume_role": reader, **FULL, **changed})
    region = second.text("region")
    for _ in range(3):
        tenant.sessions.get(tenant.key(second, region))
        tenant.get(first)

    assert [entry.outcome for entry in world.journal.entries] == ["ok"] * (before + logins)


def test_a7_another_pod_is_another_pod_identity_login(world: AwsWorld, tenant: Tenant) -> None:
    """Under Pod Identity the pod's name is on the session: two pods share none."""
    tenant.associate()
    store = tenant.store(auth="pod-identity")
    for pod in ("web-1", "web-2", "web-1"):
        identity = tenant.identity
        key = session_key(store, type(identity)("shop", "web", pod, str(tenant.root)), "eu-west-1")
        tenant.sessions.get(key)

    assert world.journal.count("AssumeRoleForPodIdentity") == 2


def test_a8_replaced_static_keys_are_used_at_the_next_get(
    world: AwsWorld, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of the environment that are exchanged are never answered from memory."""
    users = [world.account().user(name, ASSUME_ALL) for name in ("one", "two", "three")]
    reader = tenant.reader("reader", *(user.arn for user in users))
    key = tenant.key(tenant.store(auth="ambient", assume_role=reader.arn))
    for user in users:
        keys = world.access_key(user)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret)
        carelessly(tenant, key)

    assert world.journal.principals("AssumeRole") == tuple(user.arn for user in users)


def test_a12_rotated_token_is_sent_at_the_next_exchange(world: AwsWorld, tenant: Tenant) -> None:
    """A new token in the file changes nothing before the session ends, and is the one sent then."""
    subjects = ("shop:web", "shop:web2", "shop:web3")
    tenant.role.set_trust(_trusting_service_accounts(world, *subjects))
    exchanges = []
    for subject in subjects:
        tenant.project(service_account=subject.partition(":")[2])
        for _ in range(3):
            tenant.get(tenant.store())
        exchanges.append(world.journal.count("AssumeRoleWithWebIdentity"))
        tenant.project(service_account="stranger")
        tenant.get(tenant.store())
        tenant.pass_time(3600)

    assert exchanges == [1, 2, 3]
    assert world.journal.principals("AssumeRoleWithWebIdentity") == tuple(
        f"system:serviceaccount:{subject}" for subject in subjects
    )


def test_a13_role_of_the_pod_itself_is_skipped_with_a_warning(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Under web identity a self-assume is seen beforehand: no AssumeRole, and a word about it."""
    world.put_secret("prod/db", "s3cret")
    store = tenant.store(assume_role=tenant.role.arn)
    fetched = [tenant.fetch(store, "aws-secretsmanager:prod/db")[0] for _ in range(3)]

    assert world.journal.count("AssumeRole") == 0
    assert [item.error for item in fetched] == [None] * 3
    assert "is not assumed again" in fetched[0].warnings[0]


def test_a13_role_of_the_same_name_elsewhere_is_assumed(world: AwsWorld, tenant: Tenant) -> None:
    """Another account's role of the same name is another role."""
    theirs = tenant.reader("web", account="444455556666")
    key = tenant.key(tenant.store(assume_role=theirs.arn))
    sessions = [carelessly(tenant, key) for _ in range(3)]

    assert {tenant.who(session) for session in sessions} == {session_arn(theirs)}
    assert world.journal.principals("AssumeRole") == (session_arn(tenant.role),)


def test_a15_two_bases_and_one_role_are_two_logins(world: AwsWorld, tenant: Tenant) -> None:
    """The same role assumed by two identities of one process: never each other's credentials."""
    second = tenant.web_identity_role("second")
    reader = tenant.reader("reader", tenant.role.arn, second.arn)
    stores = [
        tenant.store(assume_role=reader.arn, role_arn=base.arn) for base in (tenant.role, second)
    ]
    sessions = [tenant.get(store) for _ in range(3) for store in stores]

    assert world.journal.principals("AssumeRole") == (
        session_arn(tenant.role),
        session_arn(second),
    )
    ids = [session.credentials.access_key_id for session in sessions]
    assert ids == ids[:2] * 3
    assert ids[0] != ids[1]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS setting of the machine."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def other(world: AwsWorld, tmp_path: Path) -> Iterator[Tenant]:
    """The service account `web` of the namespace `other`."""
    one = Tenant(world, tmp_path, namespace="other")
    yield one
    one.close()


def _arns(count: int) -> list[str]:
    return [f"arn:aws:iam::111122223333:role/r{number + 1}" for number in range(count)]


def _trusting_also_itself(tenant: Tenant, *names: str) -> dict[str, Any]:
    """Write a trust that would hide a wrong source, since it lets the roles assume themselves."""
    arns = [name if ":" in name else f"arn:aws:iam::111122223333:role/{name}" for name in names]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": sorted({tenant.role.arn, *arns})},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _trusting_service_accounts(world: AwsWorld, *subjects: str) -> dict[str, Any]:
    issuer = world.issuer
    audiences = ["sts.amazonaws.com", "other.example"]
    named = [f"system:serviceaccount:{subject}" for subject in subjects]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": world.account().provider_arn(issuer)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{issuer.host}:aud": audiences, f"{issuer.host}:sub": named}
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _make_a7(world: AwsWorld, tenant: Tenant) -> None:
    """Make every role, token and audience that a changed input of A7 names."""
    audiences = ("sts.amazonaws.com", "other.example")
    world.account().trust_issuer(world.issuer, audiences)
    second = tenant.web_identity_role("second")
    for role in (tenant.role, second):
        role.set_trust(_trusting_service_accounts(world, "shop:web"))
    for name in ("r1", "r2"):
        tenant.reader(name, tenant.role.arn, second.arn)
    tenant.project("other.example")
