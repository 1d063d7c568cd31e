"""Pods and what is around them, as users write them."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.installation import IMAGE
from tests.e2e.kubectl import eventually, execute, get, kubectl, ready, statuses

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


KEEP: Final = "example.com/keep"
"""A finalizer: a pod that has it can be looked at after its end."""


def ended(namespace: str, name: str) -> dict[str, dict[str, Any]]:
    """Delete a pod that `KEEP` keeps; gives how each of its containers ended, and lets it go."""

    def look() -> dict[str, dict[str, Any]]:
        held = statuses(get("pod", name, namespace))
        found = {of: one["state"].get("terminated", {}) for of, one in held.items()}
        return found if all(found.values()) else {}

    kubectl("-n", namespace, "delete", "pod", name, "--wait=false")
    found = eventually(look)
    kubectl("-n", namespace, "patch", "pod", name, "-p", '{"metadata": {"finalizers": null}}')
    return found


def events(namespace: str) -> str:
    """The messages of a namespace's events."""
    return kubectl("-n", namespace, "get", "events", "-o", "jsonpath={.items[*].message}").out


def run(namespace: str, name: str, code: str, of: str = "app") -> str:
    """Run some Python in a container, as the uid that the container has; gives its output."""
    return execute(namespace, name, of, PYTHON, "-c", code)


def read(namespace: str, name: str, path: str, of: str = "app") -> str:
    """Read a file as the application does."""
    return run(namespace, name, f"print(open({path!r}).read(), end='')", of)
