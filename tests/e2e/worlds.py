"""A world as a pod of the cluster, set up and asked through the API server."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tests.e2e.kubectl import apply, eventually, kubectl, pods, raw, ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WORLDS: Final = Path(__file__).parents[2] / "worlds"
_CONTROL_PORT: Final = 8081


@dataclass(frozen=True, slots=True)
class Control:
    """The control port of a world."""

    namespace: str
    service: str

    def call(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - JSON
        """Change the world."""
        asked = json.dumps({"call": name, "args": args, "kwargs": kwargs})
        return self.read(f"/call?json={quote(asked)}")

    def read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read one of its documents."""
        return json.loads(raw(self._proxy(path)))

    def ca(self) -> str:
        """Read its authority; empty while it does not serve."""
        said = kubectl("get", "--raw", self._proxy("/ca"), check=False)
        return "" if said.code else str(said.json)

    def _proxy(self, path: str) -> str:
        where = f"services/http:{self.service}:{_CONTROL_PORT}/proxy{path}"
        return f"/api/v1/namespaces/{self.namespace}/{where}"


def start(control: Control, image: str, program: str, ports: Mapping[str, int]) -> str:
    """
    Start a cloud that trusts the cluster's own issuer, by the keys that it publishes.

    Args:
        control: says where.
        image: see `objects`.
        program: module of the package.
        ports: besides the control port.

    Returns:
        Its authority.
    """
    issuer = json.loads(raw("/.well-known/openid-configuration"))["issuer"]
    kubectl("delete", "namespace", control.namespace, "--ignore-not-found")
    apply(
        *objects(
            control.namespace,
            control.service,
            image,
            [program, "--issuer", issuer, "--key-set", "/world/jwks.json"],
            files={"jwks.json": raw("/openid/v1/jwks")},
            ports={**ports, "control": _CONTROL_PORT},
        ),
        large=True,
    )
    eventually(lambda: any(ready(pod) for pod in pods(control.namespace)))
    return eventually(control.ca)


def objects(  # noqa: PLR0913 - what a world's pod is made of
    namespace: str,
    service: str,
    image: str,
    module: Sequence[str],
    *,
    files: Mapping[str, str],
    ports: Mapping[str, int],
) -> list[dict[str, Any]]:
    """
    Make a namespace with one world in it, which has the Service's names in its certificate.

    Args:
        namespace: of all objects.
        service: name of the Service and of the pod.
        image: with our interpreter and libraries; the package comes as a zip file.
        module: to run, and its arguments.
        files: below `/world`.
        ports: by name; the pod is ready when it serves the control port.
    """
    host = f"{service}.{namespace}"
    names = [f"{host}.svc", f"{host}.svc.cluster.local", host]
    container = {
        "name": "world",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/syrette/bin/python3", "-m"],
        "args": [*module, *(word for name in names for word in ("--host", name))],
        "env": [
            {"name": "PYTHONPATH", "value": "/world/worlds.zip"},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
            {"name": "PATH", "value": "/tmp:/usr/bin:/bin"},  # noqa: S108 - as below
        ],
        "volumeMounts": [
            {"name": "world", "mountPath": "/world"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
        ],
        "readinessProbe": {"tcpSocket": {"port": _CONTROL_PORT}, "periodSeconds": 1},
    }
    volumes = [
        {"name": "world", "configMap": {"name": "world"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "world", "namespace": namespace},
            "data": dict(files),
            "binaryData": {"worlds.zip": _archive()},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service, "namespace": namespace},
            "spec": {
                "selector": {"app": service},
                "ports": [{"name": name, "port": port} for name, port in ports.items()],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": service, "namespace": namespace, "labels": {"app": service}},
            "spec": {
                "containers": [container],
                "volumes": volumes,
                "terminationGracePeriodSeconds": 1,
            },
        },
    ]


def _archive() -> str:
    """The package as a zip file, from which Python imports."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(_WORLDS.rglob("*.py")):
            archive.write(path, str(path.relative_to(_WORLDS.parent)))
    return base64.b64encode(data.getvalue()).decode()
