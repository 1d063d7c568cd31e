"""The one door to the cluster: kubectl, which every user of Kubernetes has."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

PATIENCE: Final = 120.0
"""Seconds for what a cluster does by itself; a pod is Ready within a few."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any object
        """Its output, decoded."""
        return json.loads(self.out)


def kubectl(*words: str, stdin: str = "", check: bool = True, seconds: float = PATIENCE) -> Said:
    """
    Run one command.

    Raises:
        AssertionError: if it fails and should not.
    """
    finished = subprocess.run(
        ["kubectl", *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    said = Said(finished.returncode, finished.stdout, finished.stderr)
    if check:
        assert said.code == 0, f"kubectl {' '.join(words)}: {said.err}"
    return said


def apply(*objects: dict[str, Any], check: bool = True, large: bool = False) -> Said:
    """
    Apply objects, and give what was said: warnings stand on standard error.

    Args:
        objects: to be.
        check: whether it must succeed.
        large: leaves kubectl's annotation with the whole object out, which may have 256 KiB.
    """
    words = ("--server-side", "--force-conflicts") if large else ()
    return kubectl("apply", *words, "-f", "-", stdin=yaml.safe_dump_all(objects), check=check)


def create(found: dict[str, Any], *, check: bool = True) -> Said:
    """Create one object."""
    return kubectl("create", "-o", "json", "-f", "-", stdin=yaml.safe_dump(found), check=check)


def get(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """Read one object."""
    found: dict[str, Any] = kubectl("-n", namespace, "get", kind, name, "-o", "json").json
    return found


def pods(namespace: str, selector: str = "") -> list[dict[str, Any]]:
    """Read the pods of a namespace, or those with a label."""
    words = ("-l", selector) if selector else ()
    found: list[dict[str, Any]] = kubectl(
        "-n", namespace, "get", "pods", *words, "-o", "json"
    ).json["items"]
    return found


def logs(namespace: str, pod: str, container: str) -> str:
    """Read a container's log."""
    return kubectl("-n", namespace, "logs", pod, "-c", container).out


def execute(namespace: str, pod: str, container: str, *command: str) -> str:
    """Run a command in a container; gives its output."""
    return kubectl("-n", namespace, "exec", pod, "-c", container, "--", *command).out


def eventually(look: Callable[[], T | None], *, seconds: float = PATIENCE, pause: float = 0.3) -> T:
    """
    Look until something is there.

    Raises:
        AssertionError: if it does not come.
    """
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(pause)


def ready(pod: dict[str, Any]) -> bool:
    """Whether a pod is Ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def statuses(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the status of each container, init containers included, by name."""
    status = pod.get("status", {})
    found = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return {one["name"]: one for one in found}


def raw(path: str) -> str:
    """Ask the API server for a path, which may lead through it to a Service."""
    return kubectl("get", "--raw", path).out


def server_minor() -> int:
    """The API server's minor version: 37 of 1.37."""
    return int(str(json.loads(raw("/version"))["minor"]).rstrip("+"))


def all_text(*words: str) -> str:
    """Everything that a command says, for looking for what must not be there."""
    said = kubectl(*words, check=False)
    return said.out + said.err


def names(objects: Sequence[dict[str, Any]]) -> list[str]:
    """Names of objects."""
    return [found["metadata"]["name"] for found in objects]
