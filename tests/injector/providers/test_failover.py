"""The failover region: asked for what may pass in the primary, and for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector import init
from injector.contract.reasons import Reason
from injector.diagnostics import Log
from tests.injector.cycle.pod import Pod, file, machine
from tests.injector.providers.backends import BACKENDS, Backend
from tests.injector.tenant import Tenant, read
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from injector.contract.stores import Store
    from worlds.aws import AwsWorld

SECOND = "eu-central-1"


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each provider in turn."""
    return BACKENDS[request.param]


@pytest.fixture
def store(world: AwsWorld, tenant: Tenant, backend: Backend) -> Store:
    """A store with a second region, and the secret in both."""
    if backend.service == "ssm":
        world.put_parameter("/prod/db", "first")
        world.put_parameter("/prod/db", "second", region=SECOND)
    else:
        world.put_secret("prod/db", "first")
        world.put_secret("prod/db", "second", region=SECOND)
    return tenant.store(backend.provider, failover_region=SECOND)


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(503),
        faults.status(500),
        faults.throttled(),
        faults.reset(),
        faults.truncated(),
    ],
    ids=lambda fault: fault.name,
)
def test_what_may_pass_is_asked_of_the_second_region(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store, fault: faults.Fault
) -> None:
    """5xx, throttling and broken connections of the primary: the replica serves, and says so."""
    world.faults.add(fault, on=backend.service, region="eu-west-1")
    fetched = tenant.fetch(store, backend.reference)[0]

    assert fetched.material is not None
    assert fetched.material.reveal() == b"second"
    assert fetched.served_by == SECOND
    assert str(fetched.reference) == backend.reference


@pytest.mark.parametrize("where", ["eu-west-1", SECOND])
def test_healthy_primary_is_the_only_one_asked(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store, where: str
) -> None:
    """A second region that is down, slow or forbidden never hurts."""
    if where == SECOND:
        world.go_down(region=SECOND)
    fetched = tenant.fetch(store, backend.reference)[0]

    assert fetched.served_by == "eu-west-1"
    assert {entry.region for entry in world.journal.entries} == {"eu-west-1"}


def test_definite_no_of_the_primary_is_final(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store
) -> None:
    """Absent or denied there is absent or denied: no other region is asked."""
    absent = tenant.fetch(store, backend.absent)[0]
    tenant.role.set_policies()
    denied = tenant.fetch(store, backend.reference)[0]

    assert [item.error and item.error.reason for item in (absent, denied)] == [
        Reason.NOT_FOUND,
        Reason.ACCESS_DENIED,
    ]
    assert {entry.region for entry in world.journal.entries} == {"eu-west-1"}


@pytest.mark.parametrize(
    "skew",
    [
        pytest.param(600.0, id="clock"),
        pytest.param(0.0, id="token"),
    ],
)
def test_faults_of_the_pod_itself_move_nothing_to_another_region(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store, skew: float
) -> None:
    """A clock that differs and a token that is not there are the same everywhere."""
    world.skew = skew
    if not skew:
        (tenant.root / "sts.amazonaws.com").unlink()
    fetched = tenant.fetch(store, backend.reference)[0]

    assert fetched.error is not None
    assert fetched.error.reason in {Reason.CLOCK_SKEW, Reason.TOKEN_UNAVAILABLE}
    assert {entry.region for entry in world.journal.entries} <= {"eu-west-1"}


def test_both_regions_failing_are_both_named(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store
) -> None:
    """Each region's own cause: a definite no of the second has its remedy first."""
    world.faults.add(faults.status(503), on=backend.service, region="eu-west-1")
    order = world.faults.add(faults.error("AccessDeniedException"), on=backend.service)
    denied = tenant.fetch(store, backend.reference)[0].error
    world.faults.cancel(order)
    world.faults.add(faults.throttled(), on=backend.service)
    down = tenant.fetch(store, backend.reference)[0].error
    assert denied is not None
    assert down is not None

    assert denied.reason is down.reason is Reason.UNAVAILABLE
    assert "eu-west-1: the service failed" in str(denied)
    assert f"{SECOND}: access denied" in str(denied)
    assert "AccessDeniedException" in str(denied)
    assert "identity policy" in denied.remedy
    assert f"{SECOND}: the service asked to slow down" in str(down)


def test_login_of_the_primary_serves_the_second(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store
) -> None:
    """Credentials are good in every region: a region's outage costs no second login."""
    world.faults.add(faults.status(503), on=backend.service, region="eu-west-1")
    tenant.fetch(store, backend.reference)

    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_login_that_fails_for_a_while_is_made_in_the_second(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store
) -> None:
    """The primary's STS is down through all attempts: login and read both move."""
    world.faults.add(faults.status(503), on="sts", times=4)
    fetched = tenant.fetch(store, backend.reference)[0]

    assert fetched.served_by == SECOND
    assert world.journal.count("AssumeRoleWithWebIdentity") == 5
    assert {entry.region for entry in world.journal.calls(service=backend.service)} == {SECOND}


def test_refused_login_is_final(
    world: AwsWorld, tenant: Tenant, backend: Backend, store: Store
) -> None:
    """Who is not trusted is not trusted in the second region either."""
    world.faults.add(faults.error("AccessDenied", status=403), on="sts")
    fetched = tenant.fetch(store, backend.reference)[0]

    assert fetched.error is not None
    assert fetched.error.reason is Reason.IDENTITY_DENIED
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_arn_is_moved_to_the_replica(world: AwsWorld, tenant: Tenant) -> None:
    """A replica's ARN differs in the region only."""
    arn = world.put_secret("prod/rep", "same", replicas=[SECOND]).arn
    world.faults.add(faults.status(503), on="secretsmanager", region="eu-west-1")
    fetched = tenant.fetch(tenant.store(failover_region=SECOND), f"aws-secretsmanager:{arn}")[0]

    assert fetched.served_by == SECOND
    assert str(fetched.reference) == f"aws-secretsmanager:{arn}"
    assert world.journal.calls("GetSecretValue")[-1].resources == (
        arn.replace("eu-west-1", SECOND),
    )


def test_only_what_failed_is_asked_again(world: AwsWorld, tenant: Tenant) -> None:
    """Two secrets singly, one of them fails: the other's value stays the primary's."""
    for region in ("eu-west-1", SECOND):
        world.put_secret("prod/a", region, region=region)
        world.put_secret("prod/b", region, region=region)
    world.faults.add(faults.status(503), on="GetSecretValue", region="eu-west-1", times=4)
    asked = ["aws-secretsmanager:prod/a?stage=AWSCURRENT&region=eu-west-1"]
    store = tenant.store(failover_region=SECOND, batch="never")
    first = tenant.fetch(store, *asked)[0]
    second = tenant.fetch(store, "aws-secretsmanager:prod/b")[0]

    assert (first.served_by, second.served_by) == (SECOND, "eu-west-1")


def test_denials_of_the_primary_are_remembered(world: AwsWorld, tenant: Tenant) -> None:
    """A batch that was refused before the second region served is not asked for again."""
    for region in ("eu-west-1", SECOND):
        for name in ("prod/a", "prod/b"):
            world.put_secret(name, region, region=region)
    refused = faults.error("AccessDeniedException")
    world.faults.add(refused, on="BatchGetSecretValue", region="eu-west-1")
    world.faults.add(faults.status(503), on="GetSecretValue", region="eu-west-1")
    asked = ["aws-secretsmanager:prod/a", "aws-secretsmanager:prod/b"]
    fetched = tenant.fetch(tenant.store(failover_region=SECOND), *asked)

    assert [item.served_by for item in fetched] == [SECOND] * 2
    assert [item.remembered for item in fetched] == [("BatchGetSecretValue",)] * 2


def test_version_of_the_second_region_is_known_for_it_alone(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Parameter Store counts versions by region: going back to the primary reads its value."""
    world.put_parameter("/prod/url", "first")
    world.put_parameter("/prod/url", "second", region=SECOND)
    store = tenant.store("aws-ssm", failover_region=SECOND)
    order = world.faults.add(faults.status(503), on="ssm", region="eu-west-1")
    away = tenant.fetch(store, "aws-ssm:/prod/url")[0]
    still = tenant.fetch(store, read("aws-ssm:/prod/url", away.version, away.served_by))[0]
    world.faults.cancel(order)
    back = tenant.fetch(store, read("aws-ssm:/prod/url", away.version, away.served_by))[0]

    assert (away.version, still.unchanged) == ("1", True)
    assert (back.version, back.served_by) == ("1", "eu-west-1")
    assert back.material is not None
    assert back.material.reveal() == b"first"


def test_the_report_names_the_region_that_served(
    world: AwsWorld, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The log of the init container says that it was not the primary."""
    world.put_secret("prod/db", "first", replicas=[SECOND])
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"))
    pod.plan = pod.with_stores(**{"failover-region": SECOND})
    world.faults.add(faults.status(503), on="secretsmanager", region="eu-west-1")
    with machine(pod.time) as here:
        outcome = init.run(pod.settings, Log("info"), here)

    assert outcome.exit_code == 0
    assert "served by the failover region" in capfd.readouterr().err
    assert pod.status["reads"]["aws-secretsmanager:prod/db"]["region"] == SECOND
