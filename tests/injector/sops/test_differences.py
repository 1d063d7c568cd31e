"""The decrypted text is that of the real `sops`, byte by byte; more in `differences`."""

from __future__ import annotations

import pytest

from tests.injector.sops import differences
from tests.injector.sops.oracle import Oracle, ssh, x25519


@pytest.fixture(scope="module")
def sops(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """Give an oracle with three identities, for groups of keys."""
    return Oracle(tmp_path_factory.mktemp("sops"), x25519(), ssh("ed25519"), ssh("rsa"))


@pytest.mark.parametrize("first", range(0, 80, 40))
def test_generated_documents_decrypt_to_the_bytes_of_sops(sops: Oracle, first: int) -> None:
    """Every format, type, style, place of a comment, rule and kind of key, some edited by hand."""
    found = differences.outcomes(sops, range(first, first + 40))

    assert [each for each in found if each[1] not in differences.AGREE] == []
    assert sum(outcome == "same bytes" for _, outcome in found) > 20
