"""`syrette fetch` against a simulated AWS that checks every signature."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import ExitCode
from tests.house.source import ROOT
from tests.syrette.machine import ALL, Machine, pod
from worlds.aws import AwsWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DB = json.dumps({"username": "shop", "password": 'pa$$ "w0rd" #1'})
ONE_SET = pod(file_db="aws-secretsmanager:prod/db", file_key="aws-ssm:/prod/key")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A developer's machine, and a secret and a parameter to read."""
    with AwsWorld() as world:
        world.put_secret("prod/db", DB)
        world.put_parameter("/prod/key", "k3y")
        yield Machine(world, tmp_path, monkeypatch)


def test_one_set_of_files_is_written_into_the_directory_itself(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bytes as stored, readable by the owner alone, their names on standard output."""
    code = machine.fetch(ONE_SET)
    output = capsys.readouterr()
    links = {path.name for path in machine.out.iterdir() if path.is_symlink()}

    assert code == 0
    assert machine.files == {"db": DB, "key": "k3y"}
    assert links == {"..data", "db", "key"}
    assert (machine.out / "db").read_text() == DB
    assert machine.out.stat().st_mode & 0o777 == 0o700
    assert {(machine.out / name).stat().st_mode & 0o777 for name in ("db", "key")} == {0o400}
    assert output.out.split() == [str(machine.out / "db"), str(machine.out / "key")]
    assert output.err == ""


def test_a_mode_is_kept_for_the_owner_only(machine: Machine) -> None:
    """What group and others may do in the pod, nobody else may do here."""
    machine.fetch(pod(mode="0640", file_key="aws-ssm:/prod/key"))

    assert (machine.out / "key").stat().st_mode & 0o777 == 0o600


def test_secrets_are_read_by_the_developer_and_not_by_the_pod(machine: Machine) -> None:
    """No web identity, no Pod Identity: the user of the environment signs every call."""
    role = "arn:aws:iam::111122223333:role/web"
    code = machine.fetch(pod(aws_role__arn=role, file_db="aws-secretsmanager:prod/db"))

    assert code == 0
    assert machine.world.journal.principals("GetSecretValue") == (machine.user.arn,)
    assert set(machine.world.journal.actions()) == {"GetSecretValue"}


def test_a_chain_of_roles_is_kept_and_can_be_left_out(machine: Machine) -> None:
    """The developer assumes the store's role, or reads with their own."""
    trust = {"Effect": "Allow", "Principal": {"AWS": machine.user.arn}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    role = machine.world.account().role("reader", document, ALL)
    manifest = pod(aws_assume__role=role.arn, file_db="aws-secretsmanager:prod/db")
    codes = [machine.fetch(manifest), machine.fetch(manifest, "--without-roles")]
    first, second = machine.world.journal.principals("GetSecretValue")

    assert codes == [0, 0]
    assert machine.world.journal.principals("AssumeRole") == (machine.user.arn,)
    assert ":assumed-role/reader/" in first
    assert second == machine.user.arn


def test_different_containers_get_directories_of_their_own(machine: Machine) -> None:
    """Each sees below its name what it would see in the pod."""
    items = """[
        {from: 'aws-secretsmanager:prod/db#password', file: db/password, containers: [app]},
        {from: 'aws-ssm:/prod/key', file: key},
        {from: 'aws-ssm:/prod/key', file: key, mount: /etc/keys, containers: [worker]}]"""
    code = machine.fetch(pod(secrets=items.replace("\n", " ").replace("'", '"')))

    assert code == 0
    assert machine.files == {
        "app/secrets/db/password": 'pa$$ "w0rd" #1',
        "app/secrets/key": "k3y",
        "worker/etc/keys/key": "k3y",
        "worker/secrets/key": "k3y",
    }


def test_variables_are_files_that_a_shell_reads(machine: Machine) -> None:
    """One file a container; quotes, blanks, `$` and `#` in a value are literal."""
    manifest = pod(
        containers="app", env_DB__PASSWORD="aws-secretsmanager:prod/db#password"
    ).replace("DB-PASSWORD", "DB_PASSWORD")
    code = machine.fetch(manifest)
    script = f'set -a; . {machine.out}/app.env; printf %s "$DB_PASSWORD"'
    read = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)

    assert code == 0
    assert machine.files == {"app.env": "DB_PASSWORD='pa$$ \"w0rd\" #1'\n"}
    assert read.stdout == json.loads(DB)["password"]


def test_a_value_that_compose_reads_otherwise_is_warned_of(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The variable is named, the value is not."""
    machine.world.put_secret("prod/odd", "ends-with\\")
    code = machine.fetch(pod(env_ODD="aws-secretsmanager:prod/odd"))
    error = capsys.readouterr().err

    assert code == 0
    assert "app.env: docker compose cannot read ODD" in error
    assert "ends-with" not in error


def test_a_second_fetch_replaces_the_first(machine: Machine) -> None:
    """New values, and what is no longer asked for is gone."""
    machine.fetch(ONE_SET)
    machine.world.rotate("prod/db", "new")
    code = machine.fetch(pod(file_db="aws-secretsmanager:prod/db"))
    kept = {path.name for path in machine.out.iterdir() if not path.name.startswith(".")}

    assert code == 0
    assert machine.files == {"db": "new"}
    assert kept == {"db"}
    assert len([path for path in machine.out.iterdir() if path.is_dir() and "20" in path.name]) == 1


def test_a_failure_leaves_everything_as_it_was(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """The init container's exit code and words; no directory, or the earlier files."""
    manifest = pod(file_key="aws-ssm:/prod/key", file_none="aws-secretsmanager:absent")
    first = machine.fetch(manifest)
    made = machine.out.exists()
    machine.fetch(ONE_SET)
    second = machine.fetch(manifest)
    error = capsys.readouterr().err

    assert (first, made) == (ExitCode.NOT_FOUND, False)
    assert second == ExitCode.NOT_FOUND
    assert machine.files == {"db": DB, "key": "k3y"}
    assert "syrette: not-found: aws-secretsmanager:absent -> none" in error
    assert "to do: " in error
    assert "k3y" not in error


def test_what_may_pass_is_tried_again_and_said(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """While AWS is away, a person reads why it takes long, and in the end what to look at."""
    machine.world.go_down()
    code = machine.fetch(pod(init__timeout="8s", file_key="aws-ssm:/prod/key"))
    lines = capsys.readouterr().err.splitlines()

    assert code == ExitCode.UNAVAILABLE
    assert all(line.startswith("warning: init is tried again") for line in lines[:-1])
    assert lines[0].endswith("refused the connection")
    assert lines[-1].startswith("syrette: gave up after 8 s: unavailable: ")


@pytest.mark.parametrize("name", ["notes.txt", "..2026_01_01_00_00_00.0"])
def test_a_directory_of_somebody_else_is_refused(
    machine: Machine, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asked of AWS, and nothing in it changes."""
    machine.out.mkdir()
    (machine.out / name).write_text("mine")
    code = machine.fetch(ONE_SET)

    assert code == 2
    assert f"holds `{name}`" in capsys.readouterr().err
    assert [path.name for path in machine.out.iterdir()] == [name]
    assert machine.world.journal.entries == ()


def test_an_empty_directory_becomes_private(machine: Machine) -> None:
    """One that is there already is taken, and closed to others."""
    machine.out.mkdir(mode=0o755)
    code = machine.fetch(ONE_SET)

    assert code == 0
    assert machine.out.stat().st_mode & 0o777 == 0o700


def test_a_file_in_place_of_the_directory_is_refused(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a directory in a place that is not there, or with a name that cannot be."""
    machine.out.write_text("mine")
    codes = [machine.fetch(ONE_SET)]
    place = machine.out
    for name in ("below", "x" * 300):
        machine.out = place / name if name == "below" else place.with_name(name)
        codes.append(machine.fetch(ONE_SET))
    error = capsys.readouterr().err

    assert codes == [2, 2, 2]
    assert "is no directory" in error
    assert "there is no directory" in error
    assert "too long" in error


def test_git_ignores_the_directory(machine: Machine) -> None:
    """Secrets that are fetched into a checkout are not committed."""
    machine.fetch(ONE_SET)

    assert (machine.out / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("policy", [[], [{"name": "all", "allow": {"stores": {"*": ["**"]}}}]])
def test_a_pod_that_asks_for_ambient_is_fetched_with_a_warning(
    machine: Machine, policy: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """Policy guards the node's role; on one's own machine there is none to guard."""
    machine.operator(policy=policy)
    code = machine.fetch(pod(aws_auth="ambient", file_key="aws-ssm:/prod/key"))

    assert code == 0
    assert machine.files == {"key": "k3y"}
    assert "warning: a cluster would deny this pod: syrette.dev/aws.auth" in capsys.readouterr().err


def test_another_denial_ends_it(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """What the policy says of paths is the webhook's decision, here as there."""
    machine.operator(policy=[{"name": "dev", "allow": {"stores": {"aws-ssm": ["/dev/**"]}}}])
    code = machine.fetch(pod(aws_auth="ambient", file_key="aws-ssm:/prod/key"))
    error = capsys.readouterr().err

    assert code == 2
    assert "the rule `dev` does not permit the path `/prod/key`" in error
    assert "ambient" not in error
    assert not machine.out.exists()


def test_one_of_several_workloads_is_chosen_by_name(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a name two are one too many; a name that is not there is told with those that are."""
    other = pod(file_key="aws-ssm:/prod/key").replace("name: web\n", "name: other\n")
    both = f"{ONE_SET}---{other}"
    codes = [machine.fetch(both), machine.fetch(both, "--pod", "Pod/none")]
    error = capsys.readouterr().err
    codes.append(machine.fetch(both, "--pod", "Pod/other"))

    assert codes == [2, 2, 0]
    assert error.count("Pod/web, Pod/other") == 2
    assert machine.files == {"key": "k3y"}


def test_a_pod_that_asks_for_nothing_is_said(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to fetch, which is not success."""
    code = machine.fetch(pod())

    assert code == 2
    assert "asks for a secret" in capsys.readouterr().err


def test_nothing_stays_of_a_fetch_that_is_ended(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither files nor what init had noted down, when SIGTERM comes while it waits for AWS."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "pod.yaml").write_text(ONE_SET)
    machine.world.go_down(service="secretsmanager")
    command = [sys.executable, "-m", "syrette", *machine.arguments(str(tmp_path / "pod.yaml"))]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.terminate()
        process.communicate()

    assert "tried again" in first
    assert process.returncode == 128 + signal.SIGTERM
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not machine.out.exists()


def test_without_credentials_the_way_to_log_in_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The identity's exit code, and what the SDK looks for."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    code = machine.fetch(ONE_SET)

    assert code == ExitCode.IDENTITY
    assert "aws sso login" in capsys.readouterr().err
