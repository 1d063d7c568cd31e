"""docs/providers/sops.md: its annotations are admitted, under the policy that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.webhook.mutation.pods import denial, patched, plan_of, pod
from webhook import settings

PAGE = (Path(__file__).parents[3] / "docs" / "providers" / "sops.md").read_text()
BLOCKS = dict(re.findall(r"<!-- ([a-z]+: [a-z]+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))
OPERATOR = settings.load(BLOCKS["operator: keys"])


@pytest.mark.parametrize("block", ["documents", "volume", "kms"])
def test_the_annotations_of_the_page_are_admitted(block: str) -> None:
    """Within the policy, which also says what documents may name."""
    asked = yaml.safe_load(BLOCKS[f"pod: {block}"])
    document = pod(asked)
    document["spec"]["volumes"] = [{"name": "config", "configMap": {"name": "app-7f5c9"}}]
    plan = plan_of(patched(document, settings=OPERATOR))
    secrets = [key for key in asked if re.match(r"syrette\.dev/(file|env|dir)\.", key)]

    assert len(plan.secrets) == len(secrets)
    assert "https://vault.acme.io:8200/v1/transit/keys/shop" in plan.stores[0].names("allowed-keys")


def test_the_policy_of_the_page_refuses_another_config_map() -> None:
    """And so says it."""
    document = pod({"syrette.dev/file.a": "sops:configmap/other/a.yaml"})

    assert "does not permit the path" in denial(document, settings=OPERATOR).message


def test_the_page_has_every_limit_as_the_decryptor_has_it() -> None:
    """Read from the page."""
    from injector.sops import limits  # noqa: PLC0415 - the webhook knows the contract only

    said = re.search(
        r"more than 1 MiB, (\d+) levels, (\d+) keys or (\d+) values and comments", PAGE
    )

    assert said is not None
    assert tuple(map(int, said.groups())) == (
        limits.MAX_DEPTH,
        limits.MAX_MASTER_KEYS,
        limits.MAX_NODES,
    )
    assert limits.MAX_DOCUMENT == 1 << 20
