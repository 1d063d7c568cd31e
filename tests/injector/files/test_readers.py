"""Readers in other processes never see a mixed set, however often it is switched."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from injector import files
from tests.injector.files.reader import FILES
from tests.injector.files.volume import rendered, sets

if TYPE_CHECKING:
    from collections.abc import Iterator

SWITCHES = 300
READERS = 2


def test_readers_never_see_two_sets_at_once(tmp_path: Path) -> None:
    """Several processes read while hundreds of sets are switched: old or new, never both."""
    script = Path(__file__).parent / "reader.py"
    files.publish(tmp_path, rendered(_set(0)))
    answers: list[str] = []
    with ExitStack() as stack:
        readers = [stack.enter_context(_reading(script, tmp_path)) for _ in range(READERS)]
        for number in range(1, SWITCHES + 1):
            for reader in readers:
                _say(reader, number)
                assert _answer(reader) == "go"
            files.publish(tmp_path, rendered(_set(number)))
            answers += [_answer(reader) for reader in readers]
    strange = [answer for answer in answers if not answer.replace(" ", "").isdigit()]
    during = [answer for answer in answers if not answer.endswith(" 0")]

    assert strange == []
    assert len(answers) == SWITCHES * READERS
    assert during, "no reader was reading while a set was switched"
    assert len(sets(tmp_path)) == 2


@contextmanager
def _reading(script: Path, volume: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a reader, which would wait for ever for a set that a failed test does not publish."""
    command = [sys.executable, str(script), str(volume)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        try:
            yield reader
        finally:
            reader.kill()


def _set(number: int) -> dict[str, str]:
    return dict.fromkeys(FILES, f"{number}:{str(number) * 2000}")


def _say(reader: subprocess.Popen[str], number: int) -> None:
    assert reader.stdin is not None
    reader.stdin.write(f"{number}\n")
    reader.stdin.flush()


def _answer(reader: subprocess.Popen[str]) -> str:
    assert reader.stdout is not None
    return reader.stdout.readline().strip()
