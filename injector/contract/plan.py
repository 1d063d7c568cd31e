"""
The plan: the versioned document that the webhook hands to the injector.

References, never values. These are its shapes; `codec` writes and reads the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from injector.contract.references import Reference
    from injector.contract.stores import Store

VERSION: Final = 1
MAX_BYTES: Final = 96 * 1024  # of the escaped text; Linux allows 128 KiB an environment string


@dataclass(frozen=True, slots=True)
class Action:
    """How the application is told of a change."""

    kind: str
    """`signal`, `http` or `restart`."""
    signal: str = ""
    """Name as in signal(7), `SIGHUP`."""
    process: str = ""
    """Process name as in /proc/<pid>/comm."""
    method: str = ""
    url: str = ""
    """Loopback only."""


@dataclass(frozen=True, slots=True)
class Source:
    """One reference of a secret, with the name that its template uses."""

    name: str
    """`value` when the secret has a single unnamed reference."""
    reference: Reference


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable of an EnvFile."""

    name: str
    key: str = ""
    """Key of a mapping secret; empty takes the whole value."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One thing that the pod asked for: what to read and what to make of it."""

    sources: tuple[Source, ...]
    kind: str
    """`file`, `dir` or `env`."""
    path: str = ""
    """File or directory relative to the volume; `.` is the volume itself; empty for `env`."""
    variables: tuple[Variable, ...] = ()
    """For `env` only."""
    containers: tuple[str, ...] = ()
    """For `env` only: whose EnvFiles carry the variables."""
    volumes: tuple[str, ...] = ()
    """Names of the volumes that get the files; for `env` the EnvFile volume."""
    mode: int = 0o444
    """Permission bits of the files."""
    format: str = ""
    """`raw`, `json`, `yaml`, `properties`, `env`; empty follows the value and the extension."""
    template: str = ""
    decode: str = ""
    """`base64` or empty."""
    refresh: float = 0.0
    """Seconds between reads; 0 never reads again (leases rule themselves)."""
    optional: bool = False
    """Absent in the store is allowed; the file is then not written."""
    on_change: Action | None = None

    @property
    def target(self) -> str:
        """What a person calls the result: the file's path or the variables' names."""
        return self.path or ", ".join(variable.name for variable in self.variables)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The operator's egress proxy; link-local and `.svc` are always excluded."""

    https: str = ""
    no_proxy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one pod's injector needs to know."""

    secrets: tuple[Secret, ...]
    stores: tuple[Store, ...]
    volumes: tuple[str, ...]
    """Names of our volumes with files, EnvFile volume included; see `names.volume_directory`."""
    init_timeout: float = 120.0
    """Seconds that the init container retries."""
    max_stale: float = 0.0
    """Seconds without success after which status says stale; 0 never."""
    restart_spread: float = 0.0
    """Seconds over which restarts of replicas are spread."""
    metrics_port: int = 0
    """TCP port of the sidecar's metrics; 0 is off."""
    log_level: str = "info"
    delimiters: tuple[str, str] = ("{{", "}}")
    """Of template variables."""
    ca_bundle: str = ""
    """PEM; empty trusts the image's."""
    proxy: Proxy = Proxy()
    init_only: bool = False
    """No sidecar follows: init gives back by itself what nobody needs after it."""
    classic: bool = False
    """The sidecar is a regular container and is stopped together with the application."""
    grace_period: float = 30.0
    """The pod's terminationGracePeriodSeconds."""
    version: int = VERSION

    @property
    def logins(self) -> tuple[Store, ...]:
        """Every store that the pod logs in to: one that signs or decrypts for another is one."""
        return tuple(login for store in self.stores for login in store.logins)

    def store(self, name: str) -> Store:
        """
        The configured store of that name.

        Raises:
            KeyError: if the plan has none.
        """
        return next(store for store in self.stores if store.name == name)
