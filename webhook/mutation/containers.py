"""
Our own containers: exec form, no shell, and a security context that passes Pod Security restricted.

They get paths and roles from the plan, never from `AWS_*` or other variables of an SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from injector.contract import names
from webhook.mutation.sidecar import Sidecar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webhook.mutation.ownership import Ownership
    from webhook.mutation.resources import Resources
    from webhook.settings import InjectorSettings

_DOWNWARD: Final = (
    (names.POD_NAME_VARIABLE, "metadata.name"),
    (names.POD_UID_VARIABLE, "metadata.uid"),
    (names.NAMESPACE_VARIABLE, "metadata.namespace"),
    (names.SERVICE_ACCOUNT_VARIABLE, "spec.serviceAccountName"),
)
_PROBE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Shape:
    """What our containers are made of."""

    plan_text: str
    volumes: Sequence[str]
    """Names of the volumes that they write."""
    ownership: Ownership
    resources: Resources
    sidecar: Sidecar
    documents: bool = False
    """Whether there are Secrets of logins, or ConfigMaps with documents."""
    pod_volumes: Sequence[str] = ()
    """Volumes of the pod's own that hold documents."""
    metrics_port: int = 0
    probed: bool = False
    """Whether the sidecar's readiness says that secrets are fresh."""
    restarts: bool = False
    """Whether it may ask for a restart of the pod's containers."""


def init(shape: Shape, settings: InjectorSettings) -> dict[str, Any]:
    """The init container."""
    return _container(
        names.INIT_CONTAINER, names.INIT_COMMAND, shape, settings, shape.resources.init
    )


def sidecar(shape: Shape, settings: InjectorSettings) -> dict[str, Any] | None:
    """The sidecar, None where there is none."""
    if shape.sidecar is Sidecar.NONE:
        return None
    container = _container(
        names.SIDECAR_CONTAINER, names.SIDECAR_COMMAND, shape, settings, shape.resources.sidecar
    )
    if shape.sidecar is Sidecar.NATIVE or shape.restarts:
        container["restartPolicy"] = "Always"
    if shape.restarts:
        exits = {"operator": "In", "values": [names.RESTART_EXIT_CODE]}
        container["restartPolicyRules"] = [{"action": "RestartAllContainers", "exitCodes": exits}]
    if shape.metrics_port:
        container["ports"] = [
            {"name": names.METRICS_PORT, "containerPort": shape.metrics_port, "protocol": "TCP"}
        ]
    if shape.probed:
        container["readinessProbe"] = {
            "httpGet": {"path": names.READY_PATH, "port": shape.metrics_port},
            "periodSeconds": _PROBE_SECONDS,
        }
    return container


def mounts(
    volumes: Sequence[str], *, documents: bool = False, pod_volumes: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Mounts of our containers: what they write, their sessions, what they read."""
    found: list[dict[str, Any]] = [
        *({"name": name, "mountPath": names.volume_directory(name)} for name in volumes),
        {"name": names.SESSION_VOLUME, "mountPath": names.SESSION_DIRECTORY},
        {"name": names.IDENTITY_VOLUME, "mountPath": names.TOKEN_DIRECTORY, "readOnly": True},
    ]
    if documents:
        mount = {"mountPath": names.DOCUMENTS_DIRECTORY, "readOnly": True}
        found.append({"name": names.DOCUMENTS_VOLUME, **mount})
    found += (
        {"name": name, "mountPath": names.pod_volume_directory(name), "readOnly": True}
        for name in pod_volumes
    )
    return found


def _container(
    name: str,
    command: tuple[str, ...],
    shape: Shape,
    settings: InjectorSettings,
    resources: Mapping[str, Any],
) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "image": settings.image,
        "command": list(command),
        "env": _environment(shape.plan_text),
        "volumeMounts": mounts(
            shape.volumes, documents=shape.documents, pod_volumes=shape.pod_volumes
        ),
        "securityContext": _security(shape.ownership.uid),
        "terminationMessagePath": names.TERMINATION_MESSAGE_PATH,
        "terminationMessagePolicy": "File",
    }
    if settings.pull_policy:
        container["imagePullPolicy"] = settings.pull_policy
    if resources:
        container["resources"] = resources
    return container


def _environment(plan_text: str) -> list[dict[str, Any]]:
    return [
        {"name": names.PLAN_VARIABLE, "value": plan_text},
        *(
            {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
            for name, path in _DOWNWARD
        ),
    ]


def _security(uid: int | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if uid is not None:
        context["runAsUser"] = uid
    return context
