"""Alerts and dashboard speak of metrics that exist."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING

import yaml

from deploy.render_manifests import CHART
from docs.dashboard import PICTURE
from injector.contract.reasons import Reason
from injector.metrics_port import OWN_METRICS
from tests.deploy.chart import EVERYTHING, named
from tests.webhook.server.house import serving
from webhook.decisions import Outcome
from webhook.metrics import WATCHED

if TYPE_CHECKING:
    from pathlib import Path

DASHBOARD = (CHART / "dashboards" / "syrette.json").read_text(encoding="utf-8")
ALERTS = (CHART / "alerts.yaml").read_text(encoding="utf-8")
OF_PROCESSES = {"process_resident_memory_bytes"}
"""Read from /proc: not where tests run without it."""


def _expressions() -> list[str]:
    panels = json.loads(DASHBOARD)["panels"]
    rules = yaml.safe_load(ALERTS)["groups"][0]["rules"]
    return [
        *(target["expr"] for panel in panels for target in panel["targets"]),
        *(rule["expr"] for rule in rules),
    ]


def test_every_metric_of_alerts_and_panels_is_exposed(tmp_path: Path) -> None:
    """A renamed metric would leave a panel empty and an alert silent."""
    with serving(tmp_path) as running:
        exposed = running.probe("/metrics").body.decode() + OWN_METRICS
    names = set(re.findall(r"^([a-z_]+)", exposed, re.MULTILINE)) | OF_PROCESSES
    # Of a cluster and a managed certificate, which this server has not.
    names |= {f"syrette_{name}" for name in WATCHED}
    used = {
        name
        for expression in _expressions()
        for name in re.findall(r"\b(?:syrette|process)_[a-z_]+", expression)
    }

    assert used
    assert used - names == set()


def test_the_picture_shows_the_dashboard_that_is_shipped() -> None:
    """Every panel is in it by its title; `make dashboard` draws it again."""
    picture = PICTURE.read_text(encoding="utf-8")
    titles = [panel["title"] for panel in json.loads(DASHBOARD)["panels"]]

    assert len(titles) > 10
    assert [title for title in titles if f">{escape(title)}<" not in picture] == []
    assert "not by Grafana" in picture


def test_every_label_of_a_selector_is_one_that_is_written() -> None:
    """Verdicts and reasons in selectors are words of the closed lists."""
    selectors = [
        pair for text in _expressions() for pair in re.findall(r'(verdict|reason)="([^"]+)"', text)
    ]

    assert selectors
    assert {word for label, word in selectors if label == "verdict"} <= set(Outcome)
    assert {word for label, word in selectors if label == "reason"} <= set(Reason)


def test_the_chart_ships_both_as_they_are() -> None:
    """Neither Helm's templating nor the indentation changes what Prometheus and Grafana read."""
    rule = named("PrometheusRule", "syrette", EVERYTHING)
    dashboard = named("ConfigMap", "syrette-dashboard", EVERYTHING)

    assert rule["spec"] == yaml.safe_load(ALERTS)
    assert json.loads(dashboard["data"]["syrette.json"]) == json.loads(DASHBOARD)
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_every_alert_says_what_it_means() -> None:
    """Whoever is woken reads a sentence and knows how bad it is."""
    rules = yaml.safe_load(ALERTS)["groups"][0]["rules"]

    assert all(rule["annotations"]["summary"].endswith(".") for rule in rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"critical", "warning"}
