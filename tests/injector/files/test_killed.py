"""SIGKILL at every step of a publication: old or new, whole, and the next run repairs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from injector import files
from tests.injector.files import killed
from tests.injector.files.volume import current, ours, rendered, seen, sets

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Volumes as they were left, for tests that only look at them."""
    return _kill("publish", tmp_path_factory.mktemp("killed"))


def test_a_killed_publication_leaves_one_whole_set(volumes: list[Path]) -> None:
    """What `..data` leads to is the old set or the new one; both occur."""
    found = [current(volume) for volume in volumes]

    assert len(volumes) > 50
    assert [contents for contents in found if contents not in (killed.OLD, killed.NEW)] == []
    assert (found[0], found[-1]) == (killed.OLD, killed.NEW)


def test_what_both_sets_have_can_be_read_at_every_moment(volumes: list[Path]) -> None:
    """The names that an application already uses lead to a file whatever happens."""
    views = [seen(volume) for volume in volumes]

    assert {view["same"] for view in views} == {"old", "new"}
    assert [view for view in views if view["same"] != view["shared/x"]] == []


def test_the_next_publication_repairs(tmp_path: Path) -> None:
    """The new set is there by all its names, and nothing else is left of either."""
    volumes = _kill("publish", tmp_path)
    for volume in volumes:
        files.publish(volume, rendered(killed.NEW))
        files.sweep(volume)

    assert [seen(volume) for volume in volumes if seen(volume) != killed.NEW] == []
    assert [ours(volume) for volume in volumes if ours(volume) != ["..data"]] == []
    assert [sets(volume) for volume in volumes if len(sets(volume)) != 1] == []
    assert {len(list(volume.iterdir())) for volume in volumes} == {6}


def test_going_back_repairs_as_well(tmp_path: Path) -> None:
    """The next publication may want the old content again."""
    volumes = _kill("publish", tmp_path)
    for volume in volumes:
        files.publish(volume, rendered(killed.OLD))

    assert [seen(volume) for volume in volumes if seen(volume) != killed.OLD] == []


def test_a_private_file_is_old_or_new(tmp_path: Path) -> None:
    """A state that is half written is never seen, and the next writing succeeds."""
    volumes = _kill("private", tmp_path)
    found = [(volume / "state").read_text() for volume in volumes]
    for volume in volumes:
        files.write_private(volume / "state", b"next")
    left = {path.name for volume in volumes for path in volume.iterdir()}

    assert set(found) == {"".join(killed.OLD.values()), "".join(killed.NEW.values())}
    assert left == {"state"}


def _kill(kind: str, root: Path) -> list[Path]:
    """Give the volumes, by the step at which their publication was killed."""
    script = [sys.executable, "-m", "tests.injector.files.killed", kind, str(root)]
    subprocess.run(script, check=True, cwd=ROOT)
    return sorted(root.iterdir(), key=lambda path: int(path.name))
