"""
Where each file of a pod goes below one directory of this machine. Pure.

- All containers see the same files at one mount path: `DIR/<file>`.
- Otherwise `DIR/<container>/<mount path>/<file>`: what that container sees there.
- Variables: `DIR/<container>.env`, as the kubelet reads it (`NAME='value'`), which docker compose's
  `env_file:` and a POSIX shell read alike.

A container's name has no dot, so that no EnvFile meets a container's directory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from injector.contract import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from injector.contract.plan import Plan
    from injector.material import RenderedFile

OWNER_ONLY: Final = 0o600
_ENV_DIRECTORY: Final = "env/"
_VARIABLE: Final = re.compile(rb"([A-Za-z0-9_.-]+)='([^']*)'\n")


@dataclass(frozen=True, slots=True)
class Mount:
    """One of our volumes in one container of the pod."""

    container: str
    path: str
    """Absolute, within the container."""
    volume: str


def mounts(pod: dict[str, Any], plan: Plan) -> list[Mount]:
    """Find where the pod's own containers see our volumes."""
    spec = pod["spec"]
    ours = {names.INIT_CONTAINER, names.SIDECAR_CONTAINER}
    return [
        Mount(container["name"], mount["mountPath"], mount["name"])
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]
        if container["name"] not in ours
        for mount in container.get("volumeMounts") or []
        if mount["name"] in plan.volumes
    ]


def arrange(
    seen: Sequence[Mount], volumes: Mapping[str, Sequence[RenderedFile]]
) -> list[RenderedFile]:
    """
    Place every file, readable by its owner only.

    Args:
        seen: the mounts of the pod's containers.
        volumes: what each volume holds.
    """
    variables = [replace(file, path=env_file(file)) for file in volumes.get(names.ENV_VOLUME, ())]
    together = [
        file for volume in dict.fromkeys(mount.volume for mount in seen) for file in volumes[volume]
    ]
    alike = len({(mount.path, mount.volume) for mount in seen}) <= 1
    taken = {file.path.partition("/")[0] for file in together}
    if not alike or not taken.isdisjoint(file.path for file in variables):
        together = [
            replace(file, path=f"{mount.container}/{mount.path.strip('/')}/{file.path}")
            for mount in seen
            for file in volumes[mount.volume]
        ]
    return [replace(file, mode=file.mode & OWNER_ONLY) for file in (*together, *variables)]


def env_file(file: RenderedFile) -> str:
    """Path of an EnvFile below the directory, from that in its volume."""
    return file.path.removeprefix(_ENV_DIRECTORY)


def unreadable_by_compose(env_file: bytes) -> list[str]:
    r"""
    Name the variables that docker compose would not read as the kubelet does.

    Compose takes `\'` for a quote that goes on, and a `-` in a name for an error (compose-go,
    dotenv/parser.go).
    """
    return [
        name.decode()
        for name, value in _VARIABLE.findall(env_file)
        if value.endswith(b"\\") or b"-" in name
    ]
