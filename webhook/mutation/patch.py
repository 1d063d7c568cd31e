"""
The patch: only `add`, only what is missing.

Operations address elements and never rewrite a list of the user's, so unknown fields survive; the
same pod gives the same bytes, and a second pass gives none. On a member of an object that exists,
RFC 6902 §4.1 makes `add` replace it: that is used for our own plan and annotation, and for a
variable that is taken over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract import names
from webhook.mutation import injected, variables
from webhook.mutation.pod import INIT, REGULAR, documents
from webhook.mutation.sidecar import Sidecar
from webhook.review import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webhook.mutation.additions import Additions
    from webhook.mutation.pod import Container, Document, Pod

# `~1` is a slash within one token of a JSON pointer (RFC 6901 §3); all other tokens are field names
# and positions.
_MARK: Final = f"/metadata/annotations/{names.INJECTED.replace('/', '~1')}"


def operations(pod: Pod, additions: Additions) -> tuple[Operation, ...]:
    """Everything that is missing, in an order in which every pointer holds."""
    found: list[Operation] = []
    for container in pod.containers:
        found.extend(_mounts(container, additions.mounts.get(container.name, ())))
        entries = additions.variables.get(container.name)
        if entries:
            found.extend(_variables(container, entries, overrides=additions.overrides))
    found.extend(_volumes(pod, additions))
    found.extend(_pod_fields(pod, additions))
    found.extend(_ours(pod, additions))
    if pod.annotations.get(names.INJECTED) != additions.mark:
        found.append(Operation(_MARK, additions.mark))
    return tuple(found)


def _append(document: Document, field: str, pointer: str, items: Sequence[Any]) -> list[Operation]:
    """Put items at the end of a list that may not be there."""
    if not items:
        return []
    if document.get(field) is None:
        return [Operation(f"{pointer}/{field}", list(items))]
    return [Operation(f"{pointer}/{field}/-", item) for item in items]


def _mounts(container: Container, wanted: Sequence[Mapping[str, Any]]) -> list[Operation]:
    if not wanted:
        return []
    expected = {item["name"] for item in wanted}
    held = [item for item in container.mounts if str(item.get("name")) in expected]
    missing = [item for item in wanted if not any(injected.is_mount(it, item) for it in held)]
    return _append(container.document, "volumeMounts", container.pointer, missing)


def _variables(
    container: Container, entries: Sequence[dict[str, Any]], *, overrides: bool
) -> list[Operation]:
    """Variables at the front, so that the user's `$(VAR)` sees them; or in place of the user's."""
    held = container.variables
    places: dict[str, list[int]] = {}
    for index, item in enumerate(held):
        places.setdefault(str(item.get("name")), []).append(index)
    found: list[Operation] = []
    missing: list[dict[str, Any]] = []
    for entry in entries:
        if entry["name"] not in places:
            missing.append(entry)
        for index in places.get(entry["name"], ()):
            if overrides and not variables.is_ours(held[index], entry):
                pointer = f"{container.pointer}/env/{index}"
                if held[index].get("value"):
                    # Kubernetes allows `valueFrom` beside an empty value only.
                    found.append(Operation(f"{pointer}/value", ""))
                found.append(Operation(f"{pointer}/valueFrom", entry["valueFrom"]))
    if not missing:
        return found
    if container.document.get("env") is None:
        return [*found, Operation(f"{container.pointer}/env", missing)]
    found.extend(
        Operation(f"{container.pointer}/env/{index}", entry) for index, entry in enumerate(missing)
    )
    return found


def _volumes(pod: Pod, additions: Additions) -> list[Operation]:
    held = {str(volume.get("name")) for volume in pod.volumes}
    missing = [volume for volume in additions.volumes if volume["name"] not in held]
    return _append(pod.spec, "volumes", "/spec", missing)


def _pod_fields(pod: Pod, additions: Additions) -> list[Operation]:
    found: list[Operation] = []
    if additions.pull_secret:
        held = documents(pod.spec, "imagePullSecrets")
        if not any(item.get("name") == additions.pull_secret for item in held):
            secret = {"name": additions.pull_secret}
            found.extend(_append(pod.spec, "imagePullSecrets", "/spec", [secret]))
    if additions.shares_processes and pod.spec.get("shareProcessNamespace") is not True:
        found.append(Operation("/spec/shareProcessNamespace", value=True))
    return found


def _ours(pod: Pod, additions: Additions) -> list[Operation]:
    """Our containers: put in where they are missing, brought up to date where they are not."""
    found: list[Operation] = []
    for container in pod.ours.values():
        found.extend(_updated(container, additions))
    init, sidecar = pod.ours.get(names.INIT_CONTAINER), pod.ours.get(names.SIDECAR_CONTAINER)
    wanted = [additions.init] if init is None else []
    if sidecar is None and additions.sidecar is not None:
        if additions.kind is Sidecar.NATIVE:
            wanted.append(additions.sidecar)
        else:
            found.append(Operation(f"/spec/{REGULAR}/-", additions.sidecar))
    if not wanted:
        return found
    if pod.spec.get(INIT) is None:
        return [*found, Operation(f"/spec/{INIT}", wanted)]
    if init is None and additions.order == "last":
        return [*found, *(Operation(f"/spec/{INIT}/-", item) for item in wanted)]
    first = 0 if init is None else init.index + 1
    found.extend(Operation(f"/spec/{INIT}/{first + at}", item) for at, item in enumerate(wanted))
    return found


def _updated(container: Container, additions: Additions) -> list[Operation]:
    found: list[Operation] = []
    entry = injected.plan_entry(container)
    if entry is not None and entry[1] != additions.plan_text:
        pointer = f"{container.pointer}/env/{entry[0]}/value"
        found.append(Operation(pointer, additions.plan_text))
    held = {str(mount.get("name")) for mount in container.mounts}
    wanted = additions.our_mounts
    missing = [mount for mount in wanted if mount["name"] not in held]
    found.extend(_append(container.document, "volumeMounts", container.pointer, missing))
    return found
