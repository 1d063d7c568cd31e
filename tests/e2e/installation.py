"""Syrette in the cluster: the chart's objects, applied as Helm would."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.render_manifests import render
from tests.e2e.kubectl import eventually, get, kubectl, pods, ready

NAMESPACE: Final = "syrette"
IMAGE: Final = os.environ.get("IMAGE", "localhost/syrette:dev")
ARCHIVE: Final = Path(__file__).parents[2] / "dist" / "syrette.tar"

SETTLE_SECONDS: Final = 1
"""Between two steps of replacing the authority: twenty rotations should not take an hour."""


def load_image() -> None:
    """
    Load the image into the cluster with the command in LOAD_IMAGE.

    Raises:
        AssertionError: if there is no archive, or the command fails.
    """
    command = os.environ.get("LOAD_IMAGE", "")
    assert command, "LOAD_IMAGE is not set: for kind, LOAD_IMAGE='kind load image-archive'"
    assert ARCHIVE.exists(), f"{ARCHIVE} is not there: run `make image` first"
    subprocess.run([*shlex.split(command), str(ARCHIVE)], check=True, timeout=300)


def install(config: dict[str, Any], **values: Any) -> None:  # noqa: ANN401 - of the chart
    """Apply the chart and wait until every replica is ready."""
    repository, _, tag = IMAGE.rpartition(":")
    given = {
        "config": config,
        "image": {"repository": repository, "tag": tag},
        # The tag stays the same from build to build; another archive is to be another rollout.
        "podAnnotations": {"archive": hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()},
        "tls": {"settleSeconds": SETTLE_SECONDS},
        **values,
    }
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(namespace))
    rendered = render(given, NAMESPACE)
    texts = [text for name, text in rendered.items() if name.endswith(".yaml") and text.strip()]
    kubectl("-n", NAMESPACE, "apply", "-f", "-", stdin="\n---\n".join(texts))
    rolled_out()


def rolled_out() -> None:
    """Wait until the present template serves everywhere."""
    words = ("rollout", "status", "deployment/syrette", "--timeout=120s")
    kubectl("-n", NAMESPACE, *words)
    eventually(lambda: all(ready(pod) for pod in replicas()) and replicas())


def replicas() -> list[dict[str, Any]]:
    """The webhook's pods that are not ending."""
    found = pods(NAMESPACE, "app.kubernetes.io/name=syrette")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def scale(count: int) -> None:
    """Run so many replicas, and wait for it."""
    kubectl("-n", NAMESPACE, "scale", "deployment/syrette", f"--replicas={count}")
    if count:
        rolled_out()
    else:
        eventually(lambda: not pods(NAMESPACE, "app.kubernetes.io/name=syrette"))


def decisions() -> list[dict[str, Any]]:
    """The decision lines of all replicas."""
    lines = [
        line
        for pod in replicas()
        for line in kubectl(
            "-n", NAMESPACE, "logs", pod["metadata"]["name"], "--tail=-1"
        ).out.splitlines()
    ]
    return [entry for entry in map(json.loads, lines) if entry.get("message") == "decided"]


def secret(name: str = "syrette-certificate") -> dict[str, Any]:
    """The Secret of the managed certificate."""
    return get("secret", name, NAMESPACE)
