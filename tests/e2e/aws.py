"""The AWS world as a pod of the cluster, reached through the API server."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.e2e.kubectl import apply, eventually, kubectl, pods, raw, ready

NAMESPACE: Final = "aws-world"
SERVICE: Final = "aws"
HOST: Final = f"{SERVICE}.{NAMESPACE}.svc"
_WORLDS: Final = Path(__file__).parents[2] / "worlds"
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
        asked = json.dumps({"call": name, "args": args, "kwargs": kwargs})
        return json.loads(raw(_proxy(f"/call?json={quote(asked)}")))

    def journal(self, action: str = "") -> list[dict[str, Any]]:
        """What it was asked."""
        entries: list[dict[str, Any]] = json.loads(raw(_proxy("/journal")))
        return [entry for entry in entries if action in {"", entry["action"]}]

    @property
    def endpoints(self) -> dict[str, str]:
        """For the operator's configuration."""
        https = f"https://{HOST}:8443"
        return {f"aws.{name}": https for name in ("sts", "secretsmanager", "ssm")}


def _proxy(path: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/services/http:{SERVICE}:8081/proxy{path}"


def start(image: str) -> Aws:
    """Start it, with the cluster's own issuer, and give it the time that it needs."""
    discovery = json.loads(raw("/.well-known/openid-configuration"))
    keys = raw("/openid/v1/jwks")
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    apply(*_objects(image, discovery["issuer"], keys))
    eventually(lambda: any(ready(pod) for pod in pods(NAMESPACE)))
    return Aws(eventually(_ca))


def _ca() -> str:
    said = kubectl("get", "--raw", _proxy("/ca"), check=False)
    return "" if said.code else str(said.json)


def _archive() -> str:
    """The package as a zip file, from which Python imports."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(_WORLDS.rglob("*.py")):
            archive.write(path, str(path.relative_to(_WORLDS.parent)))
    return base64.b64encode(data.getvalue()).decode()


def _objects(image: str, issuer: str, keys: str) -> list[dict[str, Any]]:
    labels = {"app": SERVICE}
    names = [HOST, f"{HOST}.cluster.local", f"{SERVICE}.{NAMESPACE}"]
    hosts = [word for name in names for word in ("--host", name)]
    container = {
        "name": "world",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/syrette/bin/python3", "-m", "worlds.aws.serving"],
        "args": ["--issuer", issuer, "--key-set", "/world/jwks.json", *hosts],
        "env": [
            {"name": "PYTHONPATH", "value": "/world/worlds.zip"},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        ],
        "volumeMounts": [
            {"name": "world", "mountPath": "/world"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
        ],
        "readinessProbe": {"tcpSocket": {"port": 8081}, "periodSeconds": 1},
    }
    volumes = [
        {"name": "world", "configMap": {"name": "world"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "world", "namespace": NAMESPACE},
            "data": {"jwks.json": keys},
            "binaryData": {"worlds.zip": _archive()},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": NAMESPACE},
            "spec": {
                "selector": labels,
                "ports": [
                    {"name": name, "port": port}
                    for name, port in (("https", 8443), ("agent", 8080), ("control", 8081))
                ],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "aws", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "containers": [container],
                "volumes": volumes,
                "terminationGracePeriodSeconds": 1,
            },
        },
    ]
