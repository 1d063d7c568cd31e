"""A publication: the complete set, its modes, and nothing touched that stays as it is."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from injector import files
from injector.contract import paths
from injector.material import Material, RenderedFile
from tests.injector.files.volume import current, ours, rendered, seen, sets

if TYPE_CHECKING:
    from pathlib import Path

OLD = {"password": "old", "db/user": "u", "db/deep/er": "e", "gone": "x"}


def test_a_set_appears_whole(tmp_path: Path) -> None:
    """Names at the top lead through one link to one new directory."""
    switched = files.publish(tmp_path, rendered(OLD))

    assert switched
    assert seen(tmp_path) == current(tmp_path) == OLD
    assert len(sets(tmp_path)) == 1
    assert ours(tmp_path) == ["..data"]
    assert (tmp_path / "password").readlink().as_posix() == "..data/password"


def test_a_set_is_named_by_its_moment(tmp_path: Path) -> None:
    """As the kubelet's: UTC, and a number for several in one second."""
    for number in range(3):
        files.publish(tmp_path, rendered({"n": str(number)}), clock=lambda: 1_764_000_000.9)

    assert sets(tmp_path) == ["..2025_11_24_16_00_00.0", "..2025_11_24_16_00_00.1"]
    assert seen(tmp_path) == {"n": "2"}


def test_an_equal_set_touches_nothing(tmp_path: Path) -> None:
    """No switch, no new inode, no time of change anywhere in the volume."""
    files.publish(tmp_path, rendered(OLD))
    files.sweep(tmp_path)
    every = [tmp_path, *sorted(tmp_path.rglob("*"))]
    before = [(path, path.lstat()) for path in every]
    switched = files.publish(tmp_path, list(reversed(rendered(OLD))), clock=lambda: 0.0)
    after = [(path, path.lstat()) for path in [tmp_path, *sorted(tmp_path.rglob("*"))]]

    assert not switched
    times = [(path, s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for path, s in before]
    assert times == [(path, s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for path, s in after]


@pytest.mark.parametrize(
    "changed",
    [
        rendered(OLD | {"password": "new"}),
        rendered(OLD | {"password": "olD"}),
        rendered(OLD | {"password": "old\n"}),
        rendered(OLD | {"password": ""}),
        rendered(OLD | {"fresh": "x"}),
        rendered({path: text for path, text in OLD.items() if path != "gone"}),
        rendered(OLD, 0o440),
        [],
    ],
    ids=["other", "same-size", "longer", "empty", "more", "fewer", "mode", "none"],
)
def test_any_difference_is_a_switch(tmp_path: Path, changed: list[RenderedFile]) -> None:
    """`differs` says it beforehand, and the new set replaces the old one whole."""
    files.publish(tmp_path, rendered(OLD))
    differs = files.differs(tmp_path, changed), files.differs(tmp_path, rendered(OLD))
    switched = files.publish(tmp_path, changed)

    assert (differs, switched) == ((True, False), True)
    assert seen(tmp_path) == {file.path: file.material.reveal().decode() for file in changed}


def test_nothing_published_differs_from_an_empty_set(tmp_path: Path) -> None:
    """A volume without a set is not yet an empty one."""
    before = files.differs(tmp_path, [])
    files.publish(tmp_path, [])

    assert (before, files.differs(tmp_path, [])) == (True, False)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o444, 0o400, 0o440, 0o600, 0o640])
def test_modes_are_what_was_asked_for(tmp_path: Path, mode: int, umask: int) -> None:
    """Whatever the umask; the owner is who published."""
    before = os.umask(umask)
    try:
        files.publish(tmp_path, rendered({"a/b": "x"}, mode))
    finally:
        os.umask(before)
    status = (tmp_path / "a/b").stat()

    assert stat.S_IMODE(status.st_mode) == mode
    assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())


def test_a_mode_without_the_owners_read_bit_gets_it(tmp_path: Path) -> None:
    """What we could not read again would be published in every cycle."""
    again = [files.publish(tmp_path, rendered({"a": "x"}, 0o4040)) for _ in range(2)]

    assert again == [True, False]
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o440


@pytest.mark.parametrize(("mode", "directory"), [(0o444, 0o755), (0o440, 0o750), (0o400, 0o700)])
def test_directories_let_in_whoever_may_read(tmp_path: Path, mode: int, directory: int) -> None:
    """And nobody else: a directory of files for the group is closed to others."""
    files.publish(tmp_path, rendered({"open/deep/a": "x"}, mode))
    above = [(tmp_path / path).stat().st_mode for path in ("..data", "open", "open/deep")]

    assert [stat.S_IMODE(m) for m in above] == [directory] * 3


def test_one_open_file_does_not_open_its_neighbours_directory(tmp_path: Path) -> None:
    """Each directory has the bits of what is below it, not of what is beside it."""
    files.publish(tmp_path, [*rendered({"a/x": "1"}, 0o444), *rendered({"b/x": "1"}, 0o400)])
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("..data", "a", "b")]

    assert modes == [0o755, 0o755, 0o700]


def test_the_group_of_the_volume_is_handed_down(tmp_path: Path) -> None:
    """A volume with an fsGroup has the set-group-ID bit, and so has every directory of ours."""
    tmp_path.chmod(0o2777)
    files.publish(tmp_path, rendered({"a/b": "x"}))
    modes = [(tmp_path / path).stat().st_mode & stat.S_ISGID for path in ("..data", "a")]

    assert modes == [stat.S_ISGID] * 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"x": "1"}, {"x/y": "2"}),
        ({"x/y": "1"}, {"x": "2"}),
        ({"d/x": "1"}, {"d/x/y/z": "2"}),
        ({"d/x/y/z": "1"}, {"d/x": "2"}),
    ],
)
def test_a_file_becomes_a_directory_and_back(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    """At the top and below, there and back again."""
    views = []
    for contents in (first, second, first):
        files.publish(tmp_path, rendered(contents))
        views.append(seen(tmp_path))

    assert views == [first, second, first]


def test_what_is_no_longer_wanted_is_gone(tmp_path: Path) -> None:
    """Its name at the top, too; what others put there stays."""
    (tmp_path / "foreign").symlink_to("/etc/hostname")
    (tmp_path / "note").write_text("theirs")
    files.publish(tmp_path, rendered(OLD))
    files.publish(tmp_path, rendered({"password": "new"}))
    names = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".."))

    assert names == ["foreign", "note", "password"]


def test_the_replaced_set_stays_until_it_is_swept(tmp_path: Path) -> None:
    """A reader that has just opened its directory can read on to the end of the cycle."""
    files.publish(tmp_path, rendered({"a": "1"}))
    reader = os.open(tmp_path / "..data", os.O_RDONLY)
    files.publish(tmp_path, rendered({"a": "2"}))
    held = os.open("a", os.O_RDONLY, dir_fd=reader)
    text = os.read(held, 10)
    before = len(sets(tmp_path))
    files.sweep(tmp_path)
    os.close(held)
    os.close(reader)

    assert text == b"1"
    assert (before, len(sets(tmp_path))) == (2, 1)
    assert seen(tmp_path) == {"a": "2"}


def test_the_volume_may_be_reached_through_a_link(tmp_path: Path) -> None:
    """Where it is mounted is ours to say; only what is in it is shared."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    files.publish(tmp_path / "link", rendered({"a": "1"}))

    assert seen(tmp_path / "real") == {"a": "1"}


def test_many_and_large_files(tmp_path: Path) -> None:
    """Two hundred files, one of 8 MiB, all bytes kept."""
    data = bytes(range(256)) * 32768
    wanted = [*rendered({f"d{n % 7}/f{n}": str(n) for n in range(200)})]
    wanted.append(RenderedFile("large", Material(data), 0o400))
    files.publish(tmp_path, wanted)

    assert (tmp_path / "large").read_bytes() == data
    assert len([path for path in (tmp_path / "..data").rglob("*") if path.is_file()]) == 201
    assert not files.differs(tmp_path, wanted)


_COMPONENT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=30
)
_PATH = st.lists(_COMPONENT, min_size=1, max_size=4).map("/".join)


def _consistent(contents: dict[str, str]) -> bool:
    above = {
        "/".join(path.split("/")[:n]) for path in contents for n in range(1, path.count("/") + 1)
    }
    return above.isdisjoint(contents) and not any(map(paths.problem, contents))


_SET = st.dictionaries(_PATH, st.text(st.characters(exclude_categories=["Cs"])), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(_SET.filter(_consistent), min_size=1, max_size=5))
def test_any_sequence_of_sets(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[dict[str, str]]
) -> None:
    """After each publication exactly its files are there, and none differs."""
    volume = tmp_path_factory.mktemp("volume")
    for contents in sequence:
        files.publish(volume, rendered(contents))
        found = {path: (volume / path).read_bytes().decode() for path in current(volume)}

        assert found == contents
        assert not files.differs(volume, rendered(contents))
        tops = {path.name for path in volume.iterdir() if not path.name.startswith("..")}
        assert tops == {path.split("/")[0] for path in contents}
