"""
Another team's mutating webhook, in the namespace of one test: what it does is its path's.

It runs the image's Python with a program of its own, and its configuration's name decides whether
the API server calls it before or after Syrette's.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import trustme

from tests.e2e.kubectl import apply, eventually, kubectl
from tests.e2e.workloads import PYTHON, container, is_ready, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE: Final = "a-second.example.com"
AFTER: Final = "z-second.example.com"
"""Names of configurations on either side of ours, `injection.syrette.dev`."""
ADDED: Final = "added"
"""The container that `/container` adds."""
_NAME: Final = "second"
_PORT: Final = 8443
_PROGRAM: Final = """
import base64, http.server, json, ssl, sys

def annotation(pod):
    given = pod["metadata"].get("annotations", {})
    value = {**given, "syrette.dev/file.x": "aws-ssm:/prod/api-key"}
    return [{"op": "add", "path": "/metadata/annotations", "value": value}]

def container(pod):
    if any(one["name"] == "added" for one in pod["spec"]["containers"]):
        return []
    like = pod["spec"]["containers"][0]
    made = {"name": "added", **{key: like[key] for key in ("image", "imagePullPolicy", "command")}}
    return [{"op": "add", "path": "/spec/containers/-", "value": made}]

def change(path, pod):
    if "example.com/probe" in pod["metadata"].get("annotations", {}):
        at = "/metadata/annotations/example.com~1probe"
        return [{"op": "replace", "path": at, "value": "called"}]
    return {"/annotation": annotation, "/container": container}[path](pod)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        found = change(self.path.partition("?")[0], asked["object"])
        patch = base64.b64encode(json.dumps(found).encode()).decode()
        answer = {"uid": asked["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        body = json.dumps({**review, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server = http.server.ThreadingHTTPServer(("", 8443), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def start(namespace: str) -> str:
    """Serve in a namespace, before anything is registered; gives the CA as `caBundle` has it."""
    authority = trustme.CA()
    issued = authority.issue_cert(f"{_NAME}.{namespace}.svc")
    parts = {
        "tls.crt": b"".join(blob.bytes() for blob in issued.cert_chain_pems),
        "tls.key": issued.private_key_pem.bytes(),
    }
    metadata = {"name": _NAME, "namespace": namespace}
    apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "kubernetes.io/tls",
            "data": {name: base64.b64encode(data).decode() for name, data in parts.items()},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": {"app": _NAME}, "ports": [{"port": 443, "targetPort": _PORT}]},
        },
        _pod(metadata),
    )
    is_ready(namespace, _NAME)
    return base64.b64encode(authority.cert_pem.bytes()).decode()


def _pod(metadata: dict[str, str]) -> dict[str, Any]:
    serving = container(
        "webhook",
        command=[PYTHON, "-I", "-c", _PROGRAM],
        volumeMounts=[{"name": "tls", "mountPath": "/tls", "readOnly": True}],
        readinessProbe={"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
    )
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "labels": {"app": _NAME}},
        "spec": {
            "containers": [serving],
            "volumes": [{"name": "tls", "secret": {"secretName": _NAME}}],
            "terminationGracePeriodSeconds": 1,
        },
    }


@contextmanager
def registered(name: str, namespace: str, path: str, bundle: str) -> Iterator[None]:
    """
    Have the API server call it for the pods of its namespace, and wait until it does.

    Args:
        name: of the configuration.
        namespace: where it serves.
        path: what it is to do: `/annotation` or `/container`.
        bundle: its CA.
    """
    service = {"name": _NAME, "namespace": namespace, "path": path, "port": 443}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    entry = {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "timeoutSeconds": 5,
        "clientConfig": {"service": service, "caBundle": bundle},
        "namespaceSelector": here,
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["pods"],
                "operations": ["CREATE"],
            }
        ],
    }
    apply(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [entry],
        }
    )
    try:
        eventually(lambda: _is_called(namespace))
        yield
    finally:
        kubectl("delete", "mutatingwebhookconfiguration", name)


def _is_called(namespace: str) -> bool:
    """Whether a pod passes through it: the API server learns of a registration a moment later."""
    probe = pod("probe", namespace, {})
    probe["metadata"]["annotations"]["example.com/probe"] = "asked"
    words = ("create", "--dry-run=server", "-o", "json", "-f", "-")
    made = kubectl(*words, stdin=json.dumps(probe)).json
    return bool(made["metadata"]["annotations"]["example.com/probe"] == "called")
