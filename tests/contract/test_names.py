"""Names that both programs write or look for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract import names, paths


def test_a_volume_has_its_own_directory() -> None:
    """Our containers find each volume of files below one directory."""
    assert names.volume_directory("syrette-secrets-2") == "/run/syrette/syrette-secrets-2"
    assert names.env_file("web") == "env/web.env"


def test_a_plain_audience_is_its_own_file_name() -> None:
    """The usual audiences are readable in the pod."""
    assert names.token_file("sts.amazonaws.com") == "sts.amazonaws.com"


@pytest.mark.parametrize(
    "audience",
    ["api://AzureADTokenExchange", "//iam.googleapis.com/projects/1", "..", "..data", ""],
)
def test_any_other_audience_gets_a_digest(audience: str) -> None:
    """Slashes and dots do not lead out of the directory."""
    name = names.token_file(audience)

    assert name != audience
    assert "/" not in name
    assert not name.startswith("..")


@given(st.text(), st.text())
def test_two_audiences_never_share_a_file(one: str, other: str) -> None:
    """Whatever the audiences are, their files differ, and are file names."""
    files = [names.token_file(text) for text in (one, other) if text.isprintable()]

    assert len(set(files)) == len({text for text in (one, other) if text.isprintable()})
    assert all(paths.component_problem(name) is None for name in files)
