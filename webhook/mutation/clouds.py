"""
Paths of Azure Key Vault and Google Secret Manager, looked at with the store's prefix in front.

What becomes part of a host name is checked here, and once more in the injector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.azure import InvalidPathError, parse_path
from injector.contract.google import InvalidPathError as InvalidNameError
from injector.contract.reasons import Reason
from webhook.mutation import prefixes

if TYPE_CHECKING:
    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems


def check(intent: Intent, problems: Problems) -> None:
    """Note every path that names no object of a vault, and no secret of a project."""
    for wanted in intent.secrets:
        for source in wanted.sources:
            configured = intent.stores.get(source.reference.store)
            path = prefixes.final(source.reference, intent)
            if configured is None or path.startswith("arn:"):
                continue  # refused already, for what it is
            wrong = _problem(source.reference, path, configured.store)
            if wrong is not None:
                origin = wanted.origin
                problems.add(Reason.INVALID_REFERENCE, origin.key, wrong, origin.line)


def _problem(reference: Reference, path: str, store: Store) -> str | None:
    try:
        if store.family == "azure":
            parse_path(path)
        elif store.family == "gcp":
            prefixes.google_name(reference, path, store)
    except (InvalidPathError, InvalidNameError) as exc:
        return str(exc)
    return None
