"""
Every annotation of Vault's injector, and what becomes of it.

Read from vault-k8s v1.7.6 (agent-inject/agent/annotations.go). docs/convert.md is generated from
these rows. What becomes something is written by `options`, `login` and `secrets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syrette.convert.findings import Fate

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "vault.hashicorp.com/"


@dataclass(frozen=True, slots=True)
class Row:
    """One annotation."""

    key: str
    """Without the domain; with a `-` at its end the name of a secret or parameter follows."""
    fate: Fate
    text: str
    """What it becomes, or why nothing."""
    asks: bool | None = None
    """The value of a boolean that asks for something; with the other one nothing is lost."""
    harmless: tuple[str, ...] = ()
    """Values with which nothing is lost."""


_CERTIFICATES: Final = (
    "whom to trust is the operator's: `ca-bundle` of the operator's configuration or of a store"
)
_BACK_OFF: Final = "retries are bounded by `init-timeout`, and never end in the sidecar"
_FOLLOWS: Final = "user, group and security context follow those of the pod's own containers"
_SESSION: Final = "init container and sidecar share one session and its leases"

_SWITCHES: Final = (
    Row(
        "agent-inject",
        Fate.BECOMES,
        '`inject: "false"` where it is false or absent; true needs no annotation',
    ),
    Row("agent-inject-status", Fate.UNNEEDED, "Vault's injector writes it"),
    Row(
        "agent-pre-populate",
        Fate.NONE,
        "our init container always runs, so that the files are there before the application; "
        "`order: last` starts it behind the pod's own init containers",
        asks=False,
    ),
    Row("agent-pre-populate-only", Fate.BECOMES, "`refresh: never`"),
    Row("agent-init-first", Fate.BECOMES, "`order: first`"),
    Row("agent-enable-quit", Fate.UNNEEDED, "a native sidecar ends with the pod's containers"),
    Row("agent-revoke-on-shutdown", Fate.UNNEEDED, "the session is always revoked at the end"),
    Row("agent-revoke-grace", Fate.UNNEEDED, "the session is revoked when the pod has ended"),
    Row("agent-request-namespace", Fate.UNNEEDED, "Vault's injector writes it"),
    Row(
        "agent-share-process-namespace",
        Fate.NONE,
        "`on-change: signal:…` shares it by itself; for anything else set "
        "`shareProcessNamespace` in the pod's spec",
        asks=True,
    ),
)
_SECRETS: Final = (
    Row("agent-inject-secret-", Fate.BECOMES, "`file.<name>`, or an item of `secrets`"),
    Row("agent-inject-template-", Fate.BECOMES, "`from`, and a `template` where one is needed"),
    Row(
        "agent-inject-template-file-",
        Fate.NONE,
        "the template is a file in the agent's container: put its text into "
        "`agent-inject-template-…` and convert again",
    ),
    Row("agent-template-left-delim-", Fate.BECOMES, "the template is read with it"),
    Row("agent-template-right-delim-", Fate.BECOMES, "the template is read with it"),
    Row("agent-inject-file-", Fate.BECOMES, "`file`"),
    Row("agent-inject-perms-", Fate.BECOMES, "`mode`, without write permissions of others"),
    Row("secret-volume-path-", Fate.BECOMES, "`mount`"),
    Row("preserve-secret-case", Fate.BECOMES, "the spelling of the files' names"),
    Row("preserve-secret-case-", Fate.BECOMES, "the spelling of the file's name"),
    Row(
        "agent-inject-command-",
        Fate.NONE,
        "no command is run; tell the application by `on-change`: `signal:<SIG>:<process>`, "
        "`http:<METHOD> <loopback URL>` or `restart`",
    ),
    Row("error-on-missing-key-", Fate.UNNEEDED, "a missing key is always an error"),
    Row(
        "agent-inject-default-template",
        Fate.UNNEEDED,
        "a secret without a template is written as json, or in the format of the file's extension",
    ),
    Row("agent-inject-containers", Fate.BECOMES, "`containers`"),
    Row("secret-volume-path", Fate.BECOMES, "`mount-path`; absent it is `/vault/secrets`"),
    Row(
        "agent-inject-token",
        Fate.NONE,
        "the token of a login never leaves our containers; an application that calls Vault itself "
        "logs in with a token of its own service account",
        asks=True,
    ),
    Row("template-static-secret-render-interval", Fate.BECOMES, "`refresh`"),
    Row(
        "template-config-exit-on-retry-failure",
        Fate.UNNEEDED,
        "a definite no ends the init container at once; a sidecar keeps the last good files",
    ),
    Row("template-max-connections-per-host", Fate.UNNEEDED, "one connection is kept"),
    Row("template-lease-renewal-threshold", Fate.UNNEEDED, "leases are renewed at two thirds"),
)
_LOGIN: Final = (
    Row("service", Fate.BECOMES, "`vault.address`, if the operator's `allowed-addresses` has it"),
    Row("namespace", Fate.BECOMES, "`vault.namespace`"),
    Row("role", Fate.BECOMES, "`vault.role`"),
    Row("auth-type", Fate.BECOMES, "`vault.auth`: kubernetes, jwt or aws"),
    Row("auth-path", Fate.BECOMES, "`vault.auth-mount`, without `auth/`"),
    Row(
        "auth-config-",
        Fate.BECOMES,
        "`role`: `vault.role`; `header-value`: `vault.aws-server-id`; `region`: `aws.region`; "
        "others are reported",
    ),
    Row(
        "agent-service-account-token-volume-name",
        Fate.BECOMES,
        "`vault.audience`, that of the volume; the token itself is our own",
    ),
    Row("auth-min-backoff", Fate.UNNEEDED, _BACK_OFF),
    Row("auth-max-backoff", Fate.UNNEEDED, _BACK_OFF),
    Row("agent-auto-auth-exit-on-err", Fate.UNNEEDED, "a refused login ends the init container"),
    Row("client-timeout", Fate.BECOMES, "`vault.timeout`"),
    Row("client-max-retries", Fate.UNNEEDED, _BACK_OFF),
    Row("proxy-address", Fate.NONE, "the proxy is the operator's: `proxy` of the configuration"),
    Row(
        "tls-skip-verify",
        Fate.NONE,
        f"the server is always verified; {_CERTIFICATES}",
        asks=True,
    ),
    Row("tls-secret", Fate.NONE, _CERTIFICATES),
    Row("tls-server-name", Fate.NONE, "the server is verified by the name in `vault.address`"),
    Row("ca-cert", Fate.NONE, _CERTIFICATES),
    Row("ca-key", Fate.NONE, _CERTIFICATES),
    Row("client-cert", Fate.NONE, "there are no client certificates: the login is the identity"),
    Row("client-key", Fate.NONE, "there are no client certificates: the login is the identity"),
)
_CONTAINERS: Final = (
    Row("agent-image", Fate.UNNEEDED, "the image is the operator's: `injector.image`"),
    Row("agent-limits-cpu", Fate.BECOMES, "`cpu-limit`"),
    Row("agent-limits-mem", Fate.BECOMES, "`memory-limit`"),
    Row("agent-requests-cpu", Fate.BECOMES, "`cpu-request`"),
    Row("agent-requests-mem", Fate.BECOMES, "`memory-request`"),
    Row("agent-limits-ephemeral", Fate.UNNEEDED, "our containers write into memory only"),
    Row("agent-requests-ephemeral", Fate.UNNEEDED, "our containers write into memory only"),
    Row("agent-run-as-user", Fate.UNNEEDED, _FOLLOWS),
    Row("agent-run-as-group", Fate.UNNEEDED, _FOLLOWS),
    Row("agent-run-as-same-user", Fate.UNNEEDED, _FOLLOWS),
    Row("agent-set-security-context", Fate.UNNEEDED, _FOLLOWS),
    Row("log-level", Fate.BECOMES, "`log-level`: debug, info, warning or error"),
    Row("log-format", Fate.UNNEEDED, "the log has one format"),
    Row("go-max-procs", Fate.UNNEEDED, "our containers are no Go programs"),
    Row("agent-disable-idle-connections", Fate.UNNEEDED, "none is kept between two refreshes"),
    Row("agent-disable-keep-alives", Fate.UNNEEDED, "none is kept between two refreshes"),
    Row(
        "agent-copy-volume-mounts",
        Fate.NONE,
        f"our containers mount nothing of the pod's; {_CERTIFICATES}",
    ),
    Row("agent-extra-secret", Fate.NONE, "our containers mount nothing of the pod's"),
    Row(
        "agent-configmap",
        Fate.NONE,
        "what is in it is not read here: write its templates as annotations and convert again",
    ),
    Row("agent-json-patch", Fate.NONE, "our containers are not patched"),
    Row("agent-init-json-patch", Fate.NONE, "our containers are not patched"),
    Row("agent-telemetry-", Fate.NONE, "`metrics-port` serves the sidecar's metrics"),
    Row(
        "agent-cache-enable",
        Fate.UNNEEDED,
        f"{_SESSION}; nothing listens for the application, which must log in if it calls Vault",
    ),
    Row("agent-cache-use-auto-auth-token", Fate.UNNEEDED, _SESSION),
    Row(
        "agent-cache-listener-port",
        Fate.NONE,
        "nothing listens for the application; one that calls Vault through the agent must log in",
    ),
    Row("agent-cache-exit-on-err", Fate.UNNEEDED, _SESSION),
)
GROUPS: Final[Mapping[str, tuple[Row, ...]]] = MappingProxyType(
    {
        "Switches and the pod's life": _SWITCHES,
        "Secrets": _SECRETS,
        "Vault and the login": _LOGIN,
        "The injector's containers": _CONTAINERS,
    }
)
"""As the documentation shows them."""

TABLE: Final[Mapping[str, Row]] = MappingProxyType(
    {row.key: row for rows in GROUPS.values() for row in rows}
)
_FAMILIES: Final = tuple(sorted((key for key in TABLE if key.endswith("-")), key=len, reverse=True))
"""Keys that a name follows, longest first: `…-template-file-` before `…-template-`."""


def find(name: str) -> tuple[Row, str] | None:
    """
    Find the row of an annotation.

    Args:
        name: the key without its domain.

    Returns:
        The row, and the name of a secret or parameter that follows its key.
    """
    if name in TABLE and not name.endswith("-"):
        return TABLE[name], ""
    for family in _FAMILIES:
        if name.startswith(family) and name != family:
            return TABLE[family], name.removeprefix(family)
    return None


def parse_bool(text: str) -> bool | None:
    """Read a boolean as Vault's injector does (strconv.ParseBool, empty is false), or None."""
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"", "0", "f", "F", "false", "FALSE", "False"}:
        return False
    return None
