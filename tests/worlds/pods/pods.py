"""Pods for the tests of the runner: containers of an image whose only file is Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from worlds.pods import Image

if TYPE_CHECKING:
    from worlds.pods import PodRunner, TokenRequest

PYTHON: Final = "/img/python"
IMAGE: Final = Image({PYTHON: sys.executable})
FOREVER: Final = "import time; time.sleep(600)"
DONE: Final = "pass"
FAIL: Final = "import sys; sys.exit(3)"
MOUNT: Final[dict[str, Any]] = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
VOLUME: Final[dict[str, Any]] = {"volumes": [{"name": "v", "emptyDir": {}}]}


def container(name: str, code: str = FOREVER, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """A container of the image that runs Python code."""
    return {"name": name, "command": [PYTHON, "-I", "-S", "-c", code], **fields}


def sidecar(name: str, code: str = FOREVER, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """The same, to stand among the init containers and run on."""
    return container(name, code, restartPolicy="Always", **fields)


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """A pod with these regular containers, which leaves nobody long to end."""
    spec.setdefault("terminationGracePeriodSeconds", 5)
    metadata = {
        "name": "web-1",
        "namespace": "shop",
        "uid": "u-1",
        "labels": {"app": "web"},
        "annotations": {"note": "hello"},
    }
    return {"metadata": metadata, "spec": {"containers": list(containers), **spec}}


def mint(request: TokenRequest) -> str:
    """A token that says what was asked for, and how many were made before it."""
    _MINTED.append(request)
    return f"{request.namespace}/{request.service_account}/{request.audience}/{len(_MINTED)}"


_MINTED: list[TokenRequest] = []


def told(runner: PodRunner, *what: str) -> list[tuple[str, str]]:
    """What happened to which container, in order."""
    wanted = what or ("started", "ended", "SIGTERM", "SIGKILL")
    return [(event.container, event.what) for event in runner.history if event.what in wanted]
