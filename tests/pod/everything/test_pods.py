"""One pod with secrets from AWS, Vault, Google, Azure and a SOPS document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.supervisor.process import eventually
from tests.pod.everything.house import FILES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pod.everything.house import House
    from tests.pod.tier import Tier


def _read(files: Path) -> dict[str, str]:
    return {name: (files / name).read_text() for name in FILES}


def _all(number: int) -> dict[str, str]:
    return {name: f"{name}-{number}" for name in FILES}


def test_five_providers_are_one_publication_with_one_login_each(tier: Tier, house: House) -> None:
    """The files appear at once, behind one link, and each provider has seen the pod once."""
    runner = tier.start(house.pod(), config_maps={"app": house.config_map})
    files = runner.directory("app", "/secrets")

    assert _read(files) == _all(0)
    assert {(files / name).resolve().parent for name in FILES} == {(files / "..data").resolve()}
    assert house.aws.journal.count("AssumeRoleWithWebIdentity") == 1
    assert house.aws.journal.count("Decrypt") == 1
    assert house.gcp.journal.count("ExchangeToken") == 1
    assert house.azure.journal.count("Token") == 1
    assert len(house.vault.audit.logins("kubernetes")) == 1


def test_all_five_are_followed(tier: Tier, house: House) -> None:
    """Each by its own way to know that something has changed."""
    runner = tier.start(house.pod(), config_maps={"app": house.config_map})
    files = runner.directory("app", "/secrets")
    house.change(1)
    runner.rotate_tokens()

    eventually(lambda: _read(files) == _all(1))


@pytest.mark.parametrize("down", ["aws", "azure", "gcp"])
def test_one_provider_that_is_down_keeps_its_files_and_holds_up_no_other(
    tier: Tier, house: House, down: str
) -> None:
    """Nothing is torn, and it follows when it is back."""
    runner = tier.start(house.pod(), config_maps={"app": house.config_map})
    files = runner.directory("app", "/secrets")
    house.change(1)
    house.take_down(down)
    runner.rotate_tokens()
    # The document's data key is a call of AWS.
    kept = {"aws", "sops"} if down == "aws" else {down}
    mixed = {**_all(1), **{name: f"{name}-0" for name in kept}}
    eventually(lambda: _read(files) == mixed)
    house.bring_back(down)

    eventually(lambda: _read(files) == _all(1))


@pytest.mark.parametrize("down", ["azure", "gcp"])
def test_a_pod_does_not_start_without_one_of_them_and_says_which(
    tier: Tier, house: House, down: str
) -> None:
    """No file of the others is published: a set is whole, or it is not there."""
    house.take_down(down)
    document = house.pod()
    document["metadata"]["annotations"]["syrette.dev/init-timeout"] = "5s"
    runner = tier.runner(document, config_maps={"app": house.config_map})
    failure = str(tier.failure(runner))
    kind = {"azure": "azure-keyvault", "gcp": "gcp-secretmanager"}[down]

    assert kind in failure
    assert not any((runner.directory("app", "/secrets") / name).exists() for name in FILES)
