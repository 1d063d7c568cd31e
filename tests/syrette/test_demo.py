"""`syrette demo` as a person runs it: a process, real ones below it, and nothing left behind."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from syrette.demo import demo, pod
from syrette.demo.screen import Screen
from syrette.demo.steps import STEPS, admit, journal, rotate, run, start
from tests.house.source import ROOT
from tests.syrette.shown import left, screen_to_text, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syrette.demo.stage import Stage

COMMAND = [sys.executable, "-m", "syrette", "demo"]
SECONDS = 120


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files, for the processes of a test and for itself."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_every_step_comes_out_and_nothing_isleft(folder: Path) -> None:
    """The main job in plain lines: refusal, patch, files, rotation, outage, journal, end."""
    done = subprocess.run(
        COMMAND, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    said = done.stdout
    steps = steps_of(said)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(steps) == len(STEPS)
    assert all("✓ done in" in step for step in steps)
    assert "flie.db.json: no such annotation; did you mean `file.db.json`?" in steps[1]
    assert "+  - name: syrette-init" in steps[2]
    assert "+  - name: syrette-sidecar" in steps[2]
    assert not re.search(r"^  -(?!--)", steps[2], re.MULTILINE)
    assert "syrette-init     exit code 0" in steps[3]
    assert "/secrets/db.json  0440" in steps[3]
    assert "API_KEY=ak-live-93b1" in steps[3]
    assert '"password": "swordfish:2"' in steps[4]
    assert "shop:swordfish%3A2@db" in steps[4]
    assert "a secret keeps its last good content: unavailable" in steps[5]
    assert '"password": "swordfish:2"' in steps[5]
    assert '"password": "open-sesame/3"' in steps[6]
    assert re.search(
        r"^  1 +AssumeRoleWithWebIdentity +system:serviceaccount:shop:web", steps[7], re.MULTILINE
    )
    assert re.search(
        r"^  1 +AssumeRole +sts::111122223333:assumed-role/web/", steps[7], re.MULTILINE
    )
    assert "syrette-sidecar: ended with exit code 0" in steps[8]
    assert "\x1b" not in said
    assert len(re.findall(r"process \d+", said)) == 4
    assert left(said) == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_everything(folder: Path, number: int, code: int) -> None:
    """Ctrl-C, a termination or a closed terminal in the middle of the outage."""
    with subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        stdout=-1,
        stderr=-1,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("[6]"):
                os.killpg(process.pid, number)  # a terminal tells all of them
                time.sleep(0.05)
                process.send_signal(signal.SIGINT)  # impatience ends nothing sooner
                break
        rest, error = process.communicate(timeout=SECONDS)

    assert process.returncode == code
    assert "Traceback" not in error
    assert "[9]" not in rest
    assert len(re.findall(r"process \d+", said)) == 3
    assert left(said) == []
    assert list(folder.iterdir()) == []


def _break(stage: Stage) -> None:
    """AWS refuses connections before anybody expects it."""
    stage.world.go_down()


def _delete(stage: Stage) -> None:
    """A secret is gone before the pod starts."""
    stage.world.delete("prod/db", at_once=True)


def _log_in_again(stage: Stage) -> None:
    """AWS ends all credentials, and the sidecar has to log in once more."""
    stage.world.expire_credentials()
    before = stage.world.journal.count("AssumeRoleWithWebIdentity")
    stage.eventually(
        lambda: stage.world.journal.count("AssumeRoleWithWebIdentity") > before, "", "no login"
    )


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(
            (start, admit, run, _break, rotate),
            "✗ failed: the new password was not published within 3 s; the sidecar's log ends with",
            id="rotation",
        ),
        pytest.param(
            (start, admit, _delete, run),
            "✗ failed: the pod did not start: container syrette-init ended with 13: not-found",
            id="start",
        ),
        pytest.param(
            (start, admit, run, _log_in_again, journal), "✗ failed: 2 logins", id="journal"
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_step_that_does_not_come_out_fails_the_demonstration(
    steps: tuple[Callable[[Stage], None], ...], said: str
) -> None:
    """Exit code 1, the cause in words, and everything is ended all the same."""
    screen, text = screen_to_text()
    code = demo(steps, screen=screen, patience=3.0)

    assert code == 1
    assert said in text()
    assert "all steps" not in text()
    assert left(text()) == []


def test_a_defect_of_a_step_ends_what_runs(folder: Path) -> None:
    """Whatever is raised, no process stays."""

    def defect(_: Stage) -> None:
        """Raise."""
        msg = "a defect"
        raise RuntimeError(msg)

    screen, text = screen_to_text()
    with pytest.raises(RuntimeError, match="a defect"):
        demo((start, defect), screen=screen)

    assert "process" in text()
    assert left(text()) == []
    assert list(folder.iterdir()) == []


def test_a_terminal_gets_colours_and_its_width() -> None:
    """The same words, with escape codes and cut to the line."""
    text = io.StringIO()
    screen = Screen(Console(file=text, force_terminal=True, width=40, highlight=False))
    screen.step("a step")
    screen.diff(["+" + "x" * 60])
    screen.table(["times", "who"], [["1", "web"]])
    said = re.sub(r"\x1b\[[0-9;]*m", "", text.getvalue())

    assert "\x1b[" in text.getvalue()
    assert " 1  a step ───" in said
    assert f"  +{'x' * 36}…" in said
    assert "times   who" in said
    assert "1       web" in said
    assert max(map(len, said.splitlines())) <= 40


def test_the_difference_of_pods_folds_what_is_short() -> None:
    """A branch that fits stands on one line; what was there before is not taken away."""
    before = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "app"}]}}
    mounts = [{"name": "v", "mountPath": "/secrets"}]
    after = {**before, "spec": {"containers": [{"name": "app", "volumeMounts": mounts}]}}
    lines = list(pod.difference(before, after))

    assert "+  - {name: app, volumeMounts: [{name: v, mountPath: /secrets}]}" in lines
