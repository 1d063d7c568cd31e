"""Targets: no file, directory or variable may be asked for twice in one container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webhook.annotations.intent import Options, Origin, Wanted
    from webhook.errors import Problems


def check(wanted: Iterable[Wanted], options: Options, problems: Problems) -> None:
    """Note each target that an earlier secret has already, where their containers overlap."""
    held: dict[tuple[str, str], list[tuple[Origin, tuple[str, ...] | None]]] = {}
    for secret in wanted:
        chosen = options.containers if secret.containers is None else secret.containers
        for target in _targets(secret, options):
            others = held.setdefault(target, [])
            for origin, containers in others:
                if _overlap(chosen, containers):
                    message = f"{_name(target)} is asked for twice, first by {origin}"
                    problems.add(
                        Reason.NAME_COLLISION, secret.origin.key, message, secret.origin.line
                    )
                    break
            others.append((secret.origin, chosen))


def _targets(secret: Wanted, options: Options) -> list[tuple[str, str]]:
    if secret.kind == "env":
        return [("", variable.name) for variable in secret.variables]
    return [(secret.mount or options.mount_path, secret.path)]


def _name(target: tuple[str, str]) -> str:
    mount, name = target
    if not mount:
        return f"the variable `{name}`"
    return f"`{mount}`" if name == "." else f"`{mount}/{name}`"


def _overlap(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    return one is None or other is None or not set(one).isdisjoint(other)
