"""
A pod's document as the runner reads it: parsed once, refused with every problem at once.

Only what the runner acts on is read; other fields are left alone, known to Kubernetes or not.
"""

from __future__ import annotations

import posixpath
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS: Final = "Always"
NEVER: Final = "Never"
_GRACE_SECONDS: Final = 30  # the API server's default
_SUFFIX: Final = "x7k2p"  # where the API server would draw five letters


class Kind(StrEnum):
    """How a container takes part in the pod's life."""

    INIT = "init"
    """Runs to its end before the next one starts."""
    SIDECAR = "sidecar"
    """An init container with `restartPolicy: Always`: started in turn, and kept running."""
    REGULAR = "regular"


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a container sees a volume."""

    volume: str
    path: str
    """Absolute and normalised."""
    sub_path: str = ""
    sub_path_expression: str = ""
    read_only: bool = False
    """Recorded: processes of one machine cannot be held to it."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container."""

    name: str
    kind: Kind
    document: Mapping[str, Any]
    place: str
    """Path of its document in the pod, `spec.initContainers[0]`."""
    mounts: tuple[Mount, ...]
    restart_policy: str
    """Its own, or the pod's."""

    @property
    def words(self) -> list[str]:
        """Command and arguments as they are written."""
        return [*(self.document.get("command") or ()), *(self.document.get("args") or ())]

    @property
    def rules(self) -> list[dict[str, Any]]:
        """Its `restartPolicyRules`."""
        return list(self.document.get("restartPolicyRules") or ())


@dataclass(frozen=True, slots=True)
class PodSpec:
    """One pod."""

    name: str
    namespace: str
    uid: str
    service_account: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    grace_period: float
    """Seconds between SIGTERM and SIGKILL."""
    volumes: tuple[Mapping[str, Any], ...]
    containers: tuple[Container, ...]
    """In the order of their start."""

    def of(self, *kinds: Kind) -> tuple[Container, ...]:
        """Give the containers of some kinds, in order."""
        return tuple(container for container in self.containers if container.kind in kinds)

    def container(self, name: str) -> Container:
        """Give one container; raises KeyError."""
        return {container.name: container for container in self.containers}[name]


def read(pod: Mapping[str, Any]) -> PodSpec:
    """
    Read a document that has been checked (`validation.problems`).

    What the API server would have filled in (name from `generateName`, uid, namespace, defaults) is
    filled in.
    """
    metadata, spec = pod.get("metadata") or {}, pod["spec"]
    policy = str(spec.get("restartPolicy") or ALWAYS)
    grace = spec.get("terminationGracePeriodSeconds")
    return PodSpec(
        name=metadata.get("name") or f"{metadata.get('generateName', 'pod-')}{_SUFFIX}",
        namespace=metadata.get("namespace") or "default",
        uid=metadata.get("uid") or str(uuid.uuid4()),
        service_account=spec.get("serviceAccountName") or "default",
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
        grace_period=float(_GRACE_SECONDS if grace is None else grace),
        volumes=tuple(spec.get("volumes") or ()),
        containers=tuple(
            _container(document, f"spec.{field}[{number}]", policy)
            for field in ("initContainers", "containers")
            for number, document in enumerate(spec.get(field) or ())
        ),
    )


def _container(document: Mapping[str, Any], place: str, policy: str) -> Container:
    own = document.get("restartPolicy")
    kind = Kind.REGULAR
    if place.startswith("spec.initContainers"):
        kind = Kind.SIDECAR if own == ALWAYS else Kind.INIT
    return Container(
        name=document["name"],
        kind=kind,
        document=document,
        place=place,
        mounts=tuple(_mount(mount) for mount in document.get("volumeMounts") or ()),
        restart_policy=str(own or policy),
    )


def _mount(mount: Mapping[str, Any]) -> Mount:
    return Mount(
        volume=mount["name"],
        # A path that is not absolute is taken from the root by the container runtimes.
        path=normalised(mount["mountPath"]),
        sub_path=mount.get("subPath") or "",
        sub_path_expression=mount.get("subPathExpr") or "",
        read_only=bool(mount.get("readOnly")),
    )


def normalised(path: str) -> str:
    """Give an absolute path without `.`, `..`, doubled or trailing slashes."""
    # POSIX keeps two slashes at the front, which here is only another way to write one.
    return posixpath.normpath("/" + path.lstrip("/"))
