"""The real webhook as a process, and what an API server does with its answers."""

from __future__ import annotations

import base64
import copy
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonpatch
import yaml

from tests.injector.supervisor.process import eventually
from tests.webhook.server.client import PATIENCE, Client, post
from tests.webhook.server.house import PKI

if TYPE_CHECKING:
    from worlds.aws import AwsWorld

Pod = dict[str, Any]
NAMESPACE: Final = "shop"
ROLE: Final = "arn:aws:iam::111122223333:role/web"
# `web` has a role and so logs in by web identity; `plain` has none: Pod Identity.
SERVICE_ACCOUNTS: Final = {"web": {"eks.amazonaws.com/role-arn": ROLE}, "plain": {}}
ROOT: Final = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook said to one review."""

    raw: bytes
    """Its whole response."""
    allowed: bool
    reason: str
    message: str
    warnings: list[str]
    patch: list[dict[str, Any]]
    pod: Pod
    """With the patch applied."""


class Webhook:
    """
    `python -m webhook`, told by its operator that AWS is the world.

    Args:
        folder: for its files.
        world: whose endpoints and certificate are configured.
        more: keys of the operator's configuration put over ours.
    """

    def __init__(self, folder: Path, world: AwsWorld, **more: Any) -> None:  # noqa: ANN401 - configuration
        self._pki = PKI(folder)
        facts, config = folder / "facts.yaml", folder / "config.yaml"
        facts.write_text(yaml.safe_dump(_facts()))
        config.write_text(yaml.safe_dump(_config(world) | more))
        self._log = folder / "webhook.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "webhook", "--listen", "127.0.0.1:0"),
                    *("--metrics-listen", "127.0.0.1:0", "--drain-seconds", "0"),
                    *("--tls-cert", str(self._pki.certificate), "--tls-key", str(self._pki.key)),
                    *("--cluster-facts", str(facts), "--config", str(config)),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(lambda: "\n" in self.log() or self.process.poll() is not None)
        ports = json.loads(self.log().splitlines()[0])
        self._port: int = ports["port"]
        self._metrics_port: int = ports["metrics_port"]

    def log(self) -> str:
        """Everything that it wrote to standard output and standard error."""
        return self._log.read_text()

    def metrics(self) -> str:
        """Its metrics."""
        with Client(self._metrics_port) as client:
            return client.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body.decode()

    def admit(self, pod: Pod) -> Answer:
        """Post the review that an API server posts for a new pod, and apply the answer."""
        with Client(self._port, self._pki.client()) as client:
            reply = client.ask(post(json.dumps(_review(pod)).encode()))
        assert reply.status == 200, reply.body
        response = json.loads(reply.body)["response"]
        patch = json.loads(base64.b64decode(response.get("patch", "W10=")))
        status = response.get("status", {})
        return Answer(
            raw=reply.body,
            allowed=response["allowed"],
            reason=status.get("reason", ""),
            message=status.get("message", ""),
            warnings=response.get("warnings", []),
            patch=patch,
            pod=jsonpatch.apply_patch(copy.deepcopy(pod), patch),
        )

    def close(self) -> None:
        """End it; it must end well."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0


def _facts() -> dict[str, Any]:
    accounts = {name: {"annotations": it} for name, it in SERVICE_ACCOUNTS.items()}
    return {"namespaces": {NAMESPACE: {"service-accounts": accounts}}}


def _config(world: AwsWorld) -> dict[str, Any]:
    return {
        "defaults": {"aws.region": world.region},
        "endpoints": {f"aws.{service}": url for service, url in world.endpoints.items()},
        "ca-bundle": world.ca_pem,
        "injector": {"image": f"registry.example/syrette@sha256:{'0' * 64}"},
    }


def _review(pod: Pod) -> dict[str, Any]:
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": NAMESPACE,
        "object": pod,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
