"""
Paths of Azure Key Vault: a vault, a kind and a name, looked at with the store's prefix in front.

What becomes part of a host name is checked here, and once more in the injector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.azure import InvalidPathError, parse_path
from injector.contract.reasons import Reason
from webhook.mutation import prefixes

if TYPE_CHECKING:
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems


def check(intent: Intent, problems: Problems) -> None:
    """Note every path that names no object of a vault."""
    for wanted in intent.secrets:
        for source in wanted.sources:
            configured = intent.stores.get(source.reference.store)
            if configured is None or configured.store.family != "azure":
                continue
            path = prefixes.final(source.reference, intent)
            if path.startswith("arn:"):
                continue  # refused already, for what it is
            try:
                parse_path(path)
            except InvalidPathError as exc:
                origin = wanted.origin
                problems.add(Reason.INVALID_REFERENCE, origin.key, str(exc), origin.line)
