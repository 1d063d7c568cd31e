"""The real webhook as a process of its own, and an API server's side of its conversation."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import uuid
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import yaml

from syrette.demo.waiting import StepError, eventually
from worlds.certificates import issue

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS: Final = 10.0
_ANY_PORT: Final = "127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the webhook answered to one admission review."""

    allowed: bool
    operations: list[dict[str, Any]]
    """The patch; empty when denied."""
    message: str
    """Of a denial."""


class Webhook:
    """
    `python -m webhook` on a free port of 127.0.0.1, with a certificate made for it.

    Args:
        folder: for its files and log.
        operator: the operator's configuration.
        cluster: the cluster's facts.
    """

    def __init__(self, folder: Path, operator: dict[str, Any], cluster: dict[str, Any]) -> None:
        certificates = issue("webhook")
        files = {
            "tls.crt": certificates.chain,
            "tls.key": certificates.key,
            "operator.yaml": yaml.safe_dump(operator),
            "cluster.yaml": yaml.safe_dump(cluster),
        }
        for name, text in files.items():
            (folder / name).write_text(text)
        self._folder = folder
        self._trust = ssl.create_default_context(cadata=certificates.ca)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        words = [
            *("--listen", _ANY_PORT, "--metrics-listen", _ANY_PORT, "--drain-seconds", "0"),
            *("--tls-cert", "tls.crt", "--tls-key", "tls.key"),
            *("--config", "operator.yaml", "--cluster-facts", "cluster.yaml"),
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves, without a shell
                [sys.executable, "-m", "webhook", *words],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.port = eventually(self._serving, _SECONDS, "the webhook did not start")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process, 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    def stop(self) -> int:
        """End it with SIGTERM, the hard way if it does not; gives its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def admit(self, pod: dict[str, Any]) -> Reply:
        """
        Post the review that an API server posts when this pod is created.

        Raises:
            StepError: when there is no answer, or none that an API server would take.
        """
        uid = str(uuid.uuid4())
        review = json.dumps(_review(pod, uid)).encode()
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=_SECONDS, context=self._trust
        )
        try:
            connection.request("POST", "/mutate", review, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["response"]
        except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
            raise StepError(f"the webhook did not answer: {type(exc).__name__}") from exc
        finally:
            connection.close()
        if answer["uid"] != uid:
            msg = "the webhook answered another request"
            raise StepError(msg)
        patch = json.loads(b64decode(answer["patch"])) if answer.get("patch") else []
        message = (answer.get("status") or {}).get("message", "")
        return Reply(answer["allowed"], patch, message)

    def decision(self) -> str:
        """Give the last line of its log: what it decided, without the pod."""
        return self.log()[-1]

    def log(self) -> list[str]:
        """Everything that it has written."""
        return (self._folder / "log").read_text().splitlines()

    def _serving(self) -> int:
        """Find the port in the log, 0 while it is not there."""
        if self._process is not None and self._process.poll() is not None:
            raise StepError(f"the webhook ended: {' '.join(self.log()[-1:])}")
        for line in self.log():
            with suppress(ValueError):
                event = json.loads(line)
                if event.get("message") == "serving":
                    return int(event["port"])
        return 0


def _review(pod: dict[str, Any], uid: str) -> dict[str, Any]:
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "namespace": pod["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": pod,
            "oldObject": None,
            "dryRun": False,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        },
    }
