"""
Volumes: one for each distinct set of files and mount, and those of our own containers.

What a container sees is exactly the files selected for it; containers with the same set share one
volume. All of them are memory; sizes are bounds, not reservations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from injector.contract import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from injector.contract.stores import Store
    from webhook.mutation.pod import Container
    from webhook.mutation.selection import Selected

MEBIBYTE: Final = 1 << 20
# Secrets Manager holds at most 64 KiB, a template may put several together; a directory has many.
_VALUE_BYTES: Final = 64 << 10
_FILE_BYTES: Final = 256 << 10
_DIRECTORY_BYTES: Final = 1 << 20
_SETS: Final = 2  # the old set stays until the new one is complete
_LEAST_BYTES: Final = 4 * MEBIBYTE
_TOKEN_MODE: Final = 0o444


@dataclass(frozen=True, slots=True)
class FileVolume:
    """One volume of files, and who mounts it."""

    name: str
    mount: str
    """Directory in the application's containers."""
    secrets: tuple[int, ...]
    """Which of the pod's secrets it has, by position."""
    containers: tuple[Container, ...]
    bytes: int
    """Bound of what it may hold."""


def arrange(selected: Sequence[Selected], mount_path: str) -> tuple[FileVolume, ...]:
    """
    Sort files into volumes.

    Sets that somebody named containers for come first, then those of the default: a container that
    another webhook adds later can only bring a default set, and must not change the other names.
    """
    held: dict[tuple[int, str], tuple[Container, list[int]]] = {}
    for position, item in enumerate(selected):
        if item.wanted.kind == "env":
            continue
        mount = item.wanted.mount or mount_path
        for container in item.containers:
            held.setdefault((id(container), mount), (container, []))[1].append(position)
    sets: dict[tuple[str, tuple[int, ...]], list[Container]] = {}
    for (_, mount), (container, positions) in held.items():
        sets.setdefault((mount, tuple(positions)), []).append(container)
    ordered = sorted(sets.items(), key=lambda item: _rank(item[0], item[1], selected))
    return tuple(
        FileVolume(
            names.SECRETS_VOLUME if number == 1 else f"{names.SECRETS_VOLUME}-{number}",
            mount,
            positions,
            tuple(containers),
            _bound(selected[position] for position in positions),
        )
        for number, ((mount, positions), containers) in enumerate(ordered, 1)
    )


def _rank(
    key: tuple[str, tuple[int, ...]], containers: list[Container], selected: Sequence[Selected]
) -> tuple[bool, str, tuple[str, int], tuple[int, ...]]:
    mount, positions = key
    by_default = all(selected[position].by_default for position in positions)
    first = containers[0]
    # A regular container stands behind every init container, as `initContainers` sorts behind.
    place = ("", 0) if by_default else (_PLACES[first.field], first.index)
    return by_default, mount if by_default else "", place, positions


_PLACES: Final = {"initContainers": "0", "containers": "1"}


def _bound(selected: Iterable[Selected]) -> int:
    return max(_LEAST_BYTES, _SETS * sum(map(_result_bytes, selected)))


def _result_bytes(item: Selected) -> int:
    sizes = {"dir": _DIRECTORY_BYTES, "env": _VALUE_BYTES}
    return sizes.get(item.wanted.kind, _FILE_BYTES)


def env_bound(selected: Sequence[Selected]) -> int:
    """Bound in bytes of the EnvFile volume: each variable once for every container."""
    copies = sum(len(item.containers) for item in selected if item.wanted.kind == "env")
    return max(_LEAST_BYTES, _SETS * copies * _VALUE_BYTES) if copies else 0


def session_bound(selected: Iterable[Selected]) -> int:
    """
    Bound in bytes of the session volume: the state has every value and result in base64.

    A state that does not fit is never replaced, and each cycle starts from what was long ago.
    """
    held = 0
    for item in selected:
        values = _VALUE_BYTES * len(item.wanted.sources)
        held += max(values, _DIRECTORY_BYTES if item.wanted.kind == "dir" else 0)
        held += _result_bytes(item)
    return max(_LEAST_BYTES, _SETS * held * 4 // 3)


def memory(name: str, size: int) -> dict[str, Any]:
    """An emptyDir in memory of at most `size` bytes, in whole mebibytes."""
    mebibytes = -(-size // MEBIBYTE)
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": f"{mebibytes}Mi"}}


def identity(stores: Iterable[Store], expiration: int) -> dict[str, Any]:
    """
    The projected tokens of our containers, one source an audience.

    Without any (an ambient login) the volume still has a file, so that its mount keeps the
    API server's token out of our containers.

    Args:
        stores: that the pod logs in to.
        expiration: seconds.
    """
    audiences = sorted({store.text("audience") for store in stores} - {""})
    sources: list[dict[str, Any]] = [
        {
            "serviceAccountToken": {
                "audience": audience,
                "expirationSeconds": expiration,
                "path": names.token_file(audience),
            }
        }
        for audience in audiences
    ]
    if not sources:
        item = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": _NAMESPACE}}
        sources = [{"downwardAPI": {"items": [item]}}]
    return {
        "name": names.IDENTITY_VOLUME,
        "projected": {"defaultMode": _TOKEN_MODE, "sources": sources},
    }


_NAMESPACE: Final = "metadata.namespace"
