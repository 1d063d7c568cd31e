"""A pod, run as processes of this machine from its specification and nothing else."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from worlds.pods import mounts, probes, spec, validation
from worlds.pods.environment import Sources
from worlds.pods.errors import InvalidPodError, PodFailedError
from worlds.pods.instances import Instance
from worlds.pods.kubelet import Event, Kubelet
from worlds.pods.launching import Launcher
from worlds.pods.order import Phase, PodPhase
from worlds.pods.volumes import Objects, TokenRequest, Volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from worlds.pods.image import Application, Image

PATIENCE = 30.0
"""Seconds after which something that should happen is taken not to."""


class RunnerOptions(TypedDict, total=False):
    """What a run may differ in."""

    applications: Mapping[str, Application]
    """Stand-ins by container name; a built-in one for every other container whose image is not
    here: it waits for SIGTERM, as an init container it ends at once."""
    config_maps: Mapping[str, Mapping[str, str]]
    """Data by name of the ConfigMaps in the pod's namespace."""
    secrets: Mapping[str, Mapping[str, str]]
    """Data by name of its Secrets."""
    back_off: float
    """Seconds before a container's first restart, doubled with each; 0.1 when absent."""
    init_restarts: int
    """How often an init container that fails is tried again where the pod's policy says so; for
    the kubelet it is without end. 0 when absent."""


class PodRunner:
    """
    Runs a pod.

    ```python
    image = Image({"/syrette/bin/python3": sys.executable, "/syrette/injector/supervisor.py": …})
    with PodRunner(pod, folder, image=image, mint=mint) as runner:
        runner.start()                                     # as far as the application
        runner.directory("app", "/secrets")                # a mount, on this machine
        runner.containers["syrette-sidecar"].log()
    ```

    What is like Kubernetes: the order of starts and ends, restarts by policy, volumes with tokens
    that rotate, environment (EnvFiles, downward API, `$(NAME)`), commands of the image, hooks and
    probes of its containers, termination messages. What is not: every container has the network,
    the process table and the user of this machine; `readOnly`, `runAsUser`, resources and
    liveness probes are not enforced; images that are not here have stand-ins.

    Args:
        pod: a Pod, as an API server would store it; a missing name, uid or namespace is made up.
        root: an existing folder for volumes, logs and the containers' file systems.
        image: whose containers run their own commands.
        mint: makes service account tokens.
        options: see `RunnerOptions`.

    Raises:
        InvalidPodError: for what the API server would refuse.
        UnsupportedPodError: for what the runner cannot show.
        ValueError: for an application of a container that the pod does not have.
    """

    def __init__(
        self,
        pod: Mapping[str, Any],
        root: Path,
        *,
        image: Image,
        mint: Callable[[TokenRequest], str],
        **options: Unpack[RunnerOptions],
    ) -> None:
        problems = validation.problems(pod)
        if problems:
            raise InvalidPodError(problems)
        self.pod = spec.read(pod)
        """What was read."""
        for container in self.pod.containers:
            mounts.check(container)
        applications = options.get("applications", {})
        strangers = applications.keys() - {container.name for container in self.pod.containers}
        if strangers:
            msg = f"the pod has no container {', '.join(sorted(strangers))}"
            raise ValueError(msg)
        objects = Objects(options.get("config_maps", {}), options.get("secrets", {}))
        self._volumes = Volumes(root / "volumes", self.pod, mint, objects)
        self._sources = Sources(self.pod, self._volumes, objects)
        self._launcher = Launcher(self._sources, image, applications)
        self.containers: Mapping[str, Instance] = {
            container.name: Instance(container, root / "containers" / container.name)
            for container in self.pod.containers
        }
        """By name."""
        self._kubelet = Kubelet(
            self.pod,
            self.containers,
            self._launcher,
            back_off=options.get("back_off", 0.1),
            init_restarts=options.get("init_restarts", 0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def phase(self) -> PodPhase:
        """`Pending`, `Running`, `Succeeded` or `Failed`."""
        return self._kubelet.phase

    @property
    def history(self) -> tuple[Event, ...]:
        """What happened to the containers, in order."""
        return tuple(self._kubelet.history)

    def start(self, seconds: float = PATIENCE) -> None:
        """
        Make the volumes and start everything, up to the regular containers.

        Raises:
            VolumeError: when a volume cannot be made.
            ContainerConfigError: when a container cannot be made.
            PodFailedError: when an init container failed for good.
            TimeoutError: when the regular containers have not started after `seconds`.
        """
        self._volumes.make()
        self._kubelet.start()
        # A pod that failed is told of once everything has ended.
        if not self._kubelet.wait(self._is_settled, seconds):
            waiting = [it for it in self.containers.values() if it.phase is not Phase.ENDED]
            self.stop(0)
            msg = f"the pod did not start: {', '.join(it.spec.name for it in waiting)} waited"
            raise TimeoutError(msg)
        if self._kubelet.failure is not None:
            raise self._kubelet.failure
        failed = self._failed_init()
        if failed is not None:
            raise PodFailedError(
                failed.spec.name, failed.exit_code or 0, failed.termination_message, failed.log()
            )

    def stop(self, grace: float | None = None) -> None:
        """
        End the pod as Kubernetes deletes one; once it is over this does nothing.

        SIGTERM to all but sidecars at once, then to the sidecars in reverse order, SIGKILL to what
        is left.

        Args:
            grace: seconds until SIGKILL; the pod's `terminationGracePeriodSeconds` when absent.
        """
        self._kubelet.stop(self.pod.grace_period if grace is None else grace)

    def wait(self, name: str = "", *, seconds: float = PATIENCE) -> int:
        """
        Wait until a container, or the pod with its sidecars, has ended for good.

        Returns:
            Its exit code; the pod's is the first of its regular containers that is not 0.

        Raises:
            TimeoutError: when it has not ended after `seconds`.
        """
        if not self._kubelet.wait(lambda: self._has_ended(name), seconds):
            msg = f"{name or 'the pod'} has not ended after {seconds:g} s"
            raise TimeoutError(msg)
        if self._kubelet.failure is not None:
            raise self._kubelet.failure
        if name:
            return self.containers[name].exit_code or 0
        regular = self.pod.of(spec.Kind.REGULAR)
        return next((c for c in (self.containers[it.name].exit_code for it in regular) if c), 0)

    def directory(self, container: str, path: str) -> Path:
        """
        Give a mount of a container on this machine.

        Raises:
            KeyError: when there is no such container or mount.
        """
        wanted = spec.normalised(path)
        if wanted not in {mount.path for mount in self.pod.container(container).mounts}:
            msg = f"{container} mounts nothing at {path}"
            raise KeyError(msg)
        return self.containers[container].root / wanted.lstrip("/")

    def environment(self, container: str) -> dict[str, str]:
        """
        Give the variables of a container: of its last start, or of a start now.

        Raises:
            ContainerConfigError: when a source is not there.
        """
        instance = self.containers[container]
        return dict(instance.environment) if instance.starts else self._sources.of(instance.spec)

    def ready(self, container: str) -> bool:
        """
        Try the readiness probe once; without one, or as a stand-in, it is ready while it runs.

        Raises:
            UnsupportedPodError: for a kind of probe that the runner does not know.
        """
        instance = self.containers[container]
        probe = instance.spec.document.get("readinessProbe")
        if instance.running is None or not probe or not self._launcher.is_own(instance.spec):
            return instance.running is not None
        return probes.succeeds(probe, instance.spec, self._launcher.place(instance))

    def rotate_tokens(self) -> None:
        """Project new tokens, as the kubelet does at four fifths of their life."""
        self._volumes.rotate()

    def signal(self, container: str, number: int) -> None:
        """Send a signal to the first process of a container, if it runs."""
        process = self.containers[container].running
        if process is not None:
            process.signal(number)

    def kill(self, container: str) -> None:
        """End a container the hard way; its policy decides what follows."""
        self.signal(container, signal.SIGKILL)

    def _is_settled(self) -> bool:
        over = self._kubelet.over
        return over or (self._failed_init() is None and self.phase is not PodPhase.PENDING)

    def _failed_init(self) -> Instance | None:
        for container in self.pod.of(spec.Kind.INIT):
            instance = self.containers[container.name]
            if instance.phase is Phase.ENDED and instance.exit_code:
                return instance
        return None

    def _has_ended(self, name: str) -> bool:
        ended = name and self.containers[name].phase is Phase.ENDED
        return self._kubelet.over or bool(ended)
