"""
Paths of Azure Key Vault, Google and SOPS documents, looked at with the store's prefix in front.

What becomes part of a host name or a file's is checked here, and once more in the injector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.contract.azure import InvalidPathError, parse_path
from injector.contract.google import InvalidPathError as InvalidNameError
from injector.contract.reasons import Reason
from injector.contract.sops import InvalidPathError as InvalidPlaceError
from injector.contract.sops import parse_path as parse_place
from webhook.mutation import prefixes

if TYPE_CHECKING:
    from injector.contract.references import Reference
    from injector.contract.stores import Store
    from webhook.annotations.intent import Intent
    from webhook.errors import Problems


def check(intent: Intent, problems: Problems) -> None:
    """Note every path that names no object of a vault, secret of a project, or document."""
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
        elif store.family == "sops":
            parse_place(path)
    except (InvalidPathError, InvalidNameError, InvalidPlaceError) as exc:
        return str(exc)
    return None
