"""What an operator asks of a real cluster: `syrette check` and `syrette doctor`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from deploy.render_manifests import CHART
from docs.dashboard import DASHBOARD
from tests.e2e import installation, replicas
from tests.e2e.conftest import VALUE
from tests.e2e.kubectl import create, kubectl, raw
from tests.e2e.operator import forwarded_aws, syrette, tenant
from tests.e2e.workloads import is_ready, pod

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.e2e.conftest import Place

DB = {"file.db.json": "aws-secretsmanager:prod/db", "file.key": "aws-ssm:/prod/api-key"}
ALERTS: Final = CHART / "alerts.yaml"
NAME: Final = re.compile(r"^([a-z_]+)", re.MULTILINE)


def test_check_reads_as_the_account_under_a_tenants_own_rights(
    place: Place, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A token of the real API server, for who has the example's Role; no value is shown."""
    manifest, config = tmp_path / "pod.yaml", tmp_path / "operator.yaml"
    manifest.write_text(yaml.safe_dump(pod("web", place.namespace, DB)))
    given = ["check", "-f", str(manifest), "--config", str(config), "-n", place.namespace]
    given += ["--service-account", "web", "-o", "json", "--kubeconfig"]
    with forwarded_aws(tmp_path) as endpoints:
        operator = request.getfixturevalue("syrette")
        config.write_text(yaml.safe_dump({**operator, "endpoints": endpoints}))
        said = syrette(*given, str(tenant(place.namespace, tmp_path, permitted=True)))
        refused = syrette(*given, str(tenant(place.namespace, tmp_path, permitted=False)))
    secrets = said.json["workloads"][0]["secrets"] if said.out else []

    assert said.code == 0, said.err
    assert [secret["readable"] for secret in secrets] == [True, True]
    assert all(f":assumed-role/{place.role}/" in secret["identity"] for secret in secrets)
    assert secrets[1]["storedBytes"] == len(VALUE)
    assert VALUE not in said.out + said.err
    assert refused.code == 2
    assert "examples/guard-rails/check-per-tenant.yaml" in refused.err


def test_every_metric_of_panels_and_alerts_is_exposed(place: Place) -> None:
    """A replica that leads and follows a cluster, and a sidecar, show all that is asked for."""
    create(pod("watched", place.namespace, {**DB, "metrics-port": "9465", "max-stale": "1h"}))
    is_ready(place.namespace, "watched")
    sidecar = f"/api/v1/namespaces/{place.namespace}/pods/watched:9465/proxy/metrics"
    replica = installation.replicas()[0]["metadata"]["name"]
    exposed = set(NAME.findall(replicas.exposed(replica) + "\n" + raw(sidecar)))
    asked = {
        name
        for text in (DASHBOARD.read_text(), ALERTS.read_text())
        for name in re.findall(r"\b(?:syrette|process)_[a-z_]+", text)
    }

    assert len(asked) > 10
    assert asked - exposed == set()


def test_doctor_tells_a_healthy_installation_from_one_without_replicas(place: Place) -> None:
    """The API server's own word that it reaches the webhook, and that it no longer does."""
    kubectl("label", "namespace", place.namespace, "syrette.dev/enforcement=disabled")
    create(pod("bare", place.namespace, DB))
    well = syrette("doctor", "-o", "json")
    count = len(installation.replicas())
    installation.scale(0)
    try:
        ill = syrette("doctor", "-o", "json")
    finally:
        installation.scale(count)
    healthy = {one["check"]: one for one in well.json["findings"]}
    sick = {one["check"]: one for one in ill.json["findings"]}

    for check in ("reachable", "registration", "certificate", "policies", "replicas", "lease"):
        assert healthy[check]["level"] == "ok", healthy[check]
    assert f"{place.namespace}/bare" in healthy["uninjected"]["names"]
    assert place.namespace in healthy["enforcement"]["names"]
    assert sick["reachable"]["level"] == "problem"
    assert "cannot call the webhook" in sick["reachable"]["said"]
    assert sick["replicas"]["level"] == "problem"
    assert (well.code, ill.code) == (1, 1)
