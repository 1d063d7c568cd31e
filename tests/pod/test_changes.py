"""What the application hears of a change, and what the sidecar says to whoever asks its port."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.injector.supervisor.process import ask, eventually, free_port, status_of
from tests.pod.tier import INIT, REFRESH, SIDECAR, pod, python
from worlds import faults
from worlds.pods import Application

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
WAITING = """
def told(*_):
    print("told " + open(root + "/secrets/db").read(), flush=True)
signal.signal(signal.SIGUSR1, told)
print("up", flush=True)
while True: signal.pause()
"""


@contextmanager
def listening(directory: Path) -> Iterator[tuple[int, list[str]]]:
    """An application's own endpoint on loopback: port, and what it heard with the file then."""
    heard: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(f"{self.path} {(directory / 'db').read_text()}")
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_change_is_told_by_a_request(tier: Tier, world: AwsWorld) -> None:
    """After the new file is there, and not for the first publication."""
    world.put_secret("prod/db", "old")
    with listening(tier.folder / "1" / "containers" / "app" / "root" / "secrets") as (port, heard):
        asked = {"file.db": DB, "on-change": f"http:POST http://127.0.0.1:{port}/-/reload"}
        tier.start(pod({**asked, **REFRESH}))
        world.rotate("prod/db", "new")
        eventually(lambda: heard)

        assert heard == ["/-/reload new"]


def test_a_change_is_told_by_a_signal(tier: Tier, world: AwsWorld) -> None:
    """With shared processes and one uid; only a process of that name is meant."""
    world.put_secret("prod/db", "old")
    name = f"app-{tier.folder.name[-9:]}"[:15]
    program = tier.folder / name
    program.symlink_to(sys.executable)
    application = Application([str(program), *python(WAITING).command[1:]])
    containers = [{"name": "app", "image": "app:1", "securityContext": {"runAsUser": 1000}}]
    asked = {"file.db": DB, "on-change": f"signal:SIGUSR1:{name}"}
    document = pod({**asked, **REFRESH}, containers=containers)
    runner = tier.start(document, applications={"app": application})
    log = runner.containers["app"].log
    eventually(lambda: "up" in log())
    world.rotate("prod/db", "new")
    eventually(lambda: "told" in log())

    assert log() == "up\ntold new\n"
    assert tier.patched(document)["spec"]["shareProcessNamespace"] is True


def test_a_change_restarts_all_containers(tier: Tier, world: AwsWorld) -> None:
    """Exit code 97 and the pod's own rule: init runs again, then the application with the new."""
    world.put_secret("prod/db", "old")
    read = python("print(open(root + '/secrets/db').read(), flush=True); time.sleep(600)")
    asked = {"file.db": DB, "on-change": "restart", "restart-spread": "1ms"}
    runner = tier.start(pod({**asked, **REFRESH}), applications={"app": read})
    log = runner.containers["app"].log
    eventually(lambda: log() == "old\n")
    world.rotate("prod/db", "new")
    eventually(lambda: log() == "old\nnew\n")
    ends = {it.container: it.exit_code for it in runner.history if it.what == "ended"}

    assert ends == {INIT: 0, SIDECAR: 97, "app": 137}
    assert {it.restarts for it in runner.containers.values()} == {1}
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_the_port_tells_status_and_metrics(tier: Tier, world: AwsWorld) -> None:
    """Over HTTP, as Prometheus and people ask: versions and moments, never values."""
    world.put_secret("prod/db", "old")
    version = world.rotate("prod/db", "s3cret-value")
    port = free_port()
    runner = tier.start(pod({"file.db": DB, "metrics-port": str(port)}))
    eventually(lambda: _answers(port))
    status = json.loads(ask(port, b"GET /status HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")[2])
    metrics = ask(port, b"GET /metrics HTTP/1.1\r\n\r\n").decode()

    assert status["complete"] is True
    assert [(it["target"], it["present"]) for it in status["secrets"]] == [("db", True)]
    assert status["reads"][DB]["version"] == version
    assert "syrette_sidecar_" in metrics
    assert "s3cret-value" not in json.dumps(status) + metrics
    assert status_of(ask(port)) == 200
    assert runner.ready(SIDECAR)


def test_a_stale_pod_becomes_unready(tier: Tier, world: AwsWorld) -> None:
    """`max-stale-action`: the probe in the pod fails while the provider is down, and recovers."""
    world.put_secret("prod/db", "old")
    asked = {
        "file.db": DB,
        "metrics-port": str(free_port()),
        "max-stale": "3s",
        "max-stale-action": "unready",
    }
    runner = tier.start(pod({**asked, **REFRESH}))
    eventually(lambda: runner.ready(SIDECAR))
    world.go_down(service="secretsmanager", fault=faults.status(503))
    eventually(lambda: not runner.ready(SIDECAR))

    assert (runner.directory("app", "/secrets") / "db").read_text() == "old"
    world.come_back()
    eventually(lambda: runner.ready(SIDECAR))
    assert runner.containers[SIDECAR].restarts == 0


def _answers(port: int) -> bool:
    try:
        return status_of(ask(port)) == 200
    except ConnectionError:
        return False
