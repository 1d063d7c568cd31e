"""
A pod as this room reads it: its own containers, what is already ours, and a few facts.

The document is the API server's and is never changed. What no API server would send (a list that
is no list, a container without a name) is refused, since `render` also gets files by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from injector.contract import names
from webhook.annotations.parsers import MAX_CONTAINERS

INIT: Final = "initContainers"
REGULAR: Final = "containers"
OURS: Final = frozenset({names.INIT_CONTAINER, names.SIDECAR_CONTAINER})
_GRACE_PERIOD: Final = 30  # seconds, Kubernetes' default
_LONGEST_GRACE: Final = 366 * 86400

Document = Mapping[str, Any]


class MalformedPodError(ValueError):
    """A document that is no pod; the text names the field."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the pod, with where it stands."""

    name: str
    field: str
    """`initContainers` or `containers`."""
    index: int
    document: Document
    uid: int | None
    """Effective `runAsUser`; None when only the image knows."""
    mounts: list[Document]
    """Its `volumeMounts`."""
    variables: list[Document]
    """Its `env`."""

    @property
    def pointer(self) -> str:
        """JSON pointer of the container."""
        return f"/spec/{self.field}/{self.index}"


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of an admission."""

    document: Document
    spec: Document
    containers: tuple[Container, ...]
    """Its own, in the order of their start."""
    ours: Mapping[str, Container]
    """Ours that are there already, by name."""
    volumes: tuple[Document, ...]

    @classmethod
    def of(cls, document: Document) -> Pod:
        """
        Read a pod.

        Raises:
            MalformedPodError: for what is no pod.
        """
        spec = mapping(document, "spec")
        pod_uid = mapping(spec, "securityContext").get("runAsUser")
        own: list[Container] = []
        ours: dict[str, Container] = {}
        for field in (INIT, REGULAR):
            items = documents(spec, field)
            if len(items) > MAX_CONTAINERS:
                msg = f"spec.{field}: more than {MAX_CONTAINERS} containers"
                raise MalformedPodError(msg)
            for index, item in enumerate(items):
                container = _container(item, field, index, pod_uid)
                if container.name in OURS and container.name not in ours:
                    ours[container.name] = container
                else:
                    own.append(container)
        if not any(container.field == REGULAR for container in own):
            msg = "spec.containers: a pod has at least one container"
            raise MalformedPodError(msg)
        return cls(document, spec, tuple(own), ours, tuple(documents(spec, "volumes")))

    @property
    def annotations(self) -> Document:
        """All annotations."""
        return mapping(mapping(self.document, "metadata"), "annotations")

    @property
    def fs_group(self) -> int | None:
        """The group that volumes are given to."""
        value = mapping(self.spec, "securityContext").get("fsGroup")
        return value if isinstance(value, int) else None

    @property
    def restarts_always(self) -> bool:
        """Whether it is a service, not a job."""
        return (self.spec.get("restartPolicy") or "Always") == "Always"

    @property
    def grace_period(self) -> float:
        """Seconds between SIGTERM and SIGKILL."""
        value = self.spec.get("terminationGracePeriodSeconds")
        if not isinstance(value, int):
            return float(_GRACE_PERIOD)
        # The kubelet takes a negative one for a second; a year is for ever.
        return float(min(value, _LONGEST_GRACE)) if value >= 0 else 1.0

    @property
    def is_windows(self) -> bool:
        """Whether it runs on a Windows node."""
        selector = mapping(self.spec, "nodeSelector")
        return (
            mapping(self.spec, "os").get("name") == "windows"
            or selector.get("kubernetes.io/os") == "windows"
            or selector.get("beta.kubernetes.io/os") == "windows"
        )

    def starts_after_ours(self, container: Container, order: str) -> bool:
        """
        Whether `container` starts after our init container in the final order.

        Args:
            container: one of the pod's own.
            order: `first` or `last`, where ours will stand if it is not there yet.
        """
        if container.field == REGULAR:
            return True
        present = self.ours.get(names.INIT_CONTAINER)
        if present is not None and present.field == INIT:
            return container.index > present.index
        return order == "first"


def mapping(document: Document, field: str) -> Document:
    """
    A field that holds an object; empty when it is absent or null.

    Raises:
        MalformedPodError: if it holds anything else.
    """
    value = document.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        msg = f"{field}: an object is wanted"
        raise MalformedPodError(msg)
    return value


def documents(document: Document, field: str) -> list[Document]:
    """
    A field that holds a list of objects; empty when it is absent or null.

    Raises:
        MalformedPodError: if it holds anything else.
    """
    value = document.get(field)
    if value is None:
        return []
    if isinstance(value, list):
        for item in value:  # decoded JSON has no other mappings, and `all()` costs twice as much
            if not isinstance(item, dict):
                break
        else:
            return value
    msg = f"{field}: a list of objects is wanted"
    raise MalformedPodError(msg)


def _container(item: Document, field: str, index: int, pod_uid: object) -> Container:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        msg = f"spec.{field}[{index}]: a container has a name"
        raise MalformedPodError(msg)
    uid = mapping(item, "securityContext").get("runAsUser")
    if uid is None:
        uid = pod_uid
    return Container(
        name,
        field,
        index,
        item,
        uid if isinstance(uid, int) else None,
        documents(item, "volumeMounts"),
        documents(item, "env"),
    )
