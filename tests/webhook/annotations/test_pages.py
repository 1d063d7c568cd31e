"""The generated pages are what the code says, and their examples work."""

from __future__ import annotations

import re

import pytest
import yaml

from docs import generate
from tests.webhook.annotations.pods import intent
from webhook import settings
from webhook.annotations import table

ANNOTATIONS = (generate.FOLDER / "annotations.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", ANNOTATIONS, re.DOTALL)


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """`make docs` would change nothing."""
    written = (generate.FOLDER / name).read_text(encoding="utf-8")

    assert written == generate.page(name), "run `make docs`"


@pytest.mark.parametrize("key", [*table.OPTIONS, *table.STORE_OPTIONS, *table.FORMS])
def test_every_annotation_is_on_the_page(key: str) -> None:
    """No key is known to the code only."""
    assert f"`syrette.dev/{key}" in ANNOTATIONS


def test_the_examples_of_the_page_are_read_without_a_problem() -> None:
    """What people copy is what is accepted."""
    short, items, stores = EXAMPLES
    annotations = yaml.safe_load(short)["metadata"]["annotations"]
    found = intent(
        {
            **annotations,
            "syrette.dev/secrets": items,
            "syrette.dev/stores": stores,
            "syrette.dev/file.invoice.key": "billing:prod/invoice#key",
        }
    )

    assert len(found.secrets) == 9
    assert set(found.stores) == {"aws-secretsmanager", "aws-ssm", "billing"}


def test_the_example_of_the_operators_page_loads() -> None:
    """The document that operators copy is valid and uses most keys."""
    page = (generate.FOLDER / "operator-config.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    found = settings.load(example)

    assert [rule.name for rule in found.policy] == ["platform", "teams"]
