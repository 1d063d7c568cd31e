"""Later cycles: what moved is published, what failed keeps its last good content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector import schedule
from injector.contract import names
from tests.injector.cycle.pod import Pod, file, item, variable
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
QUARTER = 900.0


@pytest.fixture
def pod(world: AwsWorld, tmp_path: Path) -> Pod:
    """A pod after init with one secret and one parameter."""
    world.put_secret("prod/db", "one")
    world.put_parameter("/prod/url", "first")
    pod = Pod(world, tmp_path, file(DB, "db"), file("aws-ssm:/prod/url", "url"))
    assert pod.init().exit_code == 0
    world.journal.clear()
    return pod


def test_nothing_due_asks_nobody(world: AwsWorld, pod: Pod) -> None:
    """A worker that comes early only says when the next is due."""
    report = pod.work_after(60.0)

    assert world.journal.actions() == ()
    assert report["next"] == pytest.approx(QUARTER - 60.0, abs=1.0)


def test_a_rotation_is_published(world: AwsWorld, pod: Pod) -> None:
    """The new version is in the file after the next cycle, without a second login."""
    world.rotate("prod/db", "two")
    pod.work_after(QUARTER)

    assert pod.read("db") == "two"
    assert "AssumeRoleWithWebIdentity" not in world.journal.actions()


def test_an_unchanged_secret_is_described_not_read(world: AwsWorld, pod: Pod) -> None:
    """Version first: one cheap call when nothing moved, and no switch."""
    before = (pod.volume() / names.PAYLOAD_LINK).readlink()
    pod.work_after(QUARTER)

    assert world.journal.count("DescribeSecret") == 1
    assert world.journal.count("GetSecretValue") == 0
    assert (pod.volume() / names.PAYLOAD_LINK).readlink() == before


def test_a_denied_describe_is_remembered(world: AwsWorld, pod: Pod) -> None:
    """A role that may only read the value is not refused once a cycle."""
    pod.role.set_policies(_only("secretsmanager:GetSecretValue", "ssm:GetParameters"))
    for _ in range(3):
        pod.work_after(QUARTER)

    assert world.journal.count("DescribeSecret") == 1
    assert world.journal.count("GetSecretValue") == 3


def test_refresh_now_tries_again_what_was_denied(world: AwsWorld, pod: Pod) -> None:
    """Somebody has changed something: everything is read, denials are forgotten."""
    pod.role.set_policies(_only("secretsmanager:GetSecretValue", "ssm:GetParameters"))
    pod.work_after(QUARTER)
    world.journal.clear()
    pod.work(everything=True)

    assert world.journal.count("DescribeSecret") == 1
    assert world.journal.count("GetParameters") == 1


def test_a_failing_secret_keeps_its_content_and_others_move(world: AwsWorld, pod: Pod) -> None:
    """Secrets Manager is down: the parameter is new, the secret stays."""
    world.go_down(service="secretsmanager", fault=faults.status(503))
    world.rotate("prod/db", "two")
    world.put_parameter("/prod/url", "second")
    report = pod.work_after(QUARTER)

    assert (pod.read("db"), pod.read("url")) == ("one", "second")
    assert pod.status["reads"][DB]["reason"] == "unavailable"
    assert report["next"] <= 300.0


def test_an_outage_of_ten_refreshes_changes_nothing(world: AwsWorld, pod: Pod) -> None:
    """Files stay, workers go on, and the recovery needs no restart."""
    world.go_down()
    for _ in range(10):
        pod.work_after(QUARTER)
        assert (pod.read("db"), pod.read("url")) == ("one", "first")
    world.come_back()
    world.rotate("prod/db", "two")
    pod.rotate_token()
    pod.work_after(QUARTER)

    assert pod.read("db") == "two"
    assert pod.status["reads"][DB]["failures"] == 0


def test_a_cycle_that_lasted_is_followed_by_a_pause(world: AwsWorld, pod: Pod) -> None:
    """Back-off counts from the end of the time-outs, or workers would follow without one."""
    slow = faults.before(lambda: pod.time.sleep(60.0))
    world.go_down(fault=replace(slow, reset=True), service="secretsmanager")
    report = pod.work_after(QUARTER)

    assert pod.time.slept[-1] == 60.0
    assert report["next"] >= schedule.BACK_OFF_FLOOR


def test_a_deleted_secret_keeps_its_content(world: AwsWorld, pod: Pod) -> None:
    """Removal is the user's decision; the status says not-found."""
    world.delete("prod/db")
    pod.work_after(QUARTER)

    assert pod.read("db") == "one"
    assert pod.status["secrets"][0]["reason"] == "not-found"
    assert pod.status["secrets"][1]["reason"] is None


def test_withdrawn_access_keeps_the_content(world: AwsWorld, pod: Pod) -> None:
    """A definite no later on is reported, and nothing is emptied."""
    pod.role.set_policies(_only("ssm:GetParameters"))
    world.rotate("prod/db", "two")
    pod.work_after(QUARTER)

    assert pod.read("db") == "one"
    assert pod.status["secrets"][0]["reason"] == "access-denied"


def test_an_optional_secret_appears_later(world: AwsWorld, tmp_path: Path) -> None:
    """What was absent at first is published when it is there, and stays when it goes."""
    world.put_secret("prod/db", "one")
    secrets = [file(DB, "db"), file("aws-secretsmanager:late", "late", optional=True)]
    pod = Pod(world, tmp_path, *secrets)
    pod.init()
    world.put_secret("late", "here")
    pod.work_after(QUARTER)

    assert pod.read("late") == "here"
    world.delete("late", at_once=True)
    pod.work_after(QUARTER)

    assert pod.read("late") == "here"
    assert pod.status["secrets"][1]["reason"] == "not-found"


def test_an_optional_secret_that_fails_later_holds_nobody_up(
    world: AwsWorld, tmp_path: Path
) -> None:
    """Its absence is what was good last: an outage, or a value of no use, is its own affair."""
    world.put_secret("prod/db", "one")
    optional = file("aws-ssm:/prod/feature#key", "feature", optional=True)
    pod = Pod(world, tmp_path, file(DB, "db"), optional)
    assert pod.init().exit_code == 0
    world.go_down(service="ssm", fault=faults.status(503))
    world.rotate("prod/db", "two")
    pod.work_after(QUARTER)

    assert (pod.names, pod.read("db")) == (["db"], "two")
    assert pod.status["secrets"][1]["reason"] == "unavailable"
    world.come_back()
    world.put_parameter("/prod/feature", "no JSON")
    world.rotate("prod/db", "three")
    pod.work_after(QUARTER)

    assert (pod.names, pod.read("db")) == (["db"], "three")
    assert pod.status["secrets"][1]["reason"] == "not-a-mapping"


def test_secrets_that_share_an_item_move_together(world: AwsWorld, tmp_path: Path) -> None:
    """While one source of an item fails, the other source's own file stays as well."""
    world.put_secret("prod/db", "one")
    world.put_parameter("/shared/ca", "old")
    world.put_parameter("/apart", "old")
    both = {"db": DB, "ca": "aws-ssm:/shared/ca"}
    shared = item("conf.ini", "{{ db }} {{ ca }}", **both)
    alone = [file("aws-ssm:/shared/ca", "ca"), file("aws-ssm:/apart", "apart")]
    pod = Pod(world, tmp_path, shared, *alone)
    assert pod.init().exit_code == 0
    for name in ("/shared/ca", "/apart"):
        world.put_parameter(name, "new")
    world.go_down(service="secretsmanager", fault=faults.status(503))
    pod.work_after(QUARTER)

    assert [pod.read(name) for name in ("conf.ini", "ca", "apart")] == ["one old", "old", "new"]
    world.come_back()
    pod.work_after(QUARTER)

    assert [pod.read(name) for name in ("conf.ini", "ca")] == ["one new", "new"]


def test_an_env_file_is_rebuilt_from_last_good_content(world: AwsWorld, tmp_path: Path) -> None:
    """One variable of a file fails: the other is new, and the file has both."""
    world.put_secret("prod/db", "one")
    world.put_parameter("/prod/url", "first")
    pod = Pod(world, tmp_path, variable(DB, "DB"), variable("aws-ssm:/prod/url", "URL"))
    pod.init()
    world.put_parameter("/prod/url", "second")
    world.go_down(service="secretsmanager", fault=faults.status(503))
    pod.work_after(QUARTER)

    assert pod.read("env/app.env", names.ENV_VOLUME) == "DB='one'\nURL='second'\n"


def test_a_key_that_disappears_keeps_the_file(world: AwsWorld, tmp_path: Path) -> None:
    """A new version without the key is no success: both files of that read stay together."""
    world.put_secret("prod/db", '{"user": "web", "password": "one"}')
    pod = Pod(world, tmp_path, file(f"{DB}#user", "user"), file(f"{DB}#password", "password"))
    pod.init()
    succeeded = pod.status["reads"][DB]["succeeded_at"]
    world.rotate("prod/db", '{"user": "other"}')
    pod.work_after(QUARTER)

    assert (pod.read("user"), pod.read("password")) == ("web", "one")
    assert pod.status["secrets"][1]["reason"] == "selector-not-found"
    assert pod.status["reads"][DB]["succeeded_at"] == succeeded
    world.rotate("prod/db", '{"user": "other", "password": "two"}')
    pod.work_after(QUARTER)

    assert (pod.read("user"), pod.read("password")) == ("other", "two")


def test_a_secret_that_no_variable_can_hold_keeps_the_old_one(
    world: AwsWorld, tmp_path: Path
) -> None:
    """A generated password with a quote does not take the EnvFile's others down."""
    world.put_secret("prod/db", "one")
    world.put_parameter("/prod/url", "first")
    pod = Pod(world, tmp_path, variable(DB, "DB"), variable("aws-ssm:/prod/url", "URL"))
    pod.init()
    world.rotate("prod/db", "it's")
    world.put_parameter("/prod/url", "second")
    pod.work_after(QUARTER)

    assert pod.read("env/app.env", names.ENV_VOLUME) == "DB='one'\nURL='second'\n"
    assert pod.status["secrets"][0]["reason"] == "unsafe-variable"


def test_never_is_never(world: AwsWorld, tmp_path: Path) -> None:
    """A secret without refresh is read once, and no worker is wanted."""
    world.put_secret("prod/db", "one")
    pod = Pod(world, tmp_path, file(DB, "db", refresh=0.0))
    pod.init()

    assert pod.work_after(1e6)["next"] == float("inf")
    assert world.journal.count("GetSecretValue") == 1


def test_a_lost_state_is_read_anew(world: AwsWorld, pod: Pod) -> None:
    """Without state the worker starts over, and files stay until all is there again."""
    (pod.settings.session_directory / "state").unlink()
    world.rotate("prod/db", "two")
    world.go_down(service="ssm", fault=faults.status(503))
    report = pod.work_after(60.0)

    assert pod.read("db") == "one"
    assert report["next"] <= 300.0
    world.come_back()
    pod.work_after(300.0)

    assert pod.read("db") == "two"


@pytest.mark.parametrize("name", ["state", "sessions"])
def test_a_damaged_file_of_the_session_volume_is_ignored(
    world: AwsWorld, pod: Pod, name: str
) -> None:
    """What cannot be trusted costs a login or a read, and nothing else."""
    path = pod.settings.session_directory / name
    path.write_bytes(path.read_bytes()[:-20])
    world.rotate("prod/db", "two")
    pod.work_after(QUARTER)

    assert pod.read("db") == "two"


def test_an_ended_session_is_logged_in_anew(world: AwsWorld, pod: Pod) -> None:
    """After the session's end the rotated token is exchanged, once for both stores."""
    pod.time.now += 3600.0
    world.advance(3600.0)
    pod.rotate_token()
    pod.work()

    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_a_volume_that_cannot_be_written_is_tried_again(world: AwsWorld, pod: Pod) -> None:
    """The old set stays, the report asks for an early worker, and that one publishes."""
    world.rotate("prod/db", "two")
    away = pod.volume().rename(pod.volume().with_name("away"))
    report = pod.work_after(QUARTER)

    assert report["next"] <= 30.0
    away.rename(pod.volume())
    assert pod.read("db") == "one"
    pod.work_after(30.0)

    assert pod.read("db") == "two"


def test_max_stale_is_a_moment(world: AwsWorld, pod: Pod) -> None:
    """The report says from when on the pod is stale, counted from the last success."""
    pod.plan = replace(pod.plan, max_stale=3600.0)
    pod.init()
    started = pod.time.now
    world.go_down()
    stale = pod.work_after(QUARTER)["stale"]

    assert stale == pytest.approx(started + 3600.0, abs=2.0)


def test_init_of_a_restarted_pod_lives_with_what_there_is(world: AwsWorld, pod: Pod) -> None:
    """All containers restart in place while the provider is down: the files are there."""
    world.go_down()
    pod.time.now += QUARTER

    assert pod.init().exit_code == 0
    assert pod.read("db") == "one"


def _only(*actions: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
