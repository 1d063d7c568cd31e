"""
The intent: what a pod asks for, parsed and inherited, not yet permitted.

These are the shapes between `annotations` (which makes them) and `mutation` (which permits and
plans them). Nothing here has met the policy or the pod's containers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from injector.contract.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.plan import Action, Source, Variable
    from injector.contract.stores import Store
    from webhook.errors import Problems


class Scope(IntEnum):
    """Where a value stands, from farthest to nearest; the nearest wins."""

    OPERATOR = 0
    NAMESPACE = 1
    SERVICE_ACCOUNT = 2
    POD = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the user wrote something, for messages."""

    key: str
    """Whole annotation key, `syrette.dev/file.db.json`."""
    line: int | None = None
    """Line of a YAML document, from 1."""

    def __str__(self) -> str:
        return self.key if self.line is None else f"{self.key} line {self.line}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One secret as the pod asks for it; None takes the pod's option."""

    origin: Origin
    sources: tuple[Source, ...]
    """References as written: prefix not applied."""
    kind: str
    """`file`, `dir` or `env`."""
    path: str = ""
    """File or directory, relative to the mount; `.` is the mount itself; empty for `env`."""
    variables: tuple[Variable, ...] = ()
    format: str = ""
    template: str = ""
    mode: int | None = None
    decode: str = ""
    refresh: float | None = None
    """Seconds; 0 is `never`."""
    containers: tuple[str, ...] | None = None
    mount: str | None = None
    on_change: Action | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """Every option of annotations.md §4 after inheritance, typed, with its default."""

    mount_path: str = "/secrets"
    containers: tuple[str, ...] | None = None
    """None: all but the operator's ignored containers."""
    refresh: float = 900.0
    """Seconds; 0 is `never`: no sidecar."""
    on_change: Action | None = None
    mode: int | None = None
    """None: by fsGroup and uid."""
    order: str = "first"
    init_timeout: float = 120.0
    max_stale: float = 0.0
    max_stale_action: str = ""
    restart_spread: float | None = None
    sidecar: str = "auto"
    metrics_port: int = 0
    memory_limit: str | None = None
    """None takes the measured default, empty text leaves it unset; likewise below."""
    memory_request: str | None = None
    cpu_limit: str | None = None
    cpu_request: str | None = None
    delimiters: tuple[str, str] = ("{{", "}}")
    override_env: bool = False
    token_expiration: int = 3600
    log_level: str = "info"
    given: Mapping[str, Origin] = field(default_factory=dict)
    """Where each option that is not a default was written, by option name without domain."""


@dataclass(frozen=True, slots=True)
class ConfiguredStore:
    """A store with where it comes from, for policy and messages."""

    store: Store
    scope: Scope
    """The nearest scope that contributed."""
    origin: Origin
    field_scopes: Mapping[str, Scope] = field(default_factory=dict)
    """Which scope gave each field: endpoints are checked by it."""
    field_origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where each field was written, for messages."""
    signer: ConfiguredStore | None = None
    """The AWS store whose identity signs the login of a Vault store."""
    key_stores: tuple[ConfiguredStore, ...] = ()
    """Stores whose logins may decrypt the data keys of a SOPS store's documents."""

    @property
    def logins(self) -> tuple[ConfiguredStore, ...]:
        """The store, and every one that takes part in what it does."""
        signers = () if self.signer is None else (self.signer,)
        others = (*signers, *self.key_stores)
        return (self, *(login for store in others for login in store.logins))

    def origin_of(self, name: str) -> Origin:
        """Where a field was written; where the store was, if nobody gave the field."""
        return self.field_origins.get(name, self.origin)

    def refuse(
        self, name: str, message: str, problems: Problems, reason: Reason = Reason.INVALID_STORE
    ) -> None:
        """Note what is wrong with a field, where it was written."""
        origin = self.origin_of(name)
        said = message if origin.line is None else f"`{name}`: {message}"
        problems.add(reason, origin.key, said, origin.line)


@dataclass(frozen=True, slots=True)
class Intent:
    """What one pod asks for."""

    secrets: tuple[Wanted, ...]
    options: Options
    stores: Mapping[str, ConfiguredStore]
    """Every store that a secret refers to, built-in ones included, by name; ready for the plan."""
