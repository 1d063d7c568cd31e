"""The real sops, with an identity of its own for each module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.sops.oracle import Oracle, x25519

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sops(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """Give an oracle with a directory of its own."""
    directory: Path = tmp_path_factory.mktemp("sops")
    return Oracle(directory, x25519())
