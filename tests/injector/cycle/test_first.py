"""The first cycle: everything or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from injector.contract import names
from injector.contract.reasons import ExitCode
from tests.injector.cycle.pod import Pod, file, item, variable
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from worlds.aws import AwsWorld

TWO_SOURCES = item(
    "conf.ini",
    "{{ db.password }} {{ ca }}",
    db="aws-secretsmanager:prod/db",
    ca="aws-ssm:/shared/ca",
)


def test_one_file_secret_arrives(world: AwsWorld, tmp_path: Path) -> None:
    """The init container logs in, reads one secret and publishes it."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"))

    assert pod.init().exit_code == 0
    assert pod.read("prod/db") == "s3cret"
    assert world.journal.actions() == ("AssumeRoleWithWebIdentity", "GetSecretValue")


def test_twenty_secrets_are_two_requests_on_two_connections(
    world: AwsWorld, tmp_path: Path
) -> None:
    """One login and one batch."""
    for number in range(20):
        world.put_secret(f"prod/{number}", f"value-{number}")
    secrets = [file(f"aws-secretsmanager:prod/{number}") for number in range(20)]
    pod = Pod(world, tmp_path, *secrets)

    assert pod.init().exit_code == 0
    assert pod.read("prod/19") == "value-19"
    assert world.journal.actions() == ("AssumeRoleWithWebIdentity", "BatchGetSecretValue")
    assert world.connections <= 2


def test_references_equal_up_to_the_selector_are_one_read(world: AwsWorld, tmp_path: Path) -> None:
    """User and password of one secret belong together wherever they stand."""
    world.put_secret("prod/db", '{"user": "web", "password": "s3cret"}')
    reference = "aws-secretsmanager:prod/db"
    pod = Pod(
        world,
        tmp_path,
        file(f"{reference}#user", "user"),
        file(f"{reference}#password", "password"),
        variable(f"{reference}#user", "PGUSER"),
    )

    assert pod.init().exit_code == 0
    assert (pod.read("user"), pod.read("password")) == ("web", "s3cret")
    assert pod.read("env/app.env", names.ENV_VOLUME) == "PGUSER='web'\n"
    assert world.journal.count("GetSecretValue") == 1


def test_two_stores_are_one_login(world: AwsWorld, tmp_path: Path) -> None:
    """Stores with equal identities share the session, though they are read at the same time."""
    world.put_secret("prod/db", "s3cret")
    world.put_parameter("/prod/url", "postgres://")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"), file("aws-ssm:/prod/url", "url"))

    assert pod.init().exit_code == 0
    assert pod.read("url") == "postgres://"
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_nothing_is_published_unless_all_is_there(world: AwsWorld, tmp_path: Path) -> None:
    """One secret of two is missing: no file at all."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"), file("aws-ssm:/absent", "a"))

    assert pod.init().exit_code == ExitCode.NOT_FOUND
    assert list(pod.volume().iterdir()) == []


def test_what_is_retryable_is_tried_until_it_works(world: AwsWorld, tmp_path: Path) -> None:
    """A service that fails and comes back delays the pod and no more."""
    world.put_secret("prod/db", "s3cret")
    world.put_parameter("/prod/url", "postgres://")
    world.faults.add(faults.status(503), on="secretsmanager", times=9)
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"), file("aws-ssm:/prod/url", "url"))

    assert pod.init().exit_code == 0
    assert pod.read("prod/db") == "s3cret"
    # What had been read was not read again, and nobody logged in again.
    assert world.journal.count("GetParameters") == 1
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_init_gives_up_in_time(world: AwsWorld, tmp_path: Path) -> None:
    """What stays down ends init at its time-out, with the cause."""
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"), init_timeout=60.0)
    world.go_down(service="secretsmanager", fault=faults.status(503))
    started = pod.time.now
    outcome = pod.init()

    assert outcome.exit_code == ExitCode.UNAVAILABLE
    assert outcome.message.startswith("gave up after 60 s: unavailable: ")
    assert pod.time.now - started <= 60.0


def test_a_definite_no_is_not_tried_again(world: AwsWorld, tmp_path: Path) -> None:
    """Nothing but a person can help: the pod says so at once."""
    pod = Pod(world, tmp_path, file("aws-secretsmanager:absent"))
    outcome = pod.init()

    assert outcome.exit_code == ExitCode.NOT_FOUND
    assert world.journal.count("GetSecretValue") == 1


def test_first_fetches_are_spread_a_little(world: AwsWorld, tmp_path: Path) -> None:
    """Many pods that start at once do not ask at once; a single one hardly waits."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"))
    pod.init()

    assert pod.time.slept == [0.125]


def test_an_absent_optional_secret_is_left_out(world: AwsWorld, tmp_path: Path) -> None:
    """The others are there, its file is not, and nobody calls it a failure."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(
        world,
        tmp_path,
        file("aws-secretsmanager:prod/db"),
        file("aws-secretsmanager:absent", optional=True),
    )

    assert pod.init().exit_code == 0
    assert pod.names == ["prod"]
    assert pod.status["secrets"][1]["reason"] is None


def test_an_optional_secret_that_is_denied_is_a_failure(world: AwsWorld, tmp_path: Path) -> None:
    """Optional means absent in the store, not out of reach."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db", optional=True))
    pod.role.set_policies()

    assert pod.init().exit_code == ExitCode.DENIED


def test_an_env_file_without_its_optional_variable_is_still_there(
    world: AwsWorld, tmp_path: Path
) -> None:
    """The kubelet waits for the file, so it is written, empty."""
    secret = variable("aws-secretsmanager:absent", "TOKEN")
    pod = Pod(world, tmp_path, replace(secret, optional=True))

    assert pod.init().exit_code == 0
    assert pod.read("env/app.env", names.ENV_VOLUME) == ""


def test_several_sources_become_one_file(world: AwsWorld, tmp_path: Path) -> None:
    """An item with a template takes what it needs from two stores."""
    world.put_secret("prod/db", '{"password": "s3cret"}')
    world.put_parameter("/shared/ca", "PEM")
    pod = Pod(world, tmp_path, TWO_SOURCES)

    assert pod.init().exit_code == 0
    assert pod.read("conf.ini") == "s3cret PEM"


def test_a_file_in_two_sets_is_in_both_volumes(world: AwsWorld, tmp_path: Path) -> None:
    """Containers with different sets each have a volume of their own."""
    world.put_secret("prod/db", "s3cret")
    both = (names.SECRETS_VOLUME, f"{names.SECRETS_VOLUME}-2")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db", volumes=both))

    assert pod.init().exit_code == 0
    assert [pod.read("prod/db", volume) for volume in both] == ["s3cret", "s3cret"]


def test_a_failover_region_serves_and_is_reported(
    world: AwsWorld, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The replica is read while the primary fails, and status and log say so."""
    world.put_secret("prod/db", "s3cret", replicas=["eu-central-1"])
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"))
    pod.plan = pod.with_stores(**{"failover-region": "eu-central-1"})
    world.go_down(service="secretsmanager", region="eu-west-1", fault=faults.status(500))

    assert pod.init(level="warning").exit_code == 0
    assert pod.status["reads"]["aws-secretsmanager:prod/db"]["region"] == "eu-central-1"
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["served by the failover region"]
