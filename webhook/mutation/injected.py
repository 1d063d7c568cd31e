"""
Is what is there already ours?

Ours is a part with a reserved name and the plan that we would write; every other field of our
containers may have been changed by others and is not compared. Whatever else has a reserved name
is refused: a mount of the session volume would be the application's way to our sessions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract import codec, names
from injector.contract.reasons import Reason
from webhook.mutation import variables
from webhook.mutation.pod import INIT, REGULAR, documents
from webhook.mutation.sidecar import Sidecar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.plan import Plan
    from webhook.errors import Problems
    from webhook.mutation.additions import Additions
    from webhook.mutation.pod import Container, Document, Pod

_REMOVE: Final = (
    "remove the injected parts (containers, volumes, mounts and variables of "
    f"`{names.RESERVED_PREFIX}*`, the annotation `{names.INJECTED}`), or rename what is yours"
)


def check(pod: Pod, additions: Additions, problems: Problems) -> None:
    """Note everything with a name of ours that we would not have written."""

    def refuse(what: str) -> None:
        problems.add(Reason.ALREADY_INJECTED, what, f"is not what Syrette would add; {_REMOVE}")

    _check_ours(pod, additions, problems)
    wanted = {volume["name"]: volume for volume in additions.volumes}
    for volume in pod.volumes:
        name = volume.get("name")
        if _reserved(name) and not _same_volume(volume, wanted.get(str(name))):
            refuse(f"volume `{name}`")
    for container in pod.containers:
        if _reserved(container.name):
            refuse(f"container `{container.name}`")
        for what in _strange(container, additions):
            refuse(f"{what} in the container `{container.name}`")


def plan_entry(container: Container) -> tuple[int, str] | None:
    """Position and text of the plan in a container of ours, None unless it is there once."""
    found = [
        (index, entry.get("value"))
        for index, entry in enumerate(container.variables)
        if entry.get("name") == names.PLAN_VARIABLE
    ]
    if len(found) != 1 or not isinstance(found[0][1], str):
        return None
    return found[0][0], found[0][1]


def is_mount(mount: Document, wanted: Mapping[str, Any]) -> bool:
    """Whether a mount is the one that we would write."""
    return (
        all(mount.get(key) == value for key, value in wanted.items())
        and not mount.get("subPath")
        and not mount.get("subPathExpr")
    )


def _check_ours(pod: Pod, additions: Additions, problems: Problems) -> None:
    fields = {names.INIT_CONTAINER: INIT}
    if additions.kind is not Sidecar.NONE:
        fields[names.SIDECAR_CONTAINER] = INIT if additions.kind is Sidecar.NATIVE else REGULAR
    for name, container in pod.ours.items():
        entry = plan_entry(container)
        if (
            container.field != fields.get(name)
            or entry is None
            or not _same_plan(entry[1], additions)
        ):
            message = f"was injected for other annotations or by another version; {_REMOVE}"
            problems.add(Reason.ALREADY_INJECTED, f"container `{name}`", message)


def _same_plan(text: str, additions: Additions) -> bool:
    """
    Whether a plan asks for what ours asks for.

    A container, a uid or a group that another webhook added after us moves files between volumes
    and changes modes: then the plan is brought up to date. Other secrets make it another plan.
    """
    if text == additions.plan_text:
        return True
    try:
        plan = codec.load(text)
    except codec.InvalidPlanError:
        return False
    return _essence(plan) == _essence(additions.plan)


def _essence(plan: Plan) -> tuple[object, ...]:
    secrets = tuple(replace(secret, mode=0, volumes=(), containers=()) for secret in plan.secrets)
    return secrets, plan.stores


def _same_volume(volume: Document, wanted: Mapping[str, Any] | None) -> bool:
    if wanted is None or set(volume) != set(wanted):
        return False
    held, ours = volume.get("emptyDir"), wanted.get("emptyDir")
    if ours is not None:
        # Its size follows from the files, which may have moved.
        return (
            isinstance(held, dict)
            and held.get("medium") == ours["medium"]
            and set(held) <= set(ours)
        )
    held, ours = volume["projected"], wanted["projected"]
    return isinstance(held, dict) and held.get("sources") == ours["sources"]


def _strange(container: Container, additions: Additions) -> list[str]:
    """Uses of our volumes in one of the pod's own containers that are not from us."""
    wanted = additions.mounts.get(container.name, ())
    strange = [
        f"mount of `{mount.get('name')}`"
        for mount in container.mounts
        if _reserved(mount.get("name")) and not any(is_mount(mount, item) for item in wanted)
    ]
    if "volumeDevices" in container.document:
        strange.extend(
            f"device `{device.get('name')}`"
            for device in documents(container.document, "volumeDevices")
            if _reserved(device.get("name"))
        )
    entries = additions.variables.get(container.name, ())
    strange.extend(
        f"variable `{entry.get('name')}`"
        for entry in container.variables
        if "valueFrom" in entry
        and _reserved(variables.volume_of(entry))
        and not any(variables.is_ours(entry, item) for item in entries)
    )
    return strange


def _reserved(name: object) -> bool:
    return isinstance(name, str) and name.startswith(names.RESERVED_PREFIX)
