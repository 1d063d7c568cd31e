"""docs/providers/gcp.md: its annotations are admitted, under the policy that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from injector.contract import google
from tests.webhook.mutation.pods import context, denial, patched, plan_of, pod
from webhook import settings

PAGE = (Path(__file__).parents[3] / "docs" / "providers" / "gcp.md").read_text()
BLOCKS = dict(re.findall(r"<!-- ([a-z]+: [a-z]+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))
ACCOUNT = yaml.safe_load(
    re.findall(r"```yaml\n# on the ServiceAccount shop/web\n(.*?)```", PAGE, re.DOTALL)[0]
)
OPERATOR = settings.load(BLOCKS["operator: defaults"] + BLOCKS["operator: policy"])
AROUND = context(service_account_annotations=ACCOUNT)


@pytest.mark.parametrize(
    ("block", "sources"),
    [("gke", {"gke"}), ("secrets", {"federation"}), ("sources", {"credentials"})],
)
def test_the_annotations_of_the_page_are_admitted(block: str, sources: set[str]) -> None:
    """With the operator's defaults, the service account's annotation, and within the policy."""
    asked = yaml.safe_load(BLOCKS[f"pod: {block}"])
    plan = plan_of(patched(pod(asked), AROUND, OPERATOR))

    assert {store.text("auth") for store in plan.stores} == sources
    assert len(plan.secrets) == len([key for key in asked if "stores" not in key])


def test_the_policy_of_the_page_refuses_another_project() -> None:
    """And so says it."""
    document = pod({"syrette.dev/file.a": "gcp-secretmanager:projects/other/secrets/db"})

    assert "does not permit the path" in denial(document, AROUND, OPERATOR).message


def test_the_page_has_every_source_in_its_order() -> None:
    """As the contract's table."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`gcp|nothing)", PAGE, re.MULTILINE)

    assert rows == [row.name for row in google.SOURCES]


def test_the_member_of_the_page_is_the_one_that_our_errors_name() -> None:
    """Of the provider that the defaults give."""
    pool = OPERATOR.defaults["gcp.workload-identity-provider"].partition("/providers/")[0]

    assert f'--member="principal://iam.googleapis.com/{pool}/subject/system:serviceaccount:' in PAGE
