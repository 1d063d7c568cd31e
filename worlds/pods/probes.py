"""
Probes and hooks of a container, tried once when somebody asks: `exec`, `httpGet`, `tcpSocket`.

Network requests go to loopback, which all pods of this machine share. `grpc` is refused.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from worlds.pods.errors import UnsupportedPodError
from worlds.pods.fields import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from worlds.pods.spec import Container

_HOOK_SECONDS: Final = 10.0
"""A hook has no deadline of its own but the grace period; tests and demos do not wait longer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container's commands run."""

    environment: Mapping[str, str]
    directory: Path
    find: Callable[[Sequence[str]], list[str]]
    """Gives a command of the image as it is on this machine."""


def succeeds(probe: Mapping[str, Any], container: Container, place: Place) -> bool:
    """
    Try a probe once.

    Raises:
        UnsupportedPodError: for one that the runner does not know.
    """
    return _act(probe, container, place, float(probe.get("timeoutSeconds") or 1))


def run_hook(hook: Mapping[str, Any], container: Container, place: Place) -> bool:
    """
    Run a `postStart` or `preStop` hook; whether it ended well.

    Raises:
        UnsupportedPodError: as `succeeds`.
    """
    if "sleep" in hook:
        time.sleep(hook["sleep"]["seconds"])
        return True
    return _act(hook, container, place, _HOOK_SECONDS)


def _act(handler: Mapping[str, Any], container: Container, place: Place, seconds: float) -> bool:
    try:
        if "exec" in handler:
            return _exec(handler["exec"]["command"], place, seconds)
        if "httpGet" in handler:
            return _get(handler["httpGet"], container, seconds)
        if "tcpSocket" in handler:
            port = _port(handler["tcpSocket"]["port"], container)
            socket.create_connection((LOOPBACK, port), seconds).close()
            return True
    except (OSError, http.client.HTTPException, subprocess.TimeoutExpired):
        return False
    msg = f"{container.place}: the runner knows exec, httpGet and tcpSocket only"
    raise UnsupportedPodError(msg)


def _exec(command: Sequence[str], place: Place, seconds: float) -> bool:
    finished = subprocess.run(  # noqa: S603 - what the pod says, without a shell
        place.find(command),
        env=place.environment,
        cwd=place.directory,
        timeout=seconds,
        capture_output=True,
        check=False,
    )
    return finished.returncode == 0


def _get(request: Mapping[str, Any], container: Container, seconds: float) -> bool:
    port = _port(request["port"], container)
    host = request.get("host") or LOOPBACK
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    if request.get("scheme") == "HTTPS":
        # The kubelet does not look at certificates of probed containers either.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    try:
        headers = {item["name"]: item["value"] for item in request.get("httpHeaders") or ()}
        connection.request("GET", request.get("path") or "/", headers=headers)
        return 200 <= connection.getresponse().status < 400
    finally:
        connection.close()


def _port(port: int | str, container: Container) -> int:
    if isinstance(port, int):
        return port
    ports = {item.get("name"): item for item in container.document.get("ports") or ()}
    number: int = ports[port]["containerPort"]
    return number
