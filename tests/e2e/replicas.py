"""The webhook's processes: who leads, what each one serves and counts, frozen and killed."""

from __future__ import annotations

import re
import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.installation import NAMESPACE, replicas
from tests.e2e.kubectl import create, eventually, execute, get, kubectl, raw
from tests.e2e.workloads import PYTHON, container, is_ready, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST: Final = "host"
# A process of a container is found by the container's id in the path of its cgroup.
_SIGNAL: Final = """
import os, pathlib, signal, sys, time
ids, steps = sys.argv[1].split(','), sys.argv[2:]
found = []
for path in pathlib.Path('/proc').glob('[0-9]*/cgroup'):
    try:
        if any(i in path.read_text() for i in ids):
            found.append(int(path.parent.name))
    except OSError:
        pass
assert len(found) >= len(ids), 'no such process'
for step in steps:
    if step.startswith('SIG'):
        for pid in found:
            os.kill(pid, signal.Signals[step])
        print(step, flush=True)
    else:
        time.sleep(float(step))
"""


def start_host(namespace: str) -> None:
    """
    Start a pod that sees the node's processes and has the webhook's own user.

    From inside its own container a webhook cannot be stopped: it is the first process there, to
    which the kernel delivers no SIGSTOP and no SIGKILL of its own namespace.
    """
    user = {"runAsUser": 65532, "runAsGroup": 65532, "runAsNonRoot": True}
    create(
        pod(
            _HOST,
            namespace,
            {},
            container("app"),
            hostPID=True,
            securityContext=user,
            nodeName=replicas()[0]["spec"]["nodeName"],
        )
    )
    is_ready(namespace, _HOST)


def send(host: str, pods: list[dict[str, Any]], *steps: str) -> None:
    """Send the webhooks of these pods signals, with pauses in seconds between them."""
    execute(host, _HOST, "app", PYTHON, "-c", _SIGNAL, _ids(pods), *steps)


@contextmanager
def frozen(host: str, pods: list[dict[str, Any]], seconds: float) -> Iterator[None]:
    """Freeze the webhooks of these pods; the block runs meanwhile, its end waits for the thaw."""
    steps = ("SIGSTOP", str(seconds), "SIGCONT")
    command = ("kubectl", "-n", host, "exec", _HOST, "--", PYTHON, "-c", _SIGNAL, _ids(pods))
    with subprocess.Popen([*command, *steps], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "SIGSTOP\n"
        yield
        assert process.stdout.read() == "SIGCONT\n"


def _ids(pods: list[dict[str, Any]]) -> str:
    return ",".join(
        one["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2] for one in pods
    )


def leader() -> dict[str, Any]:
    """Wait for a pod that holds the Lease and is not ending."""

    def look() -> dict[str, Any]:
        holder = get("lease", "syrette-leader", NAMESPACE).get("spec", {}).get("holderIdentity")
        return next((one for one in replicas() if one["metadata"]["name"] == holder), {})

    return eventually(look)


def served(found: dict[str, Any]) -> str:
    """The certificate with which a replica answers, as PEM."""
    name = found["metadata"]["name"]
    command = ("kubectl", "-n", NAMESPACE, "port-forward", f"pod/{name}", ":8443")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = re.search(r":(\d+) ->", process.stdout.readline())
            assert port is not None
            return ssl.get_server_certificate(("127.0.0.1", int(port[1])), timeout=10)
        finally:
            process.terminate()


def counted(metric: str) -> float:
    """The sum of a counter over all replicas."""
    return sum(
        float(line.rpartition(" ")[2])
        for one in replicas()
        for line in exposed(one["metadata"]["name"]).splitlines()
        if line.startswith(metric)
    )


def exposed(name: str) -> str:
    """Everything that a replica shows to Prometheus."""
    return raw(_metrics(name))


def _metrics(name: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/pods/http:{name}:8080/proxy/metrics"


def restart() -> None:
    """Begin a rollout of the same template."""
    kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/syrette")
