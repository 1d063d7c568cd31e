"""What a pod runner refuses, in the terms of the part of Kubernetes that would refuse it."""

from __future__ import annotations


class PodError(Exception):
    """Root of what goes wrong with a pod that is run."""


class InvalidPodError(PodError):
    """
    The API server would not have taken this pod.

    Attributes:
        problems: one line each, with the path of the field.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class UnsupportedPodError(PodError):
    """Kubernetes would run this, and the runner cannot show it faithfully."""


class VolumeError(PodError):
    """A volume cannot be set up: the kubelet's FailedMount, in which a real pod hangs."""


class ContainerConfigError(PodError):
    """A container cannot be made: CreateContainerConfigError, in which a real pod hangs."""

    def __init__(self, container: str, problem: str) -> None:
        super().__init__(f"container {container}: {problem}")
        self.container = container
        self.problem = problem


class PodFailedError(PodError):
    """An init container failed for good, so that the others never start."""

    def __init__(self, container: str, exit_code: int, termination_message: str, log: str) -> None:
        super().__init__(f"container {container} ended with {exit_code}: {termination_message}")
        self.container = container
        self.exit_code = exit_code
        self.termination_message = termination_message
        self.log = log
