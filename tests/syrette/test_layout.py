"""Where files go below one directory: arithmetic of paths, without any disk."""

from __future__ import annotations

import pytest

from injector.contract import names
from injector.material import Material, RenderedFile
from syrette.layout import Mount, arrange, unreadable_by_compose

KEY = RenderedFile("key", Material(b"k"), 0o444)
ENV = RenderedFile("env/app.env", Material(b"A='1'\n"), 0o400)
ONE, TWO = names.SECRETS_VOLUME, f"{names.SECRETS_VOLUME}-2"


def _paths(seen: list[Mount], **volumes: list[RenderedFile]) -> list[str]:
    named = {name.replace("_", "-"): held for name, held in volumes.items()}
    return [file.path for file in arrange(seen, named)]


def test_one_mount_in_every_container_needs_no_directories() -> None:
    """Two containers with the same files are one set."""
    seen = [Mount("app", "/secrets", ONE), Mount("worker", "/secrets", ONE)]

    assert _paths(seen, syrette_secrets=[KEY]) == ["key"]


def test_variables_stand_beside_one_set() -> None:
    """They do not move the files."""
    found = _paths([Mount("app", "/secrets", ONE)], syrette_secrets=[KEY], syrette_env=[ENV])

    assert found == ["key", "app.env"]


def test_a_file_with_the_name_of_an_env_file_moves_the_set() -> None:
    """Both are there, under different paths."""
    clash = RenderedFile("app.env", Material(b"x"))
    found = _paths([Mount("app", "/secrets", ONE)], syrette_secrets=[clash], syrette_env=[ENV])

    assert found == ["app/secrets/app.env", "app.env"]


def test_two_mounts_are_two_directories() -> None:
    """Container first, then the path in it."""
    seen = [Mount("app", "/secrets", ONE), Mount("app", "/etc/tls", TWO)]
    found = arrange(seen, {ONE: [KEY], TWO: [KEY]})

    assert [file.path for file in found] == ["app/secrets/key", "app/etc/tls/key"]
    assert {file.mode for file in found} == {0o400}


@pytest.mark.parametrize(
    ("env_file", "named"),
    [
        (b"A='b'\nC='d\ne'\n", []),
        (b"A='b\\c'\n", []),
        (b"A='b\\'\nC='d'\n", ["A"]),
        (b"A-B='c'\n", ["A-B"]),
    ],
)
def test_what_compose_cannot_read_is_named(env_file: bytes, named: list[str]) -> None:
    """A backslash before the closing quote, and a dash in a name."""
    assert unreadable_by_compose(env_file) == named
