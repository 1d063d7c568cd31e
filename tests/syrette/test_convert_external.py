"""ExternalSecrets become annotations of the pods that read them."""

from __future__ import annotations

from typing import Any

import pytest

from injector.material import Material
from injector.render import Value, render
from syrette import decisions
from syrette.convert import convert
from syrette.convert.external import store_table, table
from tests.house.source import ROOT
from tests.syrette.converting import SETTINGS
from tests.syrette.externals import CASES, converted, findings, manifests, ours
from webhook.review import Allowed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_an_external_secret_and_its_pod_become_these_annotations(case: dict[str, Any]) -> None:
    """What is converted is out of the pod; ExternalSecret and store are left as they are."""
    given = manifests(case)
    result = convert(given)
    (container,) = result.documents[0]["spec"]["containers"]

    assert ours(result) == case["ours"]
    assert "volumes" not in result.documents[0]["spec"]
    assert container == {"name": "app", "image": "acme/web", **case.get("after", {})}
    assert result.documents[1:] == given[1:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_report_names_these_fields(case: dict[str, Any]) -> None:
    """Each by its path, and nothing else is without equivalent."""
    found = findings(convert(manifests(case)))
    wanted = case.get("findings", {})
    missing = {
        key: found.get(key)
        for key, (fate, words) in wanted.items()
        if key not in found or found[key][0] != fate or words not in found[key][1]
    }
    others = {key for key, (fate, _) in found.items() if fate == "no equivalent"} - set(wanted)

    assert missing == {}
    assert others == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_the_webhook_admits_what_an_external_secret_becomes(case: dict[str, Any]) -> None:
    """Nothing is wanting but what the report says that only a person knows."""
    (decision,) = decisions.decide(convert(manifests(case)).documents, SETTINGS)
    if "undecided" in case:
        assert len(decision.problems) == 1
        assert case["undecided"] in decision.problems[0]
        return
    assert isinstance(decision.verdict, Allowed), decision.problems


def test_what_the_injector_writes_is_what_the_secret_held() -> None:
    """Byte by byte: a whole document whatever the file is called, a template, a decoded key."""
    secret = {
        "target": {
            "template": {
                "mergePolicy": "Merge",
                "data": {"url": 'db://{{ .user | upper }}:{{ .word | b64enc }}@{{ "{{" }}'},
            }
        },
        "data": [
            {"secretKey": "app.yaml", "remoteRef": {"key": "app"}},
            {"secretKey": "user", "remoteRef": {"key": "app", "property": "user"}},
            {
                "secretKey": "word",
                "remoteRef": {"key": "app", "property": "word", "decodingStrategy": "Base64"},
            },
        ],
    }
    result = converted(secret, volume={"secretName": "db"})
    stored = b'{"user": "joe",  "word": "cGFzcw=="}'
    (decision,) = decisions.decide(result.documents, SETTINGS)
    assert isinstance(decision.verdict, Allowed), decision.problems
    assert decision.plan is not None
    values = {
        source.reference.read: Value(Material(stored))
        for wanted in decision.plan.secrets
        for source in wanted.sources
    }
    rendered = [render(wanted, values) for wanted in decision.plan.secrets]
    files = {file.path: file.material.reveal() for it in rendered for file in it.files}

    assert files == {
        "app.yaml": stored,
        "user": b"joe",
        "word": b"pass",
        "url": b"db://JOE:cGFzcw==@{{",
    }


def test_every_field_of_the_tables_is_on_the_page() -> None:
    """Whoever looks for one finds what becomes of it."""
    page = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
    rows = [*table.EXTERNAL_SECRET, *table.CLUSTER, *table.STORE, *table.KINDS]
    rows += [key for fields in store_table.PROVIDERS.values() for key in fields]

    assert [key for key in rows if f"| `{key}` |" not in page] == []
