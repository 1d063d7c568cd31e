"""Paths of files, component by component."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract import paths


@pytest.mark.parametrize("path", ["a", "db/app.properties", ".env", "a..b", "a b", "ü", "a/..b"])
def test_ordinary_names_are_allowed(path: str) -> None:
    """What Linux allows and publication does not use is a path."""
    assert paths.problem(path) is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "the path is empty"),
        ("/etc/passwd", "must be relative"),
        ("a" * 1025, "longer than 1024 bytes"),
        ("ü" * 513, "longer than 1024 bytes"),
        ("a//b", "an empty component"),
        ("a/", "an empty component"),
        (".", "a `.` component"),
        ("a/../b", "a `..` component"),
        ("..", "a `..` component"),
        ("a\0b", "a control character"),
        ("a\x7f", "a control character"),
        ("a/\ud800", "not valid Unicode"),
        ("x" * 256, "longer than 255 bytes"),
        ("..data", "reserved for publication"),
        ("..2026/a", "reserved for publication"),
    ],
)
def test_what_cannot_or_must_not_be_written_is_refused(path: str, said: str) -> None:
    """The problem says which rule of file names is broken."""
    assert said in str(paths.problem(path))


@given(st.text())
def test_an_allowed_path_stays_below_its_volume(path: str) -> None:
    """No allowed path leaves the directory that it is relative to."""
    if paths.problem(path) is None:
        assert not path.startswith("/")
        assert {"", ".", ".."}.isdisjoint(path.split("/"))
