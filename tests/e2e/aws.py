"""The AWS world as a pod of the cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.kubectl import apply, eventually, kubectl, pods, raw, ready
from tests.e2e.worlds import Control, objects

NAMESPACE: Final = "aws-world"
SERVICE: Final = "aws"
HOST: Final = f"{SERVICE}.{NAMESPACE}.svc"
URL: Final = f"https://{HOST}:8443"
_CONTROL: Final = Control(NAMESPACE, SERVICE)
READ_ALL: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["secretsmanager:*", "ssm:*"], "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class Aws:
    """The running world."""

    ca: str

    def call(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - JSON
        """Change the world."""
        return _CONTROL.call(name, *args, **kwargs)

    def journal(self, action: str = "") -> list[dict[str, Any]]:
        """What it was asked."""
        entries: list[dict[str, Any]] = _CONTROL.read("/journal")
        return [entry for entry in entries if action in {"", entry["action"]}]

    @property
    def endpoints(self) -> dict[str, str]:
        """For the operator's configuration."""
        return {f"aws.{name}": URL for name in ("sts", "secretsmanager", "ssm")}


def start(image: str) -> Aws:
    """Start it, with the cluster's own issuer, and give it the time that it needs."""
    discovery = json.loads(raw("/.well-known/openid-configuration"))
    keys = raw("/openid/v1/jwks")
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    apply(*_objects(image, discovery["issuer"], keys))
    eventually(lambda: any(ready(pod) for pod in pods(NAMESPACE)))
    return Aws(eventually(_CONTROL.ca))


def _objects(image: str, issuer: str, keys: str) -> list[dict[str, Any]]:
    return objects(
        NAMESPACE,
        SERVICE,
        image,
        ["worlds.aws.serving", "--issuer", issuer, "--key-set", "/world/jwks.json"],
        files={"jwks.json": keys},
        ports={"https": 8443, "agent": 8080, "control": 8081},
    )
