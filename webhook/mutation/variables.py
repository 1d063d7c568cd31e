"""
Environment variables from EnvFiles: `valueFrom.fileKeyRef`, which the kubelet reads.

An older kubelet would start the application with an empty variable and no event, so they are
planned only where every kubelet knows them. A variable that a container defines already is refused,
or taken over where `override-env` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from injector.contract import names
from injector.contract.reasons import Reason
from webhook.context import KubernetesVersion
from webhook.mutation.sidecar import oldest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webhook.annotations.intent import Options, Wanted
    from webhook.context import Context
    from webhook.errors import Problems
    from webhook.mutation.pod import Container, Document
    from webhook.mutation.selection import Selected
    from webhook.settings import Settings

ENV_FILES_SINCE: Final = KubernetesVersion(1, 35)


def entries(
    selected: Sequence[Selected],
) -> dict[str, list[dict[str, Any]]]:
    """Entries of `env` by container, in the order in which they were asked for."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in selected:
        if item.wanted.kind != "env":
            continue
        for container in item.containers:
            held = found.setdefault(container.name, [])
            held.extend(
                _entry(variable.name, container, item.wanted) for variable in item.wanted.variables
            )
    return found


def _entry(name: str, container: Container, wanted: Wanted) -> dict[str, Any]:
    reference = {
        "volumeName": names.ENV_VOLUME,
        "path": names.env_file(container.name),
        "key": name,
        "optional": wanted.optional,
    }
    return {"name": name, "valueFrom": {"fileKeyRef": reference}}


def volume_of(entry: Document) -> object:
    """The volume that a container's entry takes its value from, None for other entries."""
    source = entry.get("valueFrom")
    reference = source.get("fileKeyRef") if isinstance(source, dict) else None
    return reference.get("volumeName") if isinstance(reference, dict) else None


def is_ours(entry: Document, wanted: Mapping[str, Any]) -> bool:
    """Whether a container's entry is what we would write; others may leave `optional` out."""
    source = entry.get("valueFrom")
    if entry.get("name") != wanted["name"] or not isinstance(source, dict):
        return False
    reference = source.get("fileKeyRef")
    return (
        len(source) == 1
        and isinstance(reference, dict)
        and {"optional": False} | reference == wanted["valueFrom"]["fileKeyRef"]
    )


def check(
    selected: Sequence[Selected],
    options: Options,
    context: Context,
    settings: Settings,
    problems: Problems,
) -> None:
    """Note variables that this cluster cannot give, and those that a container has already."""
    missing = _missing(context, settings)
    for item in selected:
        if item.wanted.kind != "env":
            continue
        origin = item.wanted.origin
        if missing is not None:
            name = item.wanted.variables[0].name if item.wanted.variables else "VARIABLE"
            message = f"{missing}; {_alternative(name, options.mount_path)}"
            problems.add(Reason.UNSUPPORTED_POD, origin.key, message, origin.line)
        if options.override_env:
            continue
        for container in item.containers:
            for name in _defined(item.wanted, container):
                message = (
                    f"the container `{container.name}` defines `{name}` already: remove it there, "
                    f'or add `{names.DOMAIN}/override-env: "true"`'
                )
                problems.add(Reason.NAME_COLLISION, origin.key, message, origin.line)


def _missing(context: Context, settings: Settings) -> str | None:
    if settings.env_files == "always":
        return None
    if settings.env_files == "never":
        return "the operator has switched variables off"
    version, who = oldest(context)
    if version >= ENV_FILES_SINCE:
        return None
    return f"needs kubelet ≥ {ENV_FILES_SINCE} ({who})"


def _alternative(name: str, mount_path: str) -> str:
    return (
        f"instead `{names.DOMAIN}/file.app.env: <reference>`, its value or keys as `{name}=…`, "
        f"and `sh -ec 'set -a; . {mount_path}/app.env; set +a; exec <command>'`"
    )


def _defined(wanted: Wanted, container: Container) -> list[str]:
    entries = container.variables
    if not entries:
        return []
    asked = {
        variable.name: _entry(variable.name, container, wanted) for variable in wanted.variables
    }
    return sorted(
        {
            name
            for entry in entries
            if (name := str(entry.get("name"))) in asked and not is_ours(entry, asked[name])
        }
    )
