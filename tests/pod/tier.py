"""One test's way through everything: a pod's annotations, the webhook, the runner."""

from __future__ import annotations

import copy
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

import pytest

from injector.contract import names
from tests.pod.webhook import NAMESPACE, ROOT, Pod, Webhook
from worlds.pods import (
    Application,
    Image,
    PodFailedError,
    PodRunner,
    RunnerOptions,
    TokenRequest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.aws import AwsWorld

IMAGE: Final = Image(
    {
        names.IMAGE_PYTHON: sys.executable,
        names.IMAGE_SUPERVISOR: str(ROOT / "injector" / "supervisor.py"),
    }
)
INIT: Final = names.INIT_CONTAINER
SIDECAR: Final = names.SIDECAR_CONTAINER
REFRESH: Final = {"refresh": "1s"}
"""The shortest time between reads that an annotation may ask for."""
GRACE_SECONDS: Final = 5


def pod(annotations: dict[str, str], **spec: Any) -> Pod:  # noqa: ANN401 - any field of a pod
    """A pod of the service account `web` with one application; our domain is put in front."""
    spec.setdefault("containers", [{"name": "app", "image": "app:1"}])
    spec.setdefault("serviceAccountName", "web")
    spec.setdefault("terminationGracePeriodSeconds", GRACE_SECONDS)
    asked = {f"{names.DOMAIN}/{key}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": NAMESPACE, "annotations": asked},
        "spec": spec,
    }


def python(code: str) -> Application:
    """An application that runs `code`; `root` is its file system, `os` and `time` are there."""
    start = "import os, signal, sys, time; root = os.environ['SYRETTE_ROOT']\n"
    return Application([sys.executable, "-I", "-S", "-c", start + code])


class Tier:
    """Admits pods and runs them; ends them when the test ends."""

    def __init__(self, webhook: Webhook, world: AwsWorld, folder: Path) -> None:
        self.webhook = webhook
        self.world = world
        self.folder = folder
        self.tokens: list[str] = []
        """Every token that was projected."""
        self._stack = ExitStack()
        self._pods = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def patched(self, document: Pod) -> Pod:
        """The pod as the webhook changes it; it must be allowed."""
        answer = self.webhook.admit(copy.deepcopy(document))
        assert answer.allowed, answer.message
        return answer.pod

    def runner(self, document: Pod, **options: Unpack[RunnerOptions]) -> PodRunner:
        """A runner of the patched pod, not started."""
        self._pods += 1
        folder = self.folder / str(self._pods)
        folder.mkdir()
        patched = self.patched(document)
        runner = PodRunner(patched, folder, image=IMAGE, mint=self._mint, **options)
        return self._stack.enter_context(runner)

    def start(self, document: Pod, **options: Unpack[RunnerOptions]) -> PodRunner:
        """A runner whose application runs."""
        runner = self.runner(document, **options)
        runner.start()
        return runner

    def failure(self, runner: PodRunner) -> PodFailedError:
        """How init failed for good."""
        with pytest.raises(PodFailedError, match=f"container {INIT} ended with") as caught:
            runner.start()
        return caught.value

    def _mint(self, request: TokenRequest) -> str:
        token = self.world.issuer.mint(
            request.namespace,
            request.service_account,
            request.audience,
            lifetime=request.lifetime,
            pod=request.pod,
            pod_uid=request.pod_uid,
        )
        self.tokens.append(token)
        return token
