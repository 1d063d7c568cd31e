"""
What the API server refuses, of what a webhook could get wrong; every problem at once.

Messages are the API server's kind: the field's path, then what is the matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from worlds.pods import fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MIN_EXPIRATION: Final = 600
_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def problems(pod: Mapping[str, Any]) -> list[str]:
    """Give everything that is wrong with a pod, a line each."""
    spec = pod.get("spec") or {}
    volumes = {str(volume.get("name")): volume for volume in spec.get("volumes") or ()}
    found = [*_volumes(spec)]
    seen: set[str] = set()
    for field in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(field) or ()):
            place = f"spec.{field}[{number}]"
            found += _name(container.get("name"), f"{place}.name", seen)
            found += _mounts(container, place, volumes)
            found += _variables(container, place, volumes)
            found += _life(container, place, init=field == "initContainers")
    if not spec.get("containers"):
        found.append("spec.containers: Required value")
    return found


def _name(name: object, place: str, seen: set[str]) -> Iterator[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"{place}: Invalid value: {name!r}: not an RFC 1123 label"
    elif name in seen:
        yield f'{place}: Duplicate value: "{name}"'
    else:
        seen.add(name)


def _volumes(spec: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for number, volume in enumerate(spec.get("volumes") or ()):
        place = f"spec.volumes[{number}]"
        yield from _name(volume.get("name"), f"{place}.name", seen)
        kinds = [key for key in volume if key != "name"]
        if len(kinds) > 1:
            yield f"{place}: Forbidden: may not specify more than 1 volume type"
        yield from _projected(volume.get("projected") or {}, f"{place}.projected")


def _projected(projected: Mapping[str, Any], place: str) -> Iterator[str]:
    paths: set[str] = set()
    for number, source in enumerate(projected.get("sources") or ()):
        here = f"{place}.sources[{number}]"
        token = source.get("serviceAccountToken")
        if token is not None and token.get("expirationSeconds", 3600) < _MIN_EXPIRATION:
            yield f"{here}.serviceAccountToken.expirationSeconds: may not specify less than 10 min"
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            path = (item.get("fieldRef") or {}).get("fieldPath", "")
            if "fieldRef" in item and not fields.is_file(path):
                yield f"{here}.downwardAPI: Unsupported value: {path!r}"
        for path in _paths(source):
            if not _is_local(path):
                yield f"{here}: Invalid value: {path!r}: must be a relative path without '..'"
            elif path in paths:
                yield f"{here}: Invalid value: {path!r}: conflicting duplicate paths"
            paths.add(path)


def _paths(source: Mapping[str, Any]) -> Iterator[str]:
    token = source.get("serviceAccountToken")
    if token is not None:
        yield str(token.get("path", ""))
    for kind in ("configMap", "secret", "downwardAPI"):
        for item in (source.get(kind) or {}).get("items") or ():
            yield str(item.get("path", ""))


def _mounts(container: Mapping[str, Any], place: str, volumes: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        here, path = f"{place}.volumeMounts[{number}]", mount.get("mountPath")
        if mount.get("name") not in volumes:
            yield f'{here}.name: Not found: "{mount.get("name")}"'
        if not path:
            yield f"{here}.mountPath: Required value"
        elif ":" in path:
            yield f"{here}.mountPath: Invalid value: {path!r}: must not contain ':'"
        elif path in seen:
            yield f'{here}.mountPath: Invalid value: "{path}": must be unique'
        seen.add(str(path))
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield f"{here}.subPathExpr: Invalid value: subPathExpr and subPath are exclusive"
        for field in ("subPath", "subPathExpr"):
            if mount.get(field) and not _is_local(mount[field]):
                yield f"{here}.{field}: Invalid value: must be a relative path without '..'"


def _variables(
    container: Mapping[str, Any], place: str, volumes: Mapping[str, Any]
) -> Iterator[str]:
    for number, entry in enumerate(container.get("env") or ()):
        here, source = f"{place}.env[{number}]", entry.get("valueFrom")
        if not entry.get("name") or "=" in entry["name"]:
            yield f"{here}.name: Invalid value: {entry.get('name')!r}"
        if source is None:
            continue
        known = [kind for kind in _SOURCES if source.get(kind) is not None]
        if entry.get("value"):
            yield f"{here}.valueFrom: Invalid value: may not be specified when `value` is not empty"
        if len(known) != 1 or set(source) - set(_SOURCES):
            yield f"{here}.valueFrom: Invalid value: must have exactly one known source"
        else:
            yield from _source(known[0], source[known[0]], here, volumes)


def _source(
    kind: str, reference: Mapping[str, Any], place: str, volumes: Mapping[str, Any]
) -> Iterator[str]:
    here = f"{place}.valueFrom.{kind}"
    if kind == "fieldRef" and not fields.is_variable(reference.get("fieldPath", "")):
        yield f"{here}.fieldPath: Invalid value: {reference.get('fieldPath')!r}: not supported"
    if kind != "fileKeyRef":
        return
    volume = volumes.get(reference.get("volumeName", ""))
    if volume is None:
        yield f'{here}.volumeName: Not found: "{reference.get("volumeName")}"'
    elif set(volume) - {"name", "emptyDir"}:
        yield f"{here}.volumeName: Invalid value: must be an emptyDir volume"
    if not _is_local(reference.get("path", "")):
        yield f"{here}.path: Invalid value: must be a relative path without '..'"
    if not reference.get("key"):
        yield f"{here}.key: Required value"


def _life(container: Mapping[str, Any], place: str, *, init: bool) -> Iterator[str]:
    """Hooks, probes and policies where they may stand."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules")
    if rules and not policy:
        yield f"{place}.restartPolicy: Required value: must be set with restartPolicyRules"
    if init and policy != "Always":
        for field in ("lifecycle", "startupProbe", "readinessProbe", "livenessProbe"):
            if container.get(field):
                yield f"{place}.{field}: Forbidden: only with restartPolicy Always"
    ports = {port.get("name") for port in container.get("ports") or ()}
    for field in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = ((container.get(field) or {}).get("httpGet") or {}).get("port")
        if isinstance(port, str) and port not in ports:
            yield f"{place}.{field}.httpGet.port: Not found: {port!r}"


def _is_local(path: str) -> bool:
    return bool(path) and not path.startswith("/") and ".." not in path.split("/")
