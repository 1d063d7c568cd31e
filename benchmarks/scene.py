"""What measurements share: a folder, a world, certificates, and the operator's files."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks import placing, pods, servers
from injector.contract.names import INIT_CONTAINER, SIDECAR_CONTAINER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.placing import Placed
    from benchmarks.servers import Process


class Scene:
    """
    A folder with everything that the webhook is started with, beside a running world.

    Args:
        folder: empty.
        world: a process of `benchmarks.world` or of another one that speaks as it does.
        config: makes the operator's document of what the world says about itself.
    """

    def __init__(
        self,
        folder: Path,
        world: Process,
        config: Callable[[dict[str, Any]], dict[str, Any]] = pods.operator_config,
    ) -> None:
        self.folder = folder
        self.world = world
        self.about: dict[str, Any] = world.line()
        self.world_ca = folder / "world.pem"
        self.world_ca.write_text(self.about["ca"])
        self.certificate = servers.Certificate(folder)
        facts = pods.cluster_facts(self.about.get("role", ""))
        (folder / "operator.json").write_text(json.dumps(config(self.about)))
        (folder / "facts.json").write_text(json.dumps(facts))
        self._roots = 0
        self._port = 0

    def mint(self, audience: str) -> str:
        """Mint a token of the pod."""
        return str(self.world.ask(f"token {audience}"))

    def calls(self) -> dict[str, Any]:
        """Tell what the world was asked since the last time, over how many connections."""
        calls: dict[str, Any] = self.world.ask("calls")
        return calls

    def body(self, name: str, content: bytes) -> str:
        """Write a request's body; gives its path."""
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    @contextmanager
    def patching(self) -> Iterator[None]:
        """Have a webhook run that is asked for patches, and not measured."""
        process, self._port, _ = servers.webhook(self.folder, self.certificate)
        with process:
            yield

    def patched(self, annotations: dict[str, str]) -> dict[str, Any]:
        """Let the webhook patch a pod, while it runs."""
        return placing.patched(self._port, self.certificate.ca, pods.pod(annotations))

    def place(self, pod: dict[str, Any]) -> tuple[Placed, Placed]:
        """Put a patched pod's init container and sidecar into one new folder."""
        self._roots += 1
        root = self.folder / f"pod-{self._roots}"
        root.mkdir()
        objects = self.about.get("objects", {})
        return (
            placing.place(pod, INIT_CONTAINER, root, self.mint, objects),
            placing.place(pod, SIDECAR_CONTAINER, root, self.mint, objects),
        )
