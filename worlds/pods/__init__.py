"""
The pod runner: a pod's specification, run as processes of this machine.

A small kubelet for tests and the demo, without containers, root or Linux: a wrong mount, variable,
order or argument in a patch fails here in seconds. `PodRunner` is the door.
"""

from worlds.pods.errors import (
    ContainerConfigError,
    InvalidPodError,
    PodError,
    PodFailedError,
    UnsupportedPodError,
    VolumeError,
)
from worlds.pods.image import Application, Image
from worlds.pods.instances import Instance
from worlds.pods.kubelet import Event
from worlds.pods.order import PodPhase
from worlds.pods.runner import PodRunner, RunnerOptions
from worlds.pods.volumes import TokenRequest

__all__ = [
    "Application",
    "ContainerConfigError",
    "Event",
    "Image",
    "Instance",
    "InvalidPodError",
    "PodError",
    "PodFailedError",
    "PodPhase",
    "PodRunner",
    "RunnerOptions",
    "TokenRequest",
    "UnsupportedPodError",
    "VolumeError",
]
