"""The operators' page says what the programs do: every metric, field, reason and exit code."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from docs import generate
from docs.operations_tables import DECISION_LINE
from injector import metrics_port, status, supervision
from injector.contract.reasons import CONSEQUENCES, Reason
from tests.injector.status.test_status import NOW, PLAN, REPORT
from tests.webhook.server.house import serving
from webhook.decisions import Decision, Outcome
from webhook.log import Log

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (generate.FOLDER / "operations.md").read_text(encoding="utf-8")


def _rows(text: str) -> set[str]:
    """Give the first cells of a page's tables, without their marks."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def _metrics(text: str) -> set[tuple[str, str]]:
    """Give name and type of each metric of ours, as the page spells them."""
    return {
        (family.name + ("_total" if family.type == "counter" else ""), family.type)
        for family in text_string_to_metric_families(text)
        if family.name.startswith("syrette_") and not family.name.endswith("_created")
    }


def _documented(prefix: str) -> set[tuple[str, str]]:
    found = re.findall(r"^\| `(syrette_\w+)` \| (\w+) \|", PAGE, re.MULTILINE)
    return {(name, kind) for name, kind in found if name.startswith(prefix)}


def test_the_metrics_of_a_running_webhook_are_those_of_the_page(tmp_path: Path) -> None:
    """No metric is shown that is not documented, and none documented that is not shown."""
    with serving(tmp_path) as running:
        shown = _metrics(running.probe("/metrics").body.decode())

    in_a_cluster = {("syrette_cluster_facts_age_seconds", "gauge"), ("syrette_leader", "gauge")}

    assert shown
    assert shown | in_a_cluster == _documented("syrette_") - _documented("syrette_sidecar")


def test_the_metrics_of_a_sidecar_are_those_of_the_page() -> None:
    """Of the worker and of the supervisor, with every label."""
    text = status.metrics(PLAN, REPORT, NOW).decode() + metrics_port.OWN_METRICS % (0, 0)
    labels = {
        label
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for label in sample.labels
    }

    assert _metrics(text) == _documented("syrette_sidecar")
    assert all(f"`{label}`" in PAGE for label in labels)


def test_the_fields_of_the_status_document_are_on_the_page() -> None:
    """Each field of a secret and of a read is named."""
    document = json.loads(status.document(PLAN, REPORT, NOW))
    names = {*document["secrets"][0], *next(iter(document["reads"].values()))}

    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_the_fields_of_the_decision_line_are_those_of_the_page() -> None:
    """Whatever a line can hold is documented, and nothing else is."""
    reading, writing = os.pipe()
    filled = {bool: True, int: 1, tuple: ("app:db",), str: "x"}
    values = {row.name: filled.get(type(row.default)) for row in fields(Decision)}
    decision = Decision(**{**values, "verdict": Outcome.ALLOWED})  # type: ignore[arg-type]
    Log(writing).decided(decision, 0.001)
    os.close(writing)
    with os.fdopen(reading) as stream:
        line = json.loads(stream.read())

    assert set(line) == set(DECISION_LINE)
    assert set(line) <= _rows(PAGE)


def test_every_exit_code_is_on_the_page_with_its_reasons() -> None:
    """An operator who sees a code finds all that it may mean."""
    table = PAGE.partition("## The init container")[2].partition("### ")[0]
    rows = [[cell.strip() for cell in row.split("|")] for row in table.splitlines() if "|" in row]
    ours = list(Reason)[list(Reason).index(Reason.INVALID_PLAN) :]
    missing = [
        reason
        for reason in ours
        if not any(
            row[1] == str(CONSEQUENCES[reason].exit_code)
            and f"`{reason}`" in row[3]
            and ("init-timeout" in row[4]) == CONSEQUENCES[reason].retryable
            for row in rows
        )
    ]

    assert missing == []
    assert f"with {supervision.RESTART_EXIT_CODE} when" in PAGE


def test_the_numbers_in_the_prose_are_those_of_the_code() -> None:
    """Pauses and deadlines that the page tells are the programs' own."""
    least, most = supervision.BACK_OFF

    assert f"{least:g} s to {most / 60:g} minutes" in PAGE
    assert f"after {supervision.WORKER_SECONDS:g} s" in PAGE


def test_the_flags_of_the_webhook_say_what_they_take() -> None:
    """A word for the value, or the choices."""
    flags = dict(re.findall(r"^\| `(--[\w-]+) (\S+)` \|", PAGE, re.MULTILINE))

    assert flags["--cluster"] == "{none,kubernetes}"
    assert flags["--config"] == "FILE"
    assert "None" not in flags.values()
