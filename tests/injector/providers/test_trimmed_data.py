"""The service data that the injector carries is botocore's own."""

from __future__ import annotations

import runpy
from pathlib import Path

from injector.aws.client import EXPECTED
from injector.aws.sdk import DATA

SCRIPT = Path(__file__).parents[3] / "deploy" / "trim_botocore.py"


def test_trimmed_data_is_what_the_installed_botocore_gives() -> None:
    """After an upgrade of botocore, `python deploy/trim_botocore.py` is run again."""
    expected = runpy.run_path(str(SCRIPT))["files"]()
    found = {
        str(path.relative_to(DATA)): path.read_text(encoding="utf-8")
        for path in DATA.rglob("*")
        if path.is_file()
    }

    assert sorted(found) == sorted(expected)
    stale = [path for path, text in expected.items() if found[path] != text]
    assert stale == [], "run `python deploy/trim_botocore.py` and commit what it writes"


def test_every_action_has_its_expected_answer() -> None:
    """No action is called whose cut-off answer would pass for an empty one."""
    operations = runpy.run_path(str(SCRIPT))["OPERATIONS"]

    assert {action for actions in operations.values() for action in actions} == set(EXPECTED)


def test_trimmed_data_is_small() -> None:
    """It is read at each start of a worker."""
    size = sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file())

    assert size < 216 * 1024
