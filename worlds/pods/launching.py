"""Starts the process of a container: environment, mounts, command."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from worlds.pods import image as images
from worlds.pods import mounts
from worlds.pods.errors import ContainerConfigError
from worlds.pods.probes import Place
from worlds.pods.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worlds.pods.environment import Sources
    from worlds.pods.image import Application, Image
    from worlds.pods.instances import Instance
    from worlds.pods.spec import Container

ROOT_VARIABLE: Final = "SYRETTE_ROOT"  # as in the injector's contract; a test compares them


@dataclass(frozen=True, slots=True)
class Launcher:
    """What all containers of a pod are started with."""

    sources: Sources
    image: Image
    applications: Mapping[str, Application] = field(default_factory=dict)
    """By container name."""

    def is_own(self, spec: Container) -> bool:
        """Whether a container runs the command that the pod says, hooks and probes included."""
        return spec.name not in self.applications and images.runs(spec, self.image)

    def start(self, instance: Instance, ended: Callable[[Process, int], None]) -> None:
        """
        Start a container.

        Raises:
            ContainerConfigError: when it cannot be made.
        """
        spec = instance.spec
        instance.environment = self.sources.of(spec)
        mounts.make(instance.root, spec, self.sources.volumes, instance.environment)
        instance.clear_message()
        try:
            instance.running = Process(
                self._command(instance),
                self._environment(instance),
                directory=instance.root,
                log=instance.log_file,
                ended=ended,
            )
        except OSError as exc:
            raise ContainerConfigError(spec.name, f"cannot be started: {exc}") from exc
        instance.starts += 1

    def place(self, instance: Instance) -> Place:
        """Where hooks and probes of a container of the image run."""
        return Place(
            self._environment(instance),
            instance.root,
            lambda words: images.command(instance.spec, words, self.image, instance.environment),
        )

    def _command(self, instance: Instance) -> list[str]:
        spec = instance.spec
        if self.is_own(spec):
            return images.command(spec, spec.words, self.image, instance.environment)
        application = self.applications.get(spec.name) or images.stand_in(spec)
        return list(application.command)

    def _environment(self, instance: Instance) -> dict[str, str]:
        path = {"PATH": os.environ.get("PATH", os.defpath)}
        return {**path, **instance.environment, ROOT_VARIABLE: str(instance.root)}
