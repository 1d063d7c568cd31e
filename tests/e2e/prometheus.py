"""A real Prometheus beside the cluster, which scrapes pods through the API server."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlencode

import yaml

from tests.e2e.kubectl import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRAPE_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Target:
    """A pod's port, with the labels that a ServiceMonitor or PodMonitor gives it."""

    namespace: str
    pod: str
    port: int

    @property
    def path(self) -> str:
        """Of its metrics, through the API server."""
        pod = f"http:{self.pod}:{self.port}"
        return f"/api/v1/namespaces/{self.namespace}/pods/{pod}/proxy/metrics"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running one."""

    port: int

    def ask(self, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON
        """Ask its API; gives `data`."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]

    def over(self, expression: str, start: float, end: float) -> list[dict[str, Any]]:
        """Evaluate an expression at each scrape; gives series with `metric` and `values`."""
        found: list[dict[str, Any]] = self.ask(
            "query_range", query=expression, start=start, end=end, step=SCRAPE_SECONDS
        )["result"]
        return found

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.ask("status/runtimeinfo"))
        except (URLError, OSError):
            return False


@contextmanager
def prometheus(folder: Path, proxy: int, targets: list[Target]) -> Iterator[Prometheus]:
    """
    Run it as long as the block lasts.

    Args:
        folder: for its configuration and data.
        proxy: port of a `kubectl proxy`.
        targets: what it scrapes.

    Raises:
        AssertionError: if there is none on the PATH, or it does not come up.
    """
    program = shutil.which("prometheus")
    assert program, "there is no `prometheus` on the PATH (Debian's package has that name)"
    config = {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s"},
        "scrape_configs": [
            {
                "job_name": "syrette",
                "static_configs": [_static(target, proxy) for target in targets],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = _free_port()
    words = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([program, *words], stdout=log, stderr=log) as process,
    ):
        made = Prometheus(port)
        try:
            eventually(made.is_up, seconds=30)
            yield made
        finally:
            process.terminate()


def _static(target: Target, proxy: int) -> dict[str, Any]:
    labels = {
        "__metrics_path__": target.path,
        "namespace": target.namespace,
        "pod": target.pod,
    }
    return {"targets": [f"127.0.0.1:{proxy}"], "labels": labels}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_until(moment: float) -> None:
    """Sleep until a moment of the epoch."""
    time.sleep(max(0.0, moment - time.time()))
