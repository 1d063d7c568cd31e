"""Hostile paths and what somebody planted in a volume: nothing is written or removed outside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from injector import files
from injector.contract.reasons import Reason
from injector.errors import PublicationError
from injector.material import Material, RenderedFile
from tests.injector.files.volume import current, ours, rendered, seen, sets

if TYPE_CHECKING:
    from pathlib import Path

OLD = {"same": "old", "shared/x": "old"}
NEW = {"same": "new", "shared/x": "new", "fresh": "new"}
SET = "..2025_01_02_03_04_05.0"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "the path is empty"),
        ("/etc/passwd", "must be relative"),
        ("..", "a `..` component"),
        ("../x", "a `..` component"),
        ("a/../../x", "a `..` component"),
        ("a/..", "a `..` component"),
        (".", "a `.` component"),
        ("./a", "a `.` component"),
        ("a//b", "an empty component"),
        ("a/", "an empty component"),
        ("a\0b", "a control character"),
        ("a\nb", "a control character"),
        ("a\x1b[2Jb", "a control character"),
        ("..data", "reserved for publication"),
        ("..data/x", "reserved for publication"),
        ("..2025_01_02_03_04_05.0/x", "reserved for publication"),
        ("...", "reserved for publication"),
        ("x" * 300, "longer than 255 bytes"),
        ("a/" + "é" * 128, "longer than 255 bytes"),
        ("a/" * 600 + "b", "longer than 1024 bytes"),
        ("a\ud800", "not valid Unicode"),
    ],
)
def test_a_hostile_path_is_refused(tmp_path: Path, path: str, problem: str) -> None:
    """By its component, before anything is written; the published set stays."""
    volume = tmp_path / "volume"
    volume.mkdir()
    files.publish(volume, rendered(OLD))
    with pytest.raises(PublicationError, match=problem) as caught:
        files.publish(volume, [RenderedFile(path, Material(b"x")), *rendered(NEW)])

    assert caught.value.reason is Reason.UNSAFE_PATH
    assert str(caught.value).isprintable()
    assert seen(volume) == OLD
    assert [entry.name for entry in tmp_path.iterdir()] == ["volume"]


@pytest.mark.parametrize(
    "wanted",
    [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/b", "a/b/c"), ("a/b/c", "a/b"), ("a/b", "a/b")],
)
def test_two_files_cannot_have_one_place(tmp_path: Path, wanted: tuple[str, str]) -> None:
    """A file cannot be a directory as well, in either order."""
    files.publish(tmp_path, rendered(OLD))
    with pytest.raises(PublicationError, match="is wanted twice") as caught:
        files.publish(tmp_path, [RenderedFile(path, Material(b"x")) for path in wanted])

    assert caught.value.reason is Reason.NAME_COLLISION
    assert seen(tmp_path) == OLD


def test_allowed_paths_are_not_refused(tmp_path: Path) -> None:
    """Dots, blanks, other scripts and the longest names are names of files."""
    wanted = {"a..b": "1", ".env": "2", "a b": "3", "ключ/鍵": "4", "x" * 255: "5", "d/..e": "6"}
    files.publish(tmp_path, rendered(wanted))

    assert seen(tmp_path) == wanted


@pytest.mark.parametrize("name", ["..data", "..data_new", "..link_new.0", SET, "same", "shared"])
def test_a_planted_link_leads_no_write_outside(tmp_path: Path, name: str) -> None:
    """To a directory of others: it is replaced or removed, and nothing happens where it leads."""
    volume, outside = _volume(tmp_path)
    (volume / name).symlink_to(outside)
    files.publish(volume, rendered(OLD))
    files.publish(volume, rendered(NEW))
    files.sweep(volume)

    assert {path.name: path.read_text() for path in outside.iterdir()} == {"same": "theirs"}
    assert seen(volume) == NEW
    assert (len(sets(volume)), ours(volume)) == (1, ["..data"])


def test_a_link_planted_in_the_published_set_is_seen(tmp_path: Path) -> None:
    """It is not followed to compare, though its target has the same bytes: there is a new set."""
    volume, outside = _volume(tmp_path)
    files.publish(volume, rendered(OLD))
    (outside / "same").write_text("old")
    (outside / "same").chmod(0o444)
    (volume / "..data" / "same").unlink()
    (volume / "..data" / "same").symlink_to(outside / "same")
    switched = files.publish(volume, rendered(OLD))

    assert switched
    assert not (volume / "..data" / "same").is_symlink()


def test_links_in_a_replaced_set_are_removed_and_not_followed(tmp_path: Path) -> None:
    """Also links to directories, whose content is not ours."""
    volume, outside = _volume(tmp_path)
    files.publish(volume, rendered(OLD))
    (volume / "..data" / "shared" / "out").symlink_to(outside)
    (volume / "..data" / "file").symlink_to(outside / "same")
    files.publish(volume, rendered(NEW))
    files.sweep(volume)

    assert {path.name: path.read_text() for path in outside.iterdir()} == {"same": "theirs"}
    assert len(sets(volume)) == 1


def test_a_pipe_planted_in_the_published_set_is_not_waited_for(tmp_path: Path) -> None:
    """It is another kind of file, so there is a new set."""
    files.publish(tmp_path, rendered(OLD))
    (tmp_path / "..data" / "same").unlink()
    os.mkfifo(tmp_path / "..data" / "same", 0o444)

    assert files.publish(tmp_path, rendered(OLD))
    assert seen(tmp_path) == OLD


def test_sets_of_others_do_not_matter(tmp_path: Path) -> None:
    """A `..data` that leads to no set of ours is replaced; a set that is gone is written again."""
    (tmp_path / "..data").symlink_to("..2025_99")
    first = files.publish(tmp_path, rendered(OLD))
    (tmp_path / "..data").unlink()
    (tmp_path / "..data").symlink_to(SET)
    second = files.publish(tmp_path, rendered(OLD))

    assert (first, second) == (True, True)
    assert seen(tmp_path) == OLD


@pytest.mark.parametrize("name", ["..data", "same", "..data_new"])
def test_a_planted_directory_is_no_name_of_ours(tmp_path: Path, name: str) -> None:
    """Where one cannot be replaced, the error names it and the rest stays as it was."""
    (tmp_path / name / "theirs").mkdir(parents=True)
    if name == "..data_new":
        files.publish(tmp_path, rendered(OLD))

        assert seen(tmp_path) == OLD
        return
    with pytest.raises(PublicationError, match="Is a directory") as caught:
        files.publish(tmp_path, rendered(OLD))

    assert name in str(caught.value)
    assert (tmp_path / name / "theirs").is_dir()
    assert sets(tmp_path) == []


def test_a_planted_directory_does_not_spoil_a_published_set(tmp_path: Path) -> None:
    """A later set that wants its name fails before the switch, and no link is left over."""
    files.publish(tmp_path, rendered(OLD))
    (tmp_path / "zz").mkdir()
    with pytest.raises(PublicationError, match="`zz`"):
        files.publish(tmp_path, rendered(NEW | {"zz": "x"}))
    left = current(tmp_path), len(sets(tmp_path))
    (tmp_path / "zz").rmdir()
    files.publish(tmp_path, rendered(NEW))
    files.sweep(tmp_path)

    assert left == (OLD, 1)
    assert (seen(tmp_path), ours(tmp_path)) == (NEW, ["..data"])


def test_a_file_of_others_in_the_place_of_a_name_is_replaced(tmp_path: Path) -> None:
    """It is no directory, so one rename puts our link there."""
    (tmp_path / "same").write_text("theirs")
    files.publish(tmp_path, rendered(OLD))

    assert seen(tmp_path) == OLD


def test_what_cannot_be_removed_is_left_to_the_next_time(tmp_path: Path) -> None:
    """A directory that is somebody's mount, say: publication goes on."""
    stuck = tmp_path / SET / "deep"
    stuck.mkdir(parents=True)
    errors = []

    def step(word: str) -> None:
        if word == "removed a file":
            errors.append(word)
            raise PermissionError

    (stuck / "x").write_text("")
    files.publish(tmp_path, rendered(OLD), step=step)
    left = sets(tmp_path)
    files.sweep(tmp_path)

    assert errors == ["removed a file"]
    assert (SET in left, SET in sets(tmp_path)) == (True, False)
    assert seen(tmp_path) == OLD


def _volume(root: Path) -> tuple[Path, Path]:
    volume, outside = root / "volume", root / "outside"
    volume.mkdir()
    outside.mkdir()
    (outside / "same").write_text("theirs")
    return volume, outside
