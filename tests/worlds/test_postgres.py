"""A real PostgreSQL: who can log in, and what is left of it."""

from __future__ import annotations

import socket
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

import pytest

from worlds import postgres as starting
from worlds.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def own() -> Iterator[Postgres]:
    """One of the test's own."""
    with Postgres() as server:
        yield server


def test_it_asks_for_passwords(own: Postgres) -> None:
    """Of whoever was made, and of the first role."""
    own.query("create role shop login password 's3cret'")

    assert own.users() == ("shop",)
    assert own.admits("shop", "s3cret")
    assert not own.admits("shop", "other")
    assert not own.admits(own.user, "other")


def test_nothing_is_left_when_it_has_ended() -> None:
    """Nobody listens on its port, and its folder is gone."""
    with Postgres() as server:
        folder, port = server.folder, server.port
        assert folder.exists()

    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_it_is_copied_to_where_its_user_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root it runs as somebody else, who may not enter everywhere."""
    package = tmp_path / "closed" / "package"
    for name in ("pginstall", "pginstall18"):
        (package / name / "bin").mkdir(parents=True)
    (package.parent / "package.libs").mkdir()
    spec = ModuleSpec("package", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: spec)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    package.parent.chmod(0o700)

    found = starting.installation(tmp_path)
    assert found == tmp_path / "package" / "pginstall18"
    assert (tmp_path / "package.libs").is_dir()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert starting.installation(tmp_path) == package / "pginstall18"
