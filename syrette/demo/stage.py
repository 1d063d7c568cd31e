"""What the steps of the demonstration share: the cloud, the webhook, the pod, the screen."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import injector
from injector.contract import names
from syrette import documents
from syrette.demo import cloud
from syrette.demo.waiting import StepError, eventually
from syrette.demo.webhook import Webhook
from worlds.pods import Image, PodRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrette.demo.screen import Screen

PATIENCE: Final = 12.0
"""Seconds after which something that should happen is taken not to."""
DEPLOYMENT: Final = Path(__file__).with_name("deployment.yaml")


def _deployment() -> dict[str, Any]:
    [document] = documents.load(DEPLOYMENT.read_text(), DEPLOYMENT.name)
    found: dict[str, Any] = document
    return found


@dataclass
class Stage:
    """
    Everything that runs during the demonstration; whatever a step has started ends with it.

    Args:
        screen: where the steps print.
        patience: seconds to wait for anything.
    """

    screen: Screen
    patience: float = PATIENCE
    deployment: dict[str, Any] = field(default_factory=_deployment)
    sent: dict[str, Any] = field(default_factory=dict)
    """The pod as it went to admission."""
    created: dict[str, Any] = field(default_factory=dict)
    """The same after admission, as the API server stores it."""
    _ends: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.folder = Path(self._ends.enter_context(tempfile.TemporaryDirectory(prefix="syrette-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def start_cloud(self) -> None:
        """Start the AWS."""
        self.world = self._ends.enter_context(cloud.cloud())

    def start_webhook(self) -> None:
        """Start the webhook, told where that AWS is."""
        folder = self._folder("webhook")
        webhook = Webhook(folder, cloud.operator(self.world), cloud.cluster(self.world))
        with self.screen.waiting("the webhook starts"):
            self.webhook = self._ends.enter_context(webhook)

    def start_pod(self) -> None:
        """Run what the patched pod says, as far as the application."""
        image = Image(
            {
                names.IMAGE_PYTHON: sys.executable,
                names.IMAGE_SUPERVISOR: str(Path(injector.__path__[0], "supervisor.py")),
            }
        )
        self.runner = self._ends.enter_context(
            PodRunner(
                self.created,
                self._folder("pod"),
                image=image,
                mint=partial(cloud.mint, self.world),
            )
        )
        with self.screen.waiting("init fetches, then the application starts"):
            self.runner.start()

    def eventually(self, found: Callable[[], object], meanwhile: str, otherwise: str) -> None:
        """
        Wait until something is so.

        Args:
            found: whether it is.
            meanwhile: shown on a terminal.
            otherwise: said when it does not come.

        Raises:
            StepError: with `otherwise`, and the sidecar's last words.
        """
        try:
            with self.screen.waiting(meanwhile):
                eventually(found, self.patience, otherwise)
        except StepError as exc:
            said = self.runner.containers[names.SIDECAR_CONTAINER].log().splitlines()[-1:]
            raise StepError(f"{exc}; the sidecar's log ends with: {' '.join(said)}") from None

    def read(self, path: str) -> str:
        """Read a file as the application sees it."""
        return (self.secrets / path).read_text()

    @property
    def secrets(self) -> Path:
        """The application's mount."""
        return self.runner.directory("web", "/secrets")

    def failures(self) -> int:
        """How often in a row the sidecar could not read the database's secret."""
        session = self.runner.directory(names.SIDECAR_CONTAINER, names.SESSION_DIRECTORY)
        status = json.loads((session / "status.json").read_text())
        return int(status["reads"]["aws-secretsmanager:prod/db"]["failures"])

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder
