"""Many pods at a pace, straight to the API server: what a busy cluster does to the webhook."""

from __future__ import annotations

import http.client
import itertools
import json
import queue
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.kubectl import PATIENCE
from tests.e2e.workloads import pod

if TYPE_CHECKING:
    from collections.abc import Iterator

DB: Final = {"file.db.json": "aws-secretsmanager:prod/db"}
_CREATED: Final = 201
_MOST: Final = 5000
"""Pods of one load: a bound for a test that does not end it."""
_unused: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Proxy:
    """`kubectl proxy`, which speaks to any cluster with the credentials of its kubeconfig."""

    port: int

    def connection(self) -> http.client.HTTPConnection:
        """Open a connection of one's own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)


@contextmanager
def proxied() -> Iterator[Proxy]:
    """Run the proxy as long as the block lasts."""
    with subprocess.Popen(
        ["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            yield Proxy(int(said.rpartition(":")[2]))
        finally:
            process.terminate()


def send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object,
    kind: str = "application/json",
) -> tuple[int, dict[str, Any]]:
    """Send one request; gives status and answer."""
    connection.request(method, path, json.dumps(body), {"Content-Type": kind})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def unscheduled(name: str, namespace: str, annotations: dict[str, str]) -> dict[str, Any]:
    """Make a pod for a scheduler that nobody runs: it is admitted and stored, and costs no more."""
    return pod(name, namespace, annotations, schedulerName="nobody")


@dataclass
class Load:
    """What became of the pods so far."""

    namespace: str
    annotations: dict[str, str]
    created: list[str] = field(default_factory=list)
    """Names."""
    refused: list[str] = field(default_factory=list)
    """What was said of each pod that was not created."""
    _names: queue.Queue[str | None] = field(default_factory=queue.Queue)
    _ended: threading.Event = field(default_factory=threading.Event)

    def work(self, proxy: Proxy) -> None:
        """Create pods of the names that come, until None comes."""
        with closing(proxy.connection()) as connection:
            while (name := self._names.get()) is not None:
                self._create(connection, name)

    def pace(self, per_second: float) -> None:
        """Hand names out evenly until the load ends."""
        began = time.monotonic()
        for number in range(_MOST):
            if self._ended.wait(max(0.0, began + number / per_second - time.monotonic())):
                return
            self._names.put(f"load-{next(_unused)}")

    def hand_out(self, count: int) -> None:
        """Hand so many names out at once."""
        for _ in range(count):
            self._names.put(f"load-{next(_unused)}")

    def end(self, workers: int) -> None:
        """Let every worker end when it has nothing left to do."""
        self._ended.set()
        for _ in range(workers):
            self._names.put(None)

    def _create(self, connection: http.client.HTTPConnection, name: str) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        try:
            status, answer = send(
                connection, "POST", path, unscheduled(name, self.namespace, self.annotations)
            )
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            self.refused.append(f"{type(exc).__name__}: {exc}")
            return
        if status == _CREATED and injected(answer):
            self.created.append(name)
        else:
            self.refused.append(str(answer.get("message", "it was created without secrets")))


def injected(found: dict[str, Any]) -> bool:
    """Whether a pod has our init container."""
    return any(c["name"] == "syrette-init" for c in found["spec"].get("initContainers", []))


@contextmanager
def under_load(namespace: str, per_second: float, workers: int = 8) -> Iterator[Load]:
    """Create annotated pods at a pace while the block runs; its end waits for the last answer."""
    load = Load(namespace, DB)
    with proxied() as proxy:
        threads = [threading.Thread(target=load.work, args=[proxy]) for _ in range(workers)]
        pacer = threading.Thread(target=load.pace, args=[per_second])
        for thread in (*threads, pacer):
            thread.start()
        try:
            yield load
        finally:
            load.end(workers)
            for thread in (*threads, pacer):
                thread.join()


def at_once(namespace: str, count: int, workers: int) -> Load:
    """Create so many annotated pods as fast as the API server takes them."""
    load = Load(namespace, DB)
    load.hand_out(count)
    load.end(workers)
    with proxied() as proxy:
        threads = [threading.Thread(target=load.work, args=[proxy]) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return load
