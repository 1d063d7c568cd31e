"""Pods and what is around them, as users write them."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.installation import IMAGE
from tests.e2e.kubectl import eventually, get, kubectl, ready, statuses

PYTHON: Final = "/syrette/bin/python3"
WAIT: Final = "import signal,sys; signal.signal(15, lambda *_: sys.exit(0)); signal.pause()"
"""What an application does in most tests: wait for its end."""
ROLE: Final = "arn:aws:iam::111122223333:role"


def container(name: str = "app", code: str = WAIT, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of a container
    """Make a container that runs some Python."""
    return {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": [PYTHON, "-c", code],
        **fields,
    }


def pod(
    name: str,
    namespace: str,
    annotations: dict[str, str],
    *containers: dict[str, Any],
    **spec: Any,  # noqa: ANN401 - of a pod's spec
) -> dict[str, Any]:
    """Make a pod with our annotations; keys are written without the domain."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {f"syrette.dev/{key}": value for key, value in annotations.items()},
        },
        "spec": {
            "serviceAccountName": "web",
            "terminationGracePeriodSeconds": 10,
            "securityContext": {"runAsUser": 10001, "runAsNonRoot": True},
            "containers": list(containers) or [container()],
            **spec,
        },
    }


def deployment(name: str, template: dict[str, Any], replicas: int = 1) -> dict[str, Any]:
    """Make a Deployment of a pod."""
    metadata = {**template["metadata"], "labels": {"app": name}}
    namespace = metadata.pop("namespace")
    metadata.pop("name")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": metadata, "spec": template["spec"]},
        },
    }


def is_ready(namespace: str, name: str) -> dict[str, Any]:
    """Wait until a pod is Ready, and give it; one that fails for good ends the wait."""

    def look() -> dict[str, Any]:
        found = get("pod", name, namespace)
        assert found["status"].get("phase") != "Failed", statuses(found)
        return found if ready(found) else {}

    return eventually(look)


def phase(namespace: str, name: str, *wanted: str) -> dict[str, Any]:
    """Wait until a pod is in one of these phases, and give it."""

    def look() -> dict[str, Any]:
        found = get("pod", name, namespace)
        return found if found["status"].get("phase") in wanted else {}

    return eventually(look)


def events(namespace: str) -> str:
    """The messages of a namespace's events."""
    return kubectl("-n", namespace, "get", "events", "-o", "jsonpath={.items[*].message}").out
