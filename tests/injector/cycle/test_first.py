"""The first cycle: everything or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.injector.cycle.pod import Pod, file

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.aws import AwsWorld


def test_one_file_secret_arrives(world: AwsWorld, tmp_path: Path) -> None:
    """The init container logs in, reads one secret and publishes it."""
    world.put_secret("prod/db", "s3cret")
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db"))

    assert pod.init().exit_code == 0
    assert pod.read("prod/db") == "s3cret"
    assert world.journal.actions() == ("AssumeRoleWithWebIdentity", "GetSecretValue")
