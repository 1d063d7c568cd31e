"""References as the webhook takes them: nothing is written that it would deny."""

from __future__ import annotations

from injector.contract import azure, google, references
from injector.contract.references import InvalidReferenceError, Reference
from injector.contract.stores import PROVIDERS
from webhook.annotations.reading import option_problems


def checked(reference: Reference) -> Reference:
    """
    Check a reference to a built-in store as the webhook does.

    Args:
        reference: of Google's with the whole name of its secret.

    Raises:
        ValueError: for one that cannot be written, or whose path names nothing.
    """
    provider = PROVIDERS[reference.store]
    for problem in option_problems(reference, provider):
        raise ValueError(problem)
    if provider.family == "azure":
        azure.parse_path(reference.path)
    elif provider.family == "gcp":
        google.parse_path(reference.path, "", reference.option("region"))
    try:
        sound = references.parse(str(reference)) == reference
    except InvalidReferenceError as exc:
        raise ValueError(f"`{reference.path[:60]}`: {exc}") from exc
    if not sound:
        raise ValueError(f"`{str(reference)[:60]}` cannot be written as a reference")
    return reference
