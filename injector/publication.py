"""
From rendered secrets to complete sets of files, one publication a volume.

A file that is in several sets is written into each; every container with variables has an EnvFile,
rebuilt from last good content where a secret failed. One volume that cannot be written does not
hold up another.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from injector import files, render
from injector.contract import names
from injector.errors import InjectorError
from injector.material import RenderedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from injector.contract.plan import Plan, Secret
    from injector.edges import Edges
    from injector.material import Material
    from injector.render.interface import Rendered

ENV_FILE_MODE: Final = 0o400
"""The kubelet alone reads EnvFiles, as root."""

Sets = dict[str, list[RenderedFile]]


def complete_sets(plan: Plan, rendered: Mapping[int, Rendered]) -> Sets:
    """
    Put together what each volume holds.

    Raises:
        InjectorError: when two secrets want one variable.
    """
    sets: Sets = {volume: [] for volume in plan.volumes}
    variables: dict[tuple[str, str], list[tuple[str, Material]]] = {}
    for index, secret in enumerate(plan.secrets):
        made = rendered.get(index)
        for volume in secret.volumes:
            if secret.kind != "env":
                sets[volume].extend(made.files if made is not None else ())
                continue
            for container in secret.containers:
                # A file without variables is written, too: the kubelet waits for it.
                lines = variables.setdefault((volume, container), [])
                lines.extend(made.variables if made is not None else ())
    for (volume, container), lines in variables.items():
        path, material = names.env_file(container), render.env_file(lines)
        sets[volume].append(RenderedFile(path, material, ENV_FILE_MODE))
    return sets


def publish(sets: Sets, edges: Edges) -> tuple[list[str], dict[str, InjectorError]]:
    """Publish every volume; returns those that were switched, and why others failed."""
    switched = []
    problems = {}
    for volume, wanted in sets.items():
        try:
            if files.publish(edges.volume(volume), wanted, clock=edges.clock):
                switched.append(volume)
        except InjectorError as exc:
            problems[volume] = exc
    return switched, problems


def sweep(volumes: Iterable[str], edges: Edges) -> None:
    """Remove replaced sets, now that whoever was told has opened the new files."""
    for volume in volumes:
        with suppress(InjectorError):  # the next publication does it as well
            files.sweep(edges.volume(volume))


def current(sets: Sets, volume: Callable[[str], Path]) -> set[str]:
    """Find the volumes that hold just what they are to hold."""
    found = set()
    for name, wanted in sets.items():
        with suppress(InjectorError):  # publishing says it
            if not files.differs(volume(name), wanted):
                found.add(name)
    return found


def overtaken(sets: Sets, volume: Callable[[str], Path]) -> set[str]:
    """Find the volumes that hold an older publication than the one to come."""
    found = set()
    for name, wanted in sets.items():
        directory = volume(name)
        if (directory / names.PAYLOAD_LINK).is_symlink():
            try:
                if files.differs(directory, wanted):
                    found.add(name)
            except InjectorError:
                continue  # publishing says it
    return found


def touched(secrets: Iterable[tuple[int, Secret]], volumes: Iterable[str]) -> set[int]:
    """Indexes of the secrets that are in any of these volumes."""
    there = set(volumes)
    return {index for index, secret in secrets if not there.isdisjoint(secret.volumes)}
