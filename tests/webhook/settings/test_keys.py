"""What an operator says of SOPS documents: patterns of keys, and stores that name stores."""

from __future__ import annotations

import pytest

from webhook import settings
from webhook.errors import SettingsError


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("ARN:aws:kms:**", "names no key: a pattern begins with arn:"),
        ("vault.acme.io/v1/transit/keys/x", "names no key"),
        ("https://Vault.acme.io/v1/transit/keys/x", "hosts are in lower case"),
        ("https://vault.acme.io/v1/transit/keys/x/", "no `/` is at the end"),
        ("https://vault.acme.io/transit/keys/x", "write `https://<host>/v1/<mount>/keys/<name>`"),
        ("arn:aws:kms ** ", "is not a pattern"),
    ],
)
def test_a_pattern_that_no_key_can_match_is_refused(pattern: str, said: str) -> None:
    """It would else permit nothing, and nobody would know why."""
    with pytest.raises(SettingsError) as caught:
        settings.load(f'sops-keys: ["{pattern}"]')

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "store",
    [
        "docs: {provider: sops, key-stores: [kms]}",
        "docs: {provider: sops, key-stores: 'vault, kms'}",
        "docs: {provider: vault, auth: aws, aws-store: kms}",
    ],
)
def test_a_store_that_names_one_which_nobody_has_is_refused(store: str) -> None:
    """A pod could else define it."""
    with pytest.raises(SettingsError) as caught:
        settings.load(f"stores: {{{store}}}")
    there = settings.load(f"stores: {{{store}, kms: {{provider: aws-ssm}}}}")

    assert "no store `kms`" in str(caught.value).replace("` kms`", "`kms`")
    assert set(there.stores) == {"docs", "kms"}


@pytest.mark.parametrize(
    "pattern",
    [
        "**",
        "age1**",
        "ssh-ed25519*AAAA**",
        "projects/*/locations/*/keyRings/*/cryptoKeys/sops",
        "https://acme-kv.vault.azure.net/keys/sops",
        "https://vault.acme.io/v1/transit/keys/{namespace}",
        "https://vault.acme.io/**",
    ],
)
def test_every_kind_of_key_has_a_pattern(pattern: str) -> None:
    """As the documentation writes them."""
    assert settings.load(f'sops-keys: ["{pattern}"]').sops_keys == (pattern,)
