"""What the steps of a demonstration share: the world, the webhook, the pod, the screen."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import injector
from injector.contract import names
from syrette import documents
from syrette.demo.waiting import StepError, eventually
from syrette.demo.webhook import Webhook
from worlds.pods import Image, PodRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from syrette.demo.screen import Screen
    from syrette.demo.vault import Servers
    from worlds.aws import AwsWorld
    from worlds.pods import TokenRequest
    from worlds.tokens import Issuer

T = TypeVar("T")

PATIENCE: Final = 12.0
"""Seconds after which something that should happen is taken not to."""
DEPLOYMENT: Final = Path(__file__).with_name("deployment.yaml")
_API_SERVER: Final = "https://kubernetes.default.svc"


def deployment_of(file: Path = DEPLOYMENT) -> dict[str, Any]:
    """Read the Deployment of a demonstration."""
    [document] = documents.load(file.read_text(), file.name)
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
    deployment: dict[str, Any] = field(default_factory=deployment_of)
    sent: dict[str, Any] = field(default_factory=dict)
    """The pod as it went to admission."""
    created: dict[str, Any] = field(default_factory=dict)
    """The same after admission, as the API server stores it."""
    world: AwsWorld = field(init=False)
    """Of the demonstration on AWS."""
    servers: Servers = field(init=False)
    """Of the demonstration on Vault."""
    issuer: Issuer = field(init=False)
    """Of the cluster's tokens."""
    _ends: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self.folder = Path(self._ends.enter_context(tempfile.TemporaryDirectory(prefix="syrette-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def enter(self, context: AbstractContextManager[T]) -> T:
        """Open what is to be closed at the end."""
        return self._ends.enter_context(context)

    def start_webhook(self, operator: dict[str, Any], cluster: dict[str, Any]) -> None:
        """
        Start the webhook.

        Args:
            operator: its configuration.
            cluster: the cluster's facts.
        """
        webhook = Webhook(self._folder("webhook"), operator, cluster)
        with self.screen.waiting("the webhook starts"):
            self.webhook = self.enter(webhook)
        port, process = self.webhook.port, self.webhook.pid
        self.screen.say(
            f"webhook  https://127.0.0.1:{port}  (python -m webhook, process {process})"
        )

    def start_pod(self) -> None:
        """Run what the patched pod says, as far as the application."""
        image = Image(
            {
                names.IMAGE_PYTHON: sys.executable,
                names.IMAGE_SUPERVISOR: str(Path(injector.__path__[0], "supervisor.py")),
            }
        )
        self.runner = self.enter(
            PodRunner(
                self.created,
                self._folder("pod"),
                image=image,
                mint=partial(_mint, self.issuer),
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

    def published(self) -> dict[str, str]:
        """Everything that the application can read, by path."""
        top = (self.secrets / names.PAYLOAD_LINK).resolve()
        paths = (path for path in top.rglob("*") if path.is_file())
        return {str(path.relative_to(top)): path.read_text() for path in paths}

    def failures(self, reference: str) -> int:
        """How often in a row the sidecar could not read something."""
        session = self.runner.directory(names.SIDECAR_CONTAINER, names.SESSION_DIRECTORY)
        status = json.loads((session / "status.json").read_text())
        return int(status["reads"][reference]["failures"])

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder


def _mint(issuer: Issuer, request: TokenRequest) -> str:
    """Make a service account token, as the API server does for the kubelet."""
    return issuer.mint(
        request.namespace,
        request.service_account,
        request.audience or _API_SERVER,
        lifetime=request.lifetime,
        pod=request.pod,
        pod_uid=request.pod_uid,
    )
