"""
The worker's door: environment variables that the webhook wrote become one frozen `Settings`.

Nothing else of the injector reads the environment. A variable that is missing, or a plan that this
version cannot read, is refused by name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from injector.contract import codec, names
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from injector.identity.interface import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.contract.plan import Plan

_COPIED: Final = "these variables are the webhook's: create the pod again instead of copying it"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that one process of the injector is told from outside."""

    plan: Plan
    plan_hash: str
    """Of the plan's text: what belongs to another plan is not used."""
    identity: Identity
    pod_uid: str
    root: Path = Path("/")
    """In front of every absolute path."""

    def volume(self, name: str) -> Path:
        """Where a volume of files is mounted."""
        return self._below(names.volume_directory(name))

    @property
    def session_directory(self) -> Path:
        """The private volume of snapshot, state, status and report."""
        return self._below(names.SESSION_DIRECTORY)

    def _below(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """
    Read the settings.

    Raises:
        InjectorError: `invalid-settings` or `invalid-plan`.
    """
    root = _root(environment)
    if not root.is_absolute():
        msg = f"{names.ROOT_VARIABLE} must be an absolute path"
        raise InjectorError(Reason.INVALID_SETTINGS, msg)
    text = _required(environment, names.PLAN_VARIABLE)
    try:
        plan = codec.load(text)
    except codec.InvalidPlanError as exc:
        raise InjectorError(Reason.INVALID_PLAN, f"{names.PLAN_VARIABLE}: {exc}") from exc
    identity = Identity(
        namespace=_required(environment, names.NAMESPACE_VARIABLE),
        service_account=_required(environment, names.SERVICE_ACCOUNT_VARIABLE),
        pod=_required(environment, names.POD_NAME_VARIABLE),
        root=str(root).rstrip("/"),
    )
    pod_uid = _required(environment, names.POD_UID_VARIABLE)
    return Settings(plan, codec.digest(text), identity, pod_uid, root)


def termination_message(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the kubelet looks for the last words of a container, known whatever else is wrong."""
    return _root(environment) / names.TERMINATION_MESSAGE_PATH.lstrip("/")


def _root(environment: Mapping[str, str]) -> Path:
    return Path(environment.get(names.ROOT_VARIABLE) or "/")


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        msg = f"{name} is not set; {_COPIED}"
        raise InjectorError(Reason.INVALID_SETTINGS, msg)
    return value
