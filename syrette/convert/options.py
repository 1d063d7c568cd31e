"""Annotations of theirs that are an option of ours: a value each, checked by our own parsers."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from injector.contract.names import DOMAIN
from syrette.convert.table import PREFIX, parse_bool
from webhook.annotations import table as ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syrette.convert.findings import Conversion

MOUNT: Final = "/vault/secrets"
"""Where Vault's injector mounts files when nobody says it."""
_LEVELS: Final = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "err": "error",
    "error": "error",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a pod beside its annotations."""

    containers: tuple[str, ...]
    init_containers: tuple[str, ...]
    audiences: Mapping[str, str]
    """Audience of the service account's token by projected volume; empty is the API server's."""


def option(name: str, text: str) -> str:
    """
    Check the value of an option of ours.

    Raises:
        ValueError: says what is allowed.
    """
    if text or name not in ours.RESOURCE_OPTIONS:
        ours.OPTIONS[name].parse(text)
    return text


def mount_path(text: str) -> str:
    """
    Give a directory as ours are written.

    Raises:
        ValueError: for what cannot be a mount path here.
    """
    path = posixpath.normpath(text) if text else text
    ours.OPTIONS["mount-path"].parse(path)
    return path


def _plain(name: str) -> Callable[[str, Facts, Conversion], str]:
    return lambda text, _facts, _conversion: option(name, text)


def _refresh(text: str, _facts: Facts, _conversion: Conversion) -> str:
    # A bare number is of seconds (go-secure-stdlib, parseutil.ParseDurationSecond).
    return option("refresh", f"{text}s" if text.isdecimal() else text)


def _log_level(text: str, _facts: Facts, _conversion: Conversion) -> str:
    if text.lower() not in _LEVELS:
        raise ValueError(f"`{text[:60]}` is no level")
    return _LEVELS[text.lower()]


def _mount(text: str, _facts: Facts, _conversion: Conversion) -> str:
    return mount_path(text)


def _containers(text: str, facts: Facts, conversion: Conversion) -> str:
    """Those that get the files today: Vault's injector compares names without trimming them."""
    given = text.split(",")
    found = [name for name in facts.containers if name in given]
    for name in given:
        if name not in facts.containers:
            near = f"; `{name.strip()}` is one" if name.strip() in facts.containers else ""
            conversion.notes.append(
                f"agent-inject-containers: no container is called `{name[:60]}`{near}, and gets "
                "nothing today"
            )
    if not found:
        raise ValueError("no container of the pod is named, so that nobody reads the files")
    # All init containers get them, whatever is named (vault-k8s, agent.go).
    return option("containers", ", ".join([*found, *facts.init_containers]))


_OPTIONS: Final[Mapping[str, tuple[str, Callable[[str, Facts, Conversion], str]]]] = {
    "template-static-secret-render-interval": ("refresh", _refresh),
    "agent-limits-cpu": ("cpu-limit", _plain("cpu-limit")),
    "agent-limits-mem": ("memory-limit", _plain("memory-limit")),
    "agent-requests-cpu": ("cpu-request", _plain("cpu-request")),
    "agent-requests-mem": ("memory-request", _plain("memory-request")),
    "log-level": ("log-level", _log_level),
    "secret-volume-path": ("mount-path", _mount),
    "agent-inject-containers": ("containers", _containers),
}


def convert(theirs: Mapping[str, str], facts: Facts, conversion: Conversion) -> None:
    """Convert whatever is one option, and what switches injection."""
    for key, (name, read) in _OPTIONS.items():
        if key not in theirs:
            continue
        whole = PREFIX + key
        try:
            text = read(theirs[key], facts, conversion)
        except ValueError as exc:
            conversion.none(whole, str(exc))
            continue
        conversion.ours[f"{DOMAIN}/{name}"] = text
        conversion.becomes(whole, f"{DOMAIN}/{name}: {text or 'unset'}")
    _switches(theirs, facts, conversion)


def _switches(theirs: Mapping[str, str], facts: Facts, conversion: Conversion) -> None:
    switch = theirs.get("agent-inject")
    if switch is None or not parse_bool(switch):
        conversion.ours[f"{DOMAIN}/inject"] = "false"
    if switch is None:
        conversion.notes.append(
            f"agent-inject is absent: Vault's injector leaves the pod alone, and `{DOMAIN}/inject: "
            '"false"` keeps it so'
        )
    elif parse_bool(switch):
        conversion.unneeded(f"{PREFIX}agent-inject", "a secret is enough to be injected")
    else:
        conversion.becomes(f"{PREFIX}agent-inject", f'{DOMAIN}/inject: "false"')
    _boolean("agent-pre-populate-only", f"{DOMAIN}/refresh", "never", theirs, conversion)
    _boolean("agent-init-first", f"{DOMAIN}/order", "first", theirs, conversion)
    if facts.init_containers and not parse_bool(theirs.get("agent-init-first", "")):
        conversion.notes.append(
            "without agent-init-first Vault's init container is the last one; ours is the first: "
            f"add `{DOMAIN}/order: last` if the pod's own must run before it"
        )


def _boolean(
    key: str, name: str, value: str, theirs: Mapping[str, str], conversion: Conversion
) -> None:
    """Write an option where a boolean of theirs is true."""
    if key not in theirs:
        return
    said = parse_bool(theirs[key])
    if said is None:
        conversion.none(PREFIX + key, f"`{theirs[key][:60]}` is no boolean")
    elif said:
        conversion.ours[name] = value
        conversion.becomes(PREFIX + key, f"{name}: {value}")
    else:
        conversion.unneeded(PREFIX + key, "it is false")
