"""
Draw `docs/dashboard.svg`: `make dashboard`, in a cluster that `make e2e` would run in.

Two minutes of a real load on a real webhook, scraped by a real Prometheus: pods that are injected,
pods with mistakes, a burst, replicas that stand still for a moment, connections that speak no TLS,
and a provider that is out. Then every query of the dashboard and of the alerts is asked. A panel
without an answer fails.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from deploy.render_manifests import CHART
from docs import dashboard
from tests.e2e import aws, installation, replicas
from tests.e2e.kubectl import apply, create, execute, kubectl, names
from tests.e2e.load import DB, at_once, proxied, send, under_load, unscheduled
from tests.e2e.prometheus import SCRAPE_SECONDS, Prometheus, Target, prometheus, wait_until
from tests.e2e.workloads import PYTHON, ROLE, is_ready, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.aws import Aws

SECONDS: Final = 120
ALERTS: Final = CHART / "alerts.yaml"
NAMESPACE: Final = "dashboard"
PORT: Final = 9465
RATE_INTERVAL: Final = f"{SCRAPE_SECONDS * 5}s"
CAPTION: Final = (
    f"{SECONDS} s of a real webhook under load, drawn from the dashboard's own queries as "
    "Prometheus answered them; not by Grafana (make dashboard)"
)
MISTAKES: Final = (
    {"file.db.json": "aws-secretsmanagr:prod/db"},
    {"fil.db.json": "aws-secretsmanager:prod/db", **DB},
)
JUNK: Final = """
import socket, sys
for host in sys.argv[1:]:
    for _ in range(15):
        with socket.create_connection((host, 8443)) as connection:
            connection.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
"""


def main() -> int:
    """Install, load, ask, draw; 1 if a query had no answer."""
    world = _installed()
    targets = [
        *(Target(installation.NAMESPACE, name, 8080) for name in names(installation.replicas())),
        Target(NAMESPACE, "watched", PORT),
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        proxied() as proxy,
        prometheus(Path(folder), proxy.port, targets) as asked,
    ):
        began = time.time()
        _load(world, began)
        panels = dashboard.panels(RATE_INTERVAL)
        drawn = [(panel, _answers(asked, panel, began)) for panel in panels]
        for rule in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]:
            asked.ask("query", query=rule["expr"])  # refused if it cannot be read
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    empty = [panel.title for panel, series in drawn if not series]
    if empty:
        print(f"no answer: {', '.join(empty)}", file=sys.stderr)
        return 1
    dashboard.PICTURE.write_text(dashboard.draw(CAPTION, drawn, SECONDS), encoding="utf-8")
    print(f"{dashboard.PICTURE}: {len(drawn)} panels")
    return 0


def _installed() -> Aws:
    """Syrette, its AWS, and a pod whose sidecar is watched."""
    installation.load_image()
    world = aws.start(installation.IMAGE)
    world.call("put_secret", "prod/db", '{"username": "shop", "password": "made up"}')
    config: dict[str, object] = {
        "cluster": "e2e",
        "defaults": {"aws.region": "eu-west-1"},
        "endpoints": world.endpoints,
        "ca-bundle": world.ca,
    }
    installation.install(config)
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    world.call("role", "dashboard", NAMESPACE, "web", aws.READ_ALL)
    role = {"eks.amazonaws.com/role-arn": f"{ROLE}/dashboard"}
    account = {"name": "web", "namespace": NAMESPACE, "annotations": role}
    apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
    )
    watched = {**DB, "refresh": "2s", "max-stale": "10s", "metrics-port": str(PORT)}
    create(pod("watched", NAMESPACE, watched))
    is_ready(NAMESPACE, "watched")
    replicas.start_host(NAMESPACE)
    return world


def _load(world: Aws, began: float) -> None:
    """Everything that happens; returns when the time is over."""
    addresses = [one["status"]["podIP"] for one in installation.replicas()]
    with under_load(NAMESPACE, per_second=10):
        wait_until(began + 25)
        with _mistakes():
            wait_until(began + 45)
            at_once(NAMESPACE, 800, workers=12)
            wait_until(began + 65)
        with replicas.frozen(NAMESPACE, installation.replicas(), 2.5):
            at_once(NAMESPACE, 20, workers=10)
        wait_until(began + 80)
        execute(NAMESPACE, "host", "app", PYTHON, "-c", JUNK, *addresses)
        world.call("break_down", 503)
        try:
            wait_until(began + SECONDS)
        finally:
            world.call("come_back")


@contextmanager
def _mistakes() -> Iterator[None]:
    """Create pods that are denied, a few each second, while the block runs."""
    ended = threading.Event()

    def work() -> None:
        with proxied() as proxy:
            path, number = f"/api/v1/namespaces/{NAMESPACE}/pods", 0
            while not ended.wait(0.4):
                number += 1
                wrong = unscheduled(f"wrong-{number}", NAMESPACE, MISTAKES[number % 2])
                send(proxy.connection(), "POST", path, wrong)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _answers(asked: Prometheus, panel: dashboard.Panel, began: float) -> list[dashboard.Series]:
    """Ask everything that a panel asks; one query without an answer leaves the panel empty."""
    series = []
    for query in panel.queries:
        found = asked.over(query.expression, began, began + SECONDS)
        if not found:
            return []
        for one in found:
            points = [(moment - began, float(value)) for moment, value in one["values"]]
            series.append(dashboard.Series(query.name(one["metric"]), points))
    return series


if __name__ == "__main__":
    sys.exit(main())
