"""A rotation is told to the application, and the sidecar tells how it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kubectl import (
    create,
    eventually,
    get,
    logs,
    raw,
    ready,
    server_minor,
    statuses,
)
from tests.e2e.workloads import container, is_ready, pod, read

if TYPE_CHECKING:
    from tests.e2e.aws import Aws
    from tests.e2e.conftest import Place

PORT = 9102
RESTART_MINOR = 36
"""The minor version of Kubernetes that restarts all containers in place."""
SIGNALLED = """
import signal
open("/proc/self/comm", "w").write("shop")
show = lambda *_: print("told:", open("/secrets/value").read(), flush=True)
signal.signal(signal.SIGHUP, show)
signal.signal(signal.SIGTERM, lambda *_: exit(0))
while True:
    signal.pause()
"""
ASKED = """
import http.server, signal
signal.signal(signal.SIGTERM, lambda *_: exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print("told:", self.path, open("/secrets/value").read(), flush=True)
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
"""


@pytest.fixture
def rotating(world: Aws, place: Place) -> str:
    """The name of a secret of this test's own, whose value is `one`."""
    name = f"changes/{place.namespace}"
    world.call("put_secret", name, "one")
    return name


def _annotations(secret: str, **options: str) -> dict[str, str]:
    reference = f"aws-secretsmanager:{secret}"
    given = {key.replace("_", "-"): value for key, value in options.items()}
    return {"file.value": reference, "refresh": "1s", **given}


def _told(place: Place, name: str) -> str:
    return eventually(
        lambda: [line for line in logs(place.namespace, name, "app").splitlines() if "told" in line]
    )[0]


def test_a_change_is_told_by_a_signal(world: Aws, place: Place, rotating: str) -> None:
    """The process of that name has SIGHUP once its file has the new value."""
    annotations = _annotations(rotating, on_change="signal:SIGHUP:shop")
    create(pod("signalled", place.namespace, annotations, container(code=SIGNALLED)))
    is_ready(place.namespace, "signalled")
    before = logs(place.namespace, "signalled", "app")
    world.call("rotate", rotating, "two")

    assert before == ""
    assert _told(place, "signalled") == "told: two"


def test_a_change_is_told_by_a_request(world: Aws, place: Place, rotating: str) -> None:
    """The application's own loopback port is asked once its file has the new value."""
    annotations = _annotations(rotating, on_change="http:POST http://127.0.0.1:8000/-/reload")
    create(pod("asked", place.namespace, annotations, container(code=ASKED)))
    is_ready(place.namespace, "asked")
    before = logs(place.namespace, "asked", "app")
    world.call("rotate", rotating, "two")

    assert before == ""
    assert _told(place, "asked") == "told: /-/reload two"


def test_a_change_restarts_all_containers_in_place(world: Aws, place: Place, rotating: str) -> None:
    """
    The pod stays the same, its containers start again with the new file and variable.

    A cluster that does not know how refuses it, and says since when it could.
    """
    annotations = _annotations(rotating, on_change="restart", restart_spread="1s")
    annotations["env.VALUE"] = f"aws-secretsmanager:{rotating}"
    made = pod("restarted", place.namespace, annotations)
    if server_minor() < RESTART_MINOR:
        assert "`restart` needs Kubernetes ≥ 1.36" in create(made, check=False).err
        return
    said = create(made)
    before = is_ready(place.namespace, "restarted")
    world.call("rotate", rotating, "two")
    after = eventually(lambda: _restarted(place, "restarted"))

    assert "no preStop hook" in said.err
    assert before["metadata"]["uid"] == after["metadata"]["uid"]
    assert read(place.namespace, "restarted", "/secrets/value") == "two"
    assert "VALUE=two" in read(place.namespace, "restarted", "/proc/1/environ")


def _restarted(place: Place, name: str) -> dict[str, Any]:
    found = get("pod", name, place.namespace)
    return found if ready(found) and statuses(found)["app"]["restartCount"] else {}


def test_the_sidecar_is_asked_through_the_api_server(place: Place, rotating: str) -> None:
    """Metrics, health and status are served where `metrics-port` says, and hold no value."""
    annotations = _annotations(rotating, metrics_port=str(PORT))
    create(pod("watched", place.namespace, annotations))
    is_ready(place.namespace, "watched")
    at = f"/api/v1/namespaces/{place.namespace}/pods/watched:{PORT}/proxy"
    metrics = raw(f"{at}/metrics")
    status = json.loads(raw(f"{at}/status"))

    assert "# TYPE syrette_sidecar_" in metrics
    assert raw(f"{at}/healthz")
    assert [one["target"] for one in status["secrets"]] == ["value"]
