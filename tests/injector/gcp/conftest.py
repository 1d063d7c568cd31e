"""The scripted Google and a pod that talks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.gcp.google import Google, GooglePod, issued, version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def google() -> Iterator[Google]:
    """Give a Google that lets everybody in, and has the secret `db`."""
    with Google() as opened:
        opened.say("/v1/token", issued("federated"))
        opened.say("/secrets/db/versions/latest:access", version(b"s3cret"))
        yield opened


@pytest.fixture
def pod(google: Google, tmp_path: Path) -> Iterator[GooglePod]:
    """Give a pod without any store yet."""
    opened = GooglePod(google.url, tmp_path)
    yield opened
    opened.transport.close()
