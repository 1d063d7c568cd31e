"""docs/providers/azure.md: its annotations are admitted, under the policy that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from injector.contract.azure import CLOUDS
from tests.webhook.mutation.pods import context, denial, patched, plan_of, pod
from webhook import settings

PAGE = (Path(__file__).parents[3] / "docs" / "providers" / "azure.md").read_text()
BLOCKS = dict(re.findall(r"<!-- ([a-z]+: [a-z]+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))
ACCOUNT = yaml.safe_load(
    re.findall(r"```yaml\n# on the ServiceAccount shop/web\n(.*?)```", PAGE, re.DOTALL)[0]
)


def test_every_annotation_of_the_page_is_admitted_together() -> None:
    """With the service account's own ids, and within the policy."""
    asked: dict[str, str] = {}
    for name, text in BLOCKS.items():
        if name.startswith("pod:"):
            asked |= yaml.safe_load(text)
    operator = settings.load(BLOCKS["operator: policy"])
    around = context(service_account_annotations=ACCOUNT)
    plan = plan_of(patched(pod(asked), around, operator))

    assert {store.name for store in plan.stores} == {"azure-keyvault", "audit"}
    assert len(plan.secrets) == len([key for key in asked if "stores" not in key])


def test_the_policy_of_the_page_refuses_another_vault() -> None:
    """And so says it."""
    operator = settings.load(BLOCKS["operator: policy"])
    around = context(service_account_annotations=ACCOUNT)
    document = pod({"syrette.dev/file.a": "azure-keyvault:other-kv/secrets/a"})

    assert "does not permit the path" in denial(document, around, operator).message


def test_the_credential_of_the_page_is_the_one_that_a_login_needs() -> None:
    """Subject and audience as the pod's token has them."""
    assert (
        f"--subject system:serviceaccount:shop:web --audiences {CLOUDS['public'].audience}" in PAGE
    )
