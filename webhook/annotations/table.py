"""
The annotation table: one row a key, the only place where an option is spelled.

Options of stores (`aws.region`, …) are generated from the store fields of the contract.
docs/annotations.md is generated from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from injector.contract.stores import FAMILIES, StoreField, fields_of
from webhook.annotations import parsers
from webhook.annotations.intent import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


EVERYWHERE: Final = frozenset(Scope)
POD_ONLY: Final = frozenset({Scope.POD})
ANNOTATED: Final = frozenset({Scope.NAMESPACE, Scope.SERVICE_ACCOUNT, Scope.POD})


@dataclass(frozen=True, slots=True)
class Annotation:
    """One option of a pod, service account, namespace, and of the operator's `defaults`."""

    key: str
    """Without the domain."""
    field: str
    """Field of `Options`."""
    parse: Callable[[str], Any]
    default: str
    """As a user would write it; what follows from other things in words."""
    doc: str
    example: str
    scopes: frozenset[Scope] = EVERYWHERE


OPTIONS: Final[Mapping[str, Annotation]] = MappingProxyType(
    {
        row.key: row
        for row in (
            Annotation(
                "mount-path",
                "mount_path",
                parsers.mount_path,
                "/secrets",
                "Where the files are mounted, read-only, in the application's containers.",
                "/etc/web/secrets",
            ),
            Annotation(
                "containers",
                "containers",
                parsers.containers,
                "all but the ignored ones",
                "Comma list of the containers that get the secrets.",
                "web, worker",
            ),
            Annotation(
                "refresh",
                "refresh",
                parsers.refresh,
                "15m",
                "Time between reads (±10 %); `never` fetches once and adds no sidecar.",
                "5m",
            ),
            Annotation(
                "on-change",
                "on_change",
                parsers.on_change,
                "none",
                "How the application is told of a change: `signal:<SIG>:<process>`, "
                "`http:<METHOD> <loopback URL>` or `restart`.",
                "signal:SIGHUP:nginx",
            ),
            Annotation(
                "mode",
                "mode",
                parsers.mode,
                "by fsGroup and uid",
                "Octal mode of the files, in quotes.",
                "0440",
            ),
            Annotation(
                "order",
                "order",
                parsers.choice("first", "last"),
                "first",
                "Where our init container stands; `last` lets a native-sidecar proxy start first.",
                "last",
            ),
            Annotation(
                "init-timeout",
                "init_timeout",
                parsers.duration,
                "2m",
                "How long the init container retries what may pass.",
                "30s",
            ),
            Annotation(
                "max-stale",
                "max_stale",
                parsers.duration,
                "none",
                "After this long without a successful refresh, status and metrics say stale.",
                "1h",
            ),
            Annotation(
                "max-stale-action",
                "max_stale_action",
                parsers.choice("unready"),
                "none",
                "`unready` also makes the pod unready: an outage of the provider then takes "
                "every replica out of service.",
                "unready",
            ),
            Annotation(
                "restart-spread",
                "restart_spread",
                parsers.duration,
                "10 % of refresh, at least 30s",
                "Time over which `on-change: restart` spreads replicas.",
                "10m",
            ),
            Annotation(
                "sidecar",
                "sidecar",
                parsers.choice("auto", "native", "classic"),
                "auto",
                "Kind of sidecar; `classic` needs `restartPolicy: Always`.",
                "classic",
            ),
            Annotation(
                "metrics-port",
                "metrics_port",
                parsers.integer(1024, 65535),
                "off",
                "Port of the sidecar's Prometheus text, `/healthz` and `/status`.",
                "9465",
            ),
            Annotation(
                "memory-limit",
                "memory_limit",
                parsers.quantity,
                "128Mi",
                "Memory that one of our containers may take; never less than it needs.",
                "256Mi",
            ),
            Annotation(
                "memory-request",
                "memory_request",
                parsers.quantity,
                "48Mi",
                "Memory that is reserved for it.",
                "64Mi",
            ),
            Annotation(
                "cpu-limit", "cpu_limit", parsers.quantity, "500m", "CPU that it may take.", "1"
            ),
            Annotation(
                "cpu-request",
                "cpu_request",
                parsers.quantity,
                "10m",
                "CPU that is reserved for it.",
                "20m",
            ),
            Annotation(
                "template-delimiters",
                "delimiters",
                parsers.delimiters,
                "{{ }}",
                'Of template variables; `"[[ ]]"` passes through Helm.',
                "[[ ]]",
            ),
            Annotation(
                "override-env",
                "override_env",
                parsers.boolean,
                "false",
                "Take over a variable that a container already defines, in place of a denial.",
                "true",
            ),
            Annotation(
                "token-expiration",
                "token_expiration",
                parsers.integer(600, 86400 * 366),
                "3600",
                "Life of the projected tokens in seconds.",
                "7200",
            ),
            Annotation(
                "log-level",
                "log_level",
                parsers.choice("debug", "info", "warning", "error"),
                "info",
                "Of our containers' log: `debug`, `info`, `warning` or `error`.",
                "debug",
            ),
        )
    }
)

FIELDS: Final[Mapping[str, Mapping[str, StoreField]]] = MappingProxyType(
    {family: MappingProxyType(fields_of(family)) for family in FAMILIES}
)
"""Fields of stores by family and name."""

STORE_FIELDS: Final[Mapping[str, tuple[str, StoreField]]] = MappingProxyType(
    {
        f"{family}.{row.name}": (family, row)
        for family in FAMILIES
        for row in FIELDS[family].values()
    }
)
"""Family and field by `<family>.<field>`."""

STORE_OPTIONS: Final[Mapping[str, tuple[str, StoreField]]] = MappingProxyType(
    {key: row for key, row in STORE_FIELDS.items() if row[1].annotated}
)
"""Those of them that may be written as an annotation."""

RESOURCE_OPTIONS: Final = frozenset({"memory-limit", "memory-request", "cpu-limit", "cpu-request"})
"""Where an empty value means "leave it unset", not "take the default"."""


@dataclass(frozen=True, slots=True)
class Form:
    """A key that is no option: it asks for a secret, configures stores, or is ours."""

    key: str
    """Without the domain; a prefix when it ends in a dot."""
    doc: str
    scopes: frozenset[Scope] = POD_ONLY
    secret: bool = False
    """Whether it asks for secrets."""


INJECT: Final = "inject"
STORES: Final = "stores"
SECRETS: Final = "secrets"
INJECTED: Final = "injected"
FILE: Final = "file."
DIRECTORY: Final = "dir."
VARIABLE: Final = "env."

FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        row.key: row
        for row in (
            Form(FILE, "A reference: the file `<mount-path>/<name>`.", secret=True),
            Form(
                DIRECTORY,
                "A reference to a mapping secret: one file a top-level key, below "
                "`<mount-path>/<name>/`.",
                secret=True,
            ),
            Form(
                VARIABLE,
                "A reference: the environment variable `<name>` of the selected containers.",
                secret=True,
            ),
            Form(SECRETS, "The long form: a YAML list of items.", secret=True),
            Form(
                f"{SECRETS}.", "More items under any name; all lists are put together.", secret=True
            ),
            Form(STORES, "Named stores: a YAML mapping of name to settings.", ANNOTATED),
            Form(
                INJECT,
                '`"false"` switches injection off, whatever else is there; `"true"` says that '
                "there must be a secret.",
            ),
            Form(INJECTED, "Written by Syrette: version and hash of the plan. Ignored as input."),
        )
    }
)

SECRET_PREFIXES: Final = tuple(key for key in FORMS if key.endswith("."))


def form(name: str) -> Form | None:
    """The form of a key without domain, by its whole name or by what stands before its dot."""
    head, dot, _ = name.partition(".")
    return FORMS.get(head + dot)


KNOWN: Final = (*OPTIONS, *STORE_OPTIONS, INJECT, STORES, SECRETS, INJECTED)
"""Every whole key, for "did you mean"."""


@dataclass(frozen=True, slots=True)
class Honoured:
    """An annotation of another platform that stands for an option of ours."""

    key: str
    option: str
    """Option, or `<family>.<field>`; one of ours wins wherever it is annotated."""
    scopes: frozenset[Scope] = frozenset({Scope.SERVICE_ACCOUNT})


HONOURED: Final = (
    Honoured("eks.amazonaws.com/role-arn", "aws.role-arn"),
    Honoured("eks.amazonaws.com/audience", "aws.audience"),
    Honoured(
        "eks.amazonaws.com/token-expiration",
        "token-expiration",
        frozenset({Scope.SERVICE_ACCOUNT, Scope.POD}),
    ),
    Honoured("iam.gke.io/gcp-service-account", "gcp.service-account"),
    Honoured("azure.workload.identity/client-id", "azure.client-id"),
    Honoured("azure.workload.identity/tenant-id", "azure.tenant-id"),
)
