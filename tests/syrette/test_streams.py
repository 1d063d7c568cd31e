"""Where the commands read and write: several files, closed streams, full disks, terminals."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from syrette.__main__ import main
from syrette.errors import printable
from tests.house.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "examples" / "first-secret.yaml"
ACCOUNT = """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/web"}
"""


def _shell(redirection: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command in a shell, with a redirection of a stream behind it."""
    command = f'exec "$0" -m syrette "$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_several_files_are_one_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The service account of one file is that of the workload in the other; none is dropped."""
    account = tmp_path / "account.yaml"
    account.write_text(ACCOUNT)
    codes = [
        main([command, "-f", str(account), "-f", str(EXAMPLE)]) for command in ("explain", "render")
    ]
    words = capsys.readouterr().out

    assert codes == [0, 0]
    assert "AssumeRoleWithWebIdentity arn:aws:iam::111122223333:role/web" in words
    assert "kind: ServiceAccount" in words


@pytest.mark.parametrize("command", ["render", "explain"])
def test_output_that_cannot_be_written_ends_in_words(command: str) -> None:
    """A full disk is named, and the code is not that of success."""
    done = _shell(">/dev/full", command, "-f", str(EXAMPLE))

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "syrette: standard output: No space left on device"


@pytest.mark.parametrize(
    ("redirection", "words", "code", "said"),
    [
        (">&-", ("explain", "-f", str(EXAMPLE)), 0, ""),
        ("2>&-", ("explain", "-f", "none.yaml"), 2, ""),
        ("<&-", ("render", "-f", "-"), 2, "syrette: standard input: is closed\n"),
    ],
)
def test_a_closed_stream_is_no_traceback(
    redirection: str, words: tuple[str, ...], code: int, said: str
) -> None:
    """What is said there is lost; what should be read there is missed."""
    done = _shell(redirection, *words)

    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


def test_a_manifest_cannot_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences in names and keys are spelled out, not obeyed."""
    good = EXAMPLE.read_text().replace("\n  name: web\n", '\n  name: "web\\e[2J"\n')
    (tmp_path / "good.yaml").write_text(good)
    (tmp_path / "hostile.yaml").write_text(good.replace("file.db.json:", '"file\\e[2J":'))
    codes = [
        main([command, "-f", str(tmp_path / name)])
        for name in ("hostile.yaml", "good.yaml")
        for command in ("render", "explain")
    ]
    output = capsys.readouterr()

    assert codes == [2, 2, 0, 0]
    assert r"web\x1b[2J" in output.err
    assert r"web\x1b[2J" in output.out
    assert "\x1b" not in output.out + output.err


def test_only_control_characters_are_spelled_out() -> None:
    """Letters of any script and line feeds stay."""
    assert printable("grün ✓ 鍵\n\ta\x9b\x1b]\ud800") == "grün ✓ 鍵\n\\ta\\x9b\\x1b]\\ud800"
