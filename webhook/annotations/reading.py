"""
References against stores: each must name a store that is there, with options that it takes.

Whatever becomes part of a host name has a DNS label's shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.contract import google, references, sops
from injector.contract.fields import DNS_LABEL, VAULT_PATH
from injector.contract.names import DOMAIN
from injector.contract.reasons import Reason
from injector.contract.stores import PROVIDERS
from webhook.annotations import azure
from webhook.annotations.suggestions import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from injector.contract.references import Reference
    from injector.contract.stores import ProviderKind
    from webhook.annotations.intent import ConfiguredStore, Origin
    from webhook.annotations.stores import Stores
    from webhook.errors import Problems


@dataclass(frozen=True, slots=True)
class Option:
    """What one option of references may be."""

    pattern: str
    expected: str
    """What the pattern wants, in words."""
    doc: str


_VERSION_NUMBER: Final = Option(r"[1-9][0-9]{0,18}", "a version number, from 1", "Pins a version.")
_REGION: Final = Option(DNS_LABEL, "a region such as eu-west-1", "Instead of the store's region.")
_FIELD: Final = Option(r"[^\x00]{0,2048}", "a text of at most 2048 characters", "")
_FIELD_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}"
OPTIONS: Final[Mapping[tuple[str, str], Option]] = MappingProxyType(
    {
        ("aws-secretsmanager", "region"): _REGION,
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
        ("aws-secretsmanager", "stage"): Option(
            r"[^\x00-\x20\x7f]{1,256}",
            "a staging label: at most 256 characters, no spaces",
            "Staging label; default AWSCURRENT.",
        ),
        ("aws-secretsmanager", "version"): Option(
            r"[A-Za-z0-9-]{32,64}",
            "a version id: 32 to 64 letters, digits and `-`; staging labels go into `stage`",
            "Pins a version id.",
        ),
        ("aws-ssm", "region"): _REGION,
        ("aws-ssm", "version"): _VERSION_NUMBER,
        # https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
        ("aws-ssm", "label"): Option(
            r"(?![0-9])[A-Za-z0-9._-]{1,100}",
            "a label: at most 100 letters, digits and `._-`, no digit first",
            "Parameter label.",
        ),
        ("aws-ssm", "recursive"): Option(
            "true|false", '"true" or "false"', "With a path that ends in `/`: also what is deeper."
        ),
        ("vault", "engine"): Option(
            VAULT_PATH,
            "a mount such as team/kv: no slash at its ends",
            "Mount of the engine, the beginning of the path, where Vault does not tell it.",
        ),
        ("vault", "kv"): Option(
            "[12]", "1 or 2", "Version of the KV engine, where Vault does not tell it."
        ),
        ("vault", "ttl"): Option(
            "[0-9]{1,9}[smh]?", "a duration such as 1h", "Life that is asked for."
        ),
        ("vault", "version"): _VERSION_NUMBER,
        ("gcp-secretmanager", "region"): Option(
            DNS_LABEL, "a location such as europe-west3", "Location of a regional secret."
        ),
        ("gcp-secretmanager", "version"): Option(
            google.VERSION,
            "a version number, `latest` or an alias",
            "A version, which it pins, or an alias.",
        ),
        ("sops", "type"): Option(
            "|".join(sops.FORMATS),
            f"one of {', '.join(sops.FORMATS)}",
            "Format of the document; default by the ending of its name, as SOPS does.",
        ),
        ("azure-keyvault", "version"): Option("[0-9a-f]{32}", "a version id", "Pins a version id."),
    }
)
"""Options by provider and name."""


class References:
    """Checks the references of one admission; what concerns a store is said once a store."""

    def __init__(self, stores: Stores, problems: Problems) -> None:
        self._stores = stores
        self._problems = problems
        self._said: set[tuple[str, str]] = set()

    def check(self, reference: Reference, origin: Origin) -> None:
        """Note everything that is wrong with one reference."""

        def refuse(reason: Reason, message: str) -> None:
            self._problems.add(reason, origin.key, message, origin.line)

        configured = self._stores.configure(reference.store)
        if configured is None:
            names = self._stores.names
            hint = near(reference.store, names) or f"; there are {', '.join(names)}"
            refuse(Reason.UNKNOWN_STORE, f"no store `{reference.store}`{hint}")
            return
        provider = PROVIDERS[configured.store.provider]
        for message in option_problems(reference, provider):
            refuse(Reason.INVALID_REFERENCE, message)
        if provider.family == "aws":
            self._check_aws(reference, configured, refuse)
        elif reference.path.startswith("arn:"):
            refuse(Reason.INVALID_REFERENCE, f"`{reference.store}` is no AWS store; ARNs are AWS's")
        elif provider.family == "vault":
            self._check_vault(reference, configured, refuse)
        elif provider.family == "azure":
            self._check_azure(reference, configured, refuse)

    def _check_aws(
        self,
        reference: Reference,
        configured: ConfiguredStore,
        refuse: Callable[[Reason, str], None],
    ) -> None:
        provider, region = configured.store.provider, reference.option("region")
        arn = reference.arn
        if arn is not None:
            if references.ARN_STORES[arn.service] != provider:
                message = f"an ARN of {arn.service} in the store `{reference.store}` of {provider}"
                refuse(Reason.INVALID_REFERENCE, message)
            if region and region != arn.region:
                refuse(Reason.INVALID_REFERENCE, f"the ARN's region is {arn.region}, not {region}")
            return
        if region or configured.store.text("region"):
            return
        if self._stores.sound(reference.store) and self._first(reference.store, "region"):
            message = (
                f"nobody gives a region for `{reference.store}`: add `{DOMAIN}/aws.region`, "
                "`?region=` or a region in the store"
            )
            refuse(Reason.INVALID_STORE, message)

    def _check_vault(
        self,
        reference: Reference,
        configured: ConfiguredStore,
        refuse: Callable[[Reason, str], None],
    ) -> None:
        name = reference.store
        if not self._stores.sound(name):
            return
        built_in = name in PROVIDERS
        if not configured.store.text("address") and self._first(name, "address"):
            who = f"`{DOMAIN}/vault.address`" if built_in else "an address in the store"
            message = (
                f"nobody gives the address of Vault for `{name}`: it is the operator's to give, "
                f"in `defaults` or `stores`; {who} needs the operator's `allowed-addresses`"
            )
            refuse(Reason.INVALID_STORE, message)
        if not configured.store.text("role") and self._first(name, "role"):
            line = f"`{DOMAIN}/vault.role: <role>`" if built_in else "`role: <role>` to the store"
            refuse(Reason.INVALID_STORE, f"the login of `{name}` at Vault needs a role: add {line}")

    def _check_azure(
        self,
        reference: Reference,
        configured: ConfiguredStore,
        refuse: Callable[[Reason, str], None],
    ) -> None:
        name = reference.store
        if not self._stores.sound(name):
            return
        for needed in azure.NEEDED:
            if configured.store.text(needed) or not self._first(name, needed):
                continue
            line = f"`{needed}` to the store"
            if name in PROVIDERS:
                line = (
                    f"`{DOMAIN}/azure.{needed}`, or annotate the service account with "
                    f"`azure.workload.identity/{needed}`"
                )
            refuse(Reason.INVALID_STORE, f"the login of `{name}` needs a {needed}: add {line}")

    def _first(self, store: str, what: str) -> bool:
        if (store, what) in self._said:
            return False
        self._said.add((store, what))
        return True


def option_problems(reference: Reference, provider: ProviderKind) -> list[str]:
    """Say what is wrong with the options of a reference."""
    if not reference.options:
        return []
    given = dict(reference.options)
    found: list[str] = []
    for name, value in given.items():
        if name not in provider.options and not _is_open(name, provider):
            allowed = ", ".join(
                (*provider.options, *(f"{it}<field>" for it in provider.open_options))
            )
            hint = near(name, provider.options) or f"; it takes {allowed or 'none'}"
            found.append(f"`{provider.name}` has no option `{name[:60]}`{hint}")
            continue
        row = OPTIONS.get((provider.name, name), _FIELD)
        if not re.fullmatch(row.pattern, value):
            found.append(f"option `{name}`: `{value[:60]}` is not {row.expected}")
    below = reference.path.endswith("/")
    if "recursive" in given and not below:
        found.append("`recursive` is for a path that ends in `/`")
    if provider.name == "aws-ssm":
        if "label" in given and "version" in given:
            found.append("`label` and `version` both choose a version: give one")
        if below and {"label", "version"} & set(given):
            found.append("several parameters have no common `label` or `version`")
    elif provider.name == "vault":
        found.extend(_vault_option_problems(given))
    return found


def _vault_option_problems(given: Mapping[str, str]) -> list[str]:
    """What Vault's engines cannot be asked for together: only KV has versions, and no life."""
    asks = [name for name in given if name == "ttl" or name.startswith("data.")]
    found = [
        f"`{name}` is of KV secrets, which take no `{asks[0][:60]}`: give one"
        for name in ("kv", "version")
        if name in given and asks
    ]
    if "version" in given and given.get("kv") == "1":
        found.append("KV 1 keeps no versions: leave out `version`, or `kv`")
    if "ttl" in given and "data.ttl" in given:
        found.append("`ttl` and `data.ttl` say the same: give one")
    return found


def _is_open(name: str, provider: ProviderKind) -> bool:
    return any(
        name.startswith(prefix) and re.fullmatch(_FIELD_NAME, name.removeprefix(prefix))
        for prefix in provider.open_options
    )
