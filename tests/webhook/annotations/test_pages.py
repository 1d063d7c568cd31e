"""The generated pages are what the code says, and their examples work."""

from __future__ import annotations

import re

import pytest
import yaml

from docs import generate
from tests.webhook.annotations.pods import context, intent
from webhook import settings
from webhook.annotations import table
from webhook.annotations.intent import Options

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
    short, items, space, stores = EXAMPLES
    annotations = yaml.safe_load(short)["metadata"]["annotations"]
    found = intent(
        {
            **annotations,
            "syrette.dev/secrets": items,
            "syrette.dev/stores": stores,
            "syrette.dev/file.invoice.key": "billing:prod/invoice#key",
        },
        context(yaml.safe_load(space)["metadata"]["annotations"]),
    )

    assert len(found.secrets) == 9
    assert set(found.stores) == {"aws-secretsmanager", "aws-ssm", "billing"}


def test_the_example_of_the_operators_page_loads() -> None:
    """The document that operators copy is valid and uses most keys."""
    page = (generate.FOLDER / "operator-config.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    found = settings.load(example)

    assert [rule.name for rule in found.policy] == ["platform", "teams"]


@pytest.mark.parametrize("row", table.OPTIONS.values(), ids=lambda row: row.key)
def test_the_example_of_an_option_is_one(row: table.Annotation) -> None:
    """It parses, and is not the default."""
    assert row.parse(row.example) != getattr(Options(), row.field)


def test_the_sizes_of_our_containers_are_the_real_ones() -> None:
    """The page says what the operator's defaults are."""
    ours = settings.InjectorSettings()

    assert [table.OPTIONS[key].default for key in sorted(table.RESOURCE_OPTIONS)] == [
        ours.cpu_limit,
        ours.cpu_request,
        ours.memory_limit,
        ours.memory_request,
    ]


@pytest.mark.parametrize("text", re.findall(r"^\| `([a-z-]+:[^`]+)` \|", ANNOTATIONS, re.MULTILINE))
def test_the_references_of_the_page_are_read_without_a_problem(text: str) -> None:
    """Each form of the table can be copied."""
    stores = "billing: {provider: aws-secretsmanager}"
    operator = {
        "azure.client-id": "66666666-7777-8888-9999-000000000000",
        "azure.tenant-id": "11111111-2222-3333-4444-555555555555",
        "gcp.gke-cluster": "projects/acme-prod/locations/europe-west3/clusters/prod",
        "vault.address": "https://vault.acme.io",
        "vault.role": "web",
    }
    found = intent(
        {
            "syrette.dev/aws.region": "eu-west-1",
            "syrette.dev/stores": stores,
            "syrette.dev/dir.a": text,
        },
        settings=settings.Settings(defaults=operator),
    )

    assert str(found.secrets[0].sources[0].reference).endswith(text.removeprefix("arn:"))
