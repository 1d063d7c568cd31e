"""The real sops with an identity of age, and a pod's objects of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.sops.oracle import Oracle, x25519

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def sops(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """Give the real sops, which encrypts to one identity."""
    directory: Path = tmp_path_factory.mktemp("sops")
    return Oracle(directory, x25519())
